/**
 * Parts of an attack on more images than memory holds, each written when it is done, in a folder beside the output: what was killed
 * goes on after the last of them.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { AttackExample, AttackOutcome, AttackSummary } from '../attack/result.ts';
import { writeFileAtomically } from '../data/atomic_write.ts';
import { parseNpz } from '../data/npz.ts';
import { saveResults } from '../report/save_attack.ts';

export interface AttackPart {
  readonly summary: AttackSummary;
  readonly examples: readonly AttackExample[];
  /** adversarial.npz */
  readonly file: string;
}

const KEY = 'attack.json';

export class AttackParts {
  readonly folder: string;

  /**
   * @param out the attack's output folder.
   * @param attack everything that decides its result: parts of another one are removed.
   */
  static async open(out: string, attack: Readonly<Record<string, unknown>>): Promise<AttackParts> {
    const parts = new AttackParts(`${path.resolve(out)}.parts`);
    const key = `${JSON.stringify(attack)}\n`;
    const file = path.join(parts.folder, KEY);
    if (existsSync(file) && readFileSync(file, 'utf8') === key) return parts;
    await rm(parts.folder, { recursive: true, force: true });
    await mkdir(parts.folder, { recursive: true });
    await writeFileAtomically(file, key);
    return parts;
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** undefined when it is not there yet. */
  async read(name: string): Promise<AttackPart | undefined> {
    const folder = path.join(this.folder, name);
    const results = path.join(folder, 'results.json');
    if (!existsSync(results)) return undefined;
    const { summary, examples } = JSON.parse(await readFile(results, 'utf8')) as Pick<
      AttackPart,
      'summary' | 'examples'
    >;
    // What is NaN in memory is null in JSON.
    const kept = examples.map((example) => ({ ...example, margin: example.margin ?? Number.NaN }));
    return { summary, examples: kept, file: path.join(folder, 'adversarial.npz') };
  }

  /** Whole or not at all. */
  async write(name: string, outcome: AttackOutcome): Promise<AttackPart> {
    await saveResults(path.join(this.folder, name), outcome);
    const { summary, examples } = outcome;
    return { summary, examples, file: path.join(this.folder, name, 'adversarial.npz') };
  }

  /** Once the results are written. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The pixels of a part, [images, n]. */
export async function partPixels({ file }: AttackPart): Promise<Float32Array> {
  const images = parseNpz(new Uint8Array(await readFile(file)), { source: file, only: ['images'] }).get('images');
  if (!(images?.data instanceof Float32Array)) throw new TypeError(`${file} holds no images`);
  return images.data;
}
