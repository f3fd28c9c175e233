/**
 * The journal of an attack as a file beside its output folder: a line that says which attack, then one record per image,
 * each with a checksum, so that one which a kill has cut off is not taken for a result.
 *
 *     record: id, status, distance, evaluations, KKT residual, starts, slope as float64; n pixels as float32; CRC-32
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { AttackJournal } from '../attack/journal.ts';
import type { Delivery } from '../attack/shard_board.ts';
import { crc32 } from '../data/crc32.ts';
import { BlindspotError } from '../errors.ts';
import type { LaneStatus } from '../kernel/abi.generated.ts';

const FIELDS = 7;

export class AttackJournalFile implements AttackJournal {
  readonly path: string;
  readonly #head: Uint8Array;
  #file: number | undefined;
  #size = 0;

  /**
   * @param folder the attack's output folder.
   * @param attack everything that decides its result, by name.
   */
  constructor(folder: string, attack: Readonly<Record<string, unknown>>) {
    this.path = `${path.resolve(folder)}.journal`;
    const key = createHash('sha256').update(JSON.stringify(attack)).digest('hex');
    this.#head = new TextEncoder().encode(`blindspot attack ${key}\n`);
  }

  restore(n: number): Delivery[] {
    const bytes = existsSync(this.path) ? new Uint8Array(readFileSync(this.path)) : new Uint8Array();
    const size = recordSize(n);
    const known = this.#head.every((byte, i) => bytes[i] === byte);
    const results: Delivery[] = [];
    let at = this.#head.length;
    while (known && at + size <= bytes.length) {
      const result = readRecord(bytes.slice(at, at + size), n);
      if (result === undefined) break;
      results.push(result);
      at += size;
    }
    this.#attempt(() => {
      mkdirSync(path.dirname(this.path), { recursive: true });
      this.#file = openSync(this.path, known ? 'r+' : 'w');
      if (known) ftruncateSync(this.#file, at);
      else writeSync(this.#file, this.#head);
      this.#size = at;
    });
    return results;
  }

  record(results: readonly Delivery[]): void {
    this.#attempt(() => {
      for (const result of results) {
        const record = formatRecord(result);
        writeSync(this.#file as number, record, 0, record.length, this.#size);
        this.#size += record.length;
      }
    });
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Once the results are written. */
  remove(): void {
    this.close();
    rmSync(this.path, { force: true });
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BlindspotError('OUTPUT_NOT_WRITABLE', `Cannot keep what was found in ${this.path}: ${reason}`, {
        cause,
      });
    }
  }
}

function recordSize(n: number): number {
  return 8 * FIELDS + 4 * n + 4;
}

function formatRecord({
  id,
  status,
  distance,
  evaluations,
  kktResidual,
  starts,
  slope,
  example,
}: Delivery): Uint8Array {
  const bytes = new Uint8Array(recordSize(example.length));
  const fields = Float64Array.of(id, status, distance, evaluations, kktResidual, starts, slope);
  bytes.set(new Uint8Array(fields.buffer));
  bytes.set(new Uint8Array(example.buffer, example.byteOffset, example.byteLength), 8 * FIELDS);
  const end = bytes.length - 4;
  new DataView(bytes.buffer).setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

function readRecord(bytes: Uint8Array<ArrayBuffer>, n: number): Delivery | undefined {
  const end = bytes.length - 4;
  if (new DataView(bytes.buffer).getUint32(end, true) !== crc32(bytes.subarray(0, end))) return undefined;
  const [id = 0, status = 0, distance = 0, evaluations = 0, kktResidual = 0, starts = 0, slope = 0] = new Float64Array(
    bytes.buffer,
    0,
    FIELDS,
  );
  const example = new Float32Array(bytes.buffer, 8 * FIELDS, n).slice();
  return { id, status: status as LaneStatus, distance, evaluations, kktResidual, starts, slope, example };
}
