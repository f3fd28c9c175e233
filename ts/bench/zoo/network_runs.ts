/**
 * All runs on one network: the search at every effort, from two seeds and on scaled scores, and the second opinions. What is
 * found is kept: opinions for good, the search's own runs as long as the kernel is the same, and the nearest example of all
 * runs ever made, which is the bar.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { attack } from '../../attack/attack.ts';
import type { AttackOptions } from '../../attack/attack_options.ts';
import { writeFileAtomically } from '../../data/atomic_write.ts';
import type { ImageSet } from '../../data/image_set.ts';
import { adamPenalty } from '../opinions/adam_penalty.ts';
import { ddn } from '../opinions/ddn.ts';
import { type Opinion, Oracle } from '../opinions/oracle.ts';
import { pdgd } from '../opinions/pdgd.ts';
import type { BenchContext } from '../report.ts';
import { scaledScores } from './scaled_scores.ts';

/** Of anything here that changes what a run finds. */
const VERSION = 1;
export const SCALE = 1e-3;

const Run = z.object({
  /** null where nothing was found, [images] */
  l2: z.array(z.number().nullable()),
  /** Gradients an image, on average. */
  evaluations: z.number(),
  /** Of the examples, those called converged whose KKT residual is over 0.05. */
  falselyConverged: z.number(),
});
export type Run = z.infer<typeof Run>;

export interface NetworkRuns {
  readonly images: number;
  /** By setting. */
  readonly runs: ReadonlyMap<string, Run>;
  /** The nearest of all runs ever made, untargeted and targeted, [images]; infinite where none found anything. */
  readonly nearest: { readonly none: readonly number[]; readonly labels: readonly number[] };
}

interface Setting {
  readonly options: AttackOptions;
  readonly scaled?: true;
}

/** The search's own runs. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  fast: { options: { effort: 'fast' } },
  'fast, seed 1': { options: { effort: 'fast', seed: 1 } },
  'fast, scaled': { options: { effort: 'fast' }, scaled: true },
  thorough: { options: { effort: 'thorough' } },
  'thorough, seed 1': { options: { effort: 'thorough', seed: 1 } },
  'thorough, scaled': { options: { effort: 'thorough' }, scaled: true },
  exhaustive: { options: { effort: 'exhaustive' } },
  'exhaustive, seed 1': { options: { effort: 'exhaustive', seed: 1 } },
  'penalty, thorough': { options: { method: 'penalty', effort: 'thorough' } },
  'fast, targeted': { options: { effort: 'fast', target: 'labels' } },
  'thorough, targeted': { options: { effort: 'thorough', target: 'labels' } },
  'thorough, targeted, seed 1': { options: { effort: 'thorough', target: 'labels', seed: 1 } },
};
const QUICK_SETTINGS = ['fast', 'fast, seed 1', 'fast, scaled', 'thorough', 'fast, targeted', 'thorough, targeted'];

export const OPINIONS: Readonly<Record<string, Opinion>> = { DDN: ddn(), PDGD: pdgd(), 'Adam penalty': adamPenalty() };
const QUICK_OPINIONS: Readonly<Record<string, Opinion>> = { DDN: ddn({ radii: [0.5], steps: 60 }) };

/** @param images answered rightly by the model, in its shape, with a wrong class each as target. */
export async function networkRuns(bytes: Uint8Array, images: ImageSet, context: BenchContext): Promise<NetworkRuns> {
  const pixels = new Uint8Array(images.images.buffer, images.images.byteOffset, images.images.byteLength);
  const subject = createHash('sha256').update(bytes).update(pixels).digest('hex').slice(0, 16);
  const folder = path.join(context.folder, 'zoo', 'runs', subject);
  const kept = async (name: string, key: string, make: () => Promise<Run>): Promise<Run> => {
    const file = path.join(folder, `${name.replaceAll(/\W+/g, '-')}-${key}.json`);
    if (existsSync(file)) return Run.parse(JSON.parse(await readFile(file, 'utf8')));
    const run = await make();
    await writeFileAtomically(file, JSON.stringify(run));
    return run;
  };
  const runs = new Map<string, Run>();
  const searches = async () => {
    const key = kernelDigest();
    for (const [name, { options, scaled }] of Object.entries(SETTINGS)) {
      if (context.quick && !QUICK_SETTINGS.includes(name)) continue;
      const model = scaled ? scaledScores(bytes, SCALE) : bytes;
      if (model !== undefined) runs.set(name, await kept(name, key, () => search(model, images, options, context)));
    }
  };
  const opinions = async () => {
    for (const [name, opinion] of Object.entries(context.quick ? QUICK_OPINIONS : OPINIONS)) {
      runs.set(
        name,
        await kept(name, `${VERSION}${context.quick ? '-quick' : ''}`, () => ask(opinion, bytes, images, context)),
      );
    }
  };
  // Opinions run in this thread, searches in workers.
  await Promise.all([searches(), opinions()]);
  return {
    images: images.count,
    runs,
    nearest: await nearestEver(path.join(folder, 'nearest.json'), runs, images.count),
  };
}

