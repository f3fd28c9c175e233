/**
 * The IDX format of MNIST (LeCun, Cortes & Burges): two zero bytes, a type code, the rank, big-endian sizes, data.
 * Only unsigned bytes (code 8), which is all that MNIST and its relatives use.
 */
import { BlindspotError } from '../errors.ts';

export interface IdxArray {
  readonly shape: readonly number[];
  /** A view over the file's bytes. */
  readonly data: Uint8Array;
}

/**
 * @param source the file's name, for messages.
 * @throws INVALID_DATA saying what was expected and what came.
 */
export function parseIdx(bytes: Uint8Array, source: string): IdxArray {
  const fail = (problem: string) => new BlindspotError('INVALID_DATA', `${source} is not an IDX file: ${problem}`);
  if (bytes.length < 4) throw fail(`expected a header of 4 bytes but the file has ${bytes.length}`);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) throw fail('it is compressed, gunzip it first');
  if (bytes[0] !== 0 || bytes[1] !== 0) throw fail('expected it to begin with two zero bytes');
  if (bytes[2] !== 8) throw fail(`expected type code 8 (unsigned byte) but received ${bytes[2]}`);
  const rank = bytes[3] ?? 0;
  const start = 4 + 4 * rank;
  if (rank === 0 || rank > 4 || bytes.length < start) throw fail(`expected 1 to 4 dimensions but received ${rank}`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, start);
  const shape = Array.from({ length: rank }, (_, axis) => header.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (bytes.length - start !== size) {
    throw fail(`expected ${size} bytes for shape [${shape.join(', ')}] but received ${bytes.length - start}`);
  }
  return { shape, data: bytes.subarray(start) };
}
