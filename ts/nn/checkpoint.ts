/** A training run at the end of an epoch, as an .npz: the arrays, and the rest as JSON in one of bytes. */
import { z } from 'zod';
import type { NpyArray } from '../data/npy.ts';
import { formatNpz, parseNpz } from '../data/npz.ts';
import { BlindspotError } from '../errors.ts';
import type { Tensor } from '../runtime/session.ts';
import type { EpochRecord } from './epochs.ts';

/** Where checkpoints are kept, one a stage of training: files in Node, whatever suits a browser. */
export interface CheckpointStore {
  /** undefined when there is none yet. */
  load(stage: string): Promise<Uint8Array | undefined>;
  save(stage: string, bytes: Uint8Array): Promise<void>;
}

export interface Checkpoint<State> {
  /** Says which run it belongs to. */
  readonly fingerprint: string;
  readonly history: readonly EpochRecord[];
  readonly steps: number;
  /** Parameters and optimiser state, by name. */
  readonly state: ReadonlyMap<string, State>;
}

const RUN = 'run.json';

const Run = z.object({
  fingerprint: z.string(),
  steps: z.int().nonnegative(),
  history: z.array(
    z.object({
      epoch: z.int().positive(),
      loss: z.number(),
      trainError: z.number().exactOptional(),
      testError: z.number().exactOptional(),
      seconds: z.number(),
    }),
  ),
});

export function formatCheckpoint(checkpoint: Checkpoint<Tensor>): Uint8Array {
  const { fingerprint, history, steps } = checkpoint;
  const run = new TextEncoder().encode(JSON.stringify({ fingerprint, history, steps }));
  const arrays: Record<string, NpyArray> = { [RUN]: { shape: [run.length], data: run } };
  for (const [name, { data, dims }] of checkpoint.state) arrays[name] = { shape: dims, data };
  return formatNpz(arrays, { compress: false });
}

/** @throws INVALID_DATA for bytes that are no checkpoint. */
export function parseCheckpoint(bytes: Uint8Array): Checkpoint<Float32Array> {
  const arrays = parseNpz(bytes, { source: 'The checkpoint' });
  const run = arrays.get(RUN)?.data;
  if (!(run instanceof Uint8Array)) throw broken();
  const parsed = Run.safeParse(parseJson(new TextDecoder().decode(run)));
  if (!parsed.success) throw broken();
  const state = new Map<string, Float32Array>();
  for (const [name, { data }] of arrays) if (data instanceof Float32Array) state.set(name, data);
  return { ...parsed.data, state };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function broken(): BlindspotError {
  return new BlindspotError(
    'INVALID_DATA',
    `The checkpoint holds no ${RUN}, or another version's: delete it to start anew`,
  );
}