async function search(
  model: Uint8Array,
  images: ImageSet,
  options: AttackOptions,
  { signal }: BenchContext,
): Promise<Run> {
  const workers = Math.min(os.availableParallelism(), images.count);
  const { examples } = await attack(model, images, { workers, signal, ...options });
  signal.throwIfAborted();
  const converged = examples.filter(({ status }) => status === 'converged');
  return {
    l2: examples.map(({ success, l2 }) => (success ? l2 : null)),
    evaluations: examples.reduce((sum, { evaluations }) => sum + evaluations, 0) / examples.length,
    falselyConverged: converged.filter(({ kktResidual }) => !((kktResidual ?? Number.NaN) <= 0.05)).length,
  };
}

async function ask(opinion: Opinion, bytes: Uint8Array, images: ImageSet, { signal }: BenchContext): Promise<Run> {
  await using oracle = await Oracle.create(bytes, images);
  const found = await opinion(oracle, signal);
  return {
    l2: Array.from(found, (l2) => (Number.isFinite(l2) ? l2 : null)),
    evaluations: oracle.asked,
    falselyConverged: 0,
  };
}

const Nearest = z.object({ none: z.array(z.number().nullable()), labels: z.array(z.number().nullable()) });

async function nearestEver(
  file: string,
  runs: ReadonlyMap<string, Run>,
  count: number,
): Promise<NetworkRuns['nearest']> {
  const before = existsSync(file)
    ? Nearest.parse(JSON.parse(await readFile(file, 'utf8')))
    : { none: [] as null[], labels: [] as null[] };
  const nearestOf = (targeted: boolean, old: readonly (number | null)[]): number[] => {
    const own = [...runs].filter(([name]) => name.includes('targeted') === targeted).map(([, { l2 }]) => l2);
    const value = (l2: readonly (number | null)[], i: number) => l2[i] ?? Number.POSITIVE_INFINITY;
    return Array.from({ length: count }, (_, i) => Math.min(value(old, i), ...own.map((l2) => value(l2, i))));
  };
  const nearest = { none: nearestOf(false, before.none), labels: nearestOf(true, before.labels) };
  // JSON has no infinity: null.
  await writeFileAtomically(file, JSON.stringify(nearest));
  return nearest;
}

let digest: string | undefined;

/** Of the kernels' binaries: another one may find other examples. */
function kernelDigest(): string {
  if (digest !== undefined) return digest;
  const root = new URL(import.meta.url.endsWith('.ts') ? '../../../' : '../../../../', import.meta.url);
  const hash = createHash('sha256').update(String(VERSION));
  for (const name of ['build/Release/blindspot.node', 'dist/wasm/blindspot.wasm']) {
    const file = fileURLToPath(new URL(name, root));
    if (existsSync(file)) hash.update(readFileSync(file));
  }
  digest = hash.digest('hex').slice(0, 12);
  return digest;
}
