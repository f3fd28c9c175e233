/** How many images a shard searches at once. */
import { BlindspotError } from '../errors.ts';
import type { Model } from '../onnx/model.ts';
import { elementCount, isStatic } from '../onnx/shape.ts';
import type { ProviderName } from '../runtime/session.ts';

/**
 * Past this, more lanes do not help. On a CPU a batch has to be large enough for the fixed cost of a run and of each of
 * its operators, and small enough for searches and activations to stay in the cache. CPU time of 3000 images on
 * FC100-100-10 and of 300 on a convolutional network, AVX-512, in seconds:
 *
 *     lanes    16    32    64    128   256   512
 *     FC       0.71  0.58  0.53  0.51  0.56  0.70
 *     conv     1.55  1.57  1.69  1.72  1.81  2.04
 *
 * With two workers FC takes 0.122 ms an image with 64 lanes, 0.108 with 96, 0.104 with 128. Fewer also end the last images
 * sooner and lose less to Ctrl-C. A GPU wants larger batches.
 */
export const MOST_LANES: Readonly<Record<ProviderName, number>> = { cpu: 96, wasm: 64, webgpu: 256, cuda: 256 };

/** For searches and activations, in bytes. */
export const DEFAULT_MAX_MEMORY = 2 * 2 ** 30;

/** Forward values are kept for the gradient, which makes one of each again, and operators need room of their own. */
const COPIES_OF_A_VALUE = 3;

/** Bytes that the gradient graph needs for one image, from above: the runtime reuses some of it. */
export function activationBytes(model: Model): number {
  const names = new Set([...model.inputs.map(({ name }) => name), ...model.nodes.flatMap(({ outputs }) => outputs)]);
  let elements = 0;
  for (const name of names) {
    const row = model.values.get(name)?.shape.slice(1) ?? [];
    if (isStatic(row)) elements += elementCount(row);
  }
  return 4 * COPIES_OF_A_VALUE * elements;
}

/** Images a batch of the plain model. */
const JUDGE_ROWS = 256;

/** As many of them as fit into the memory, at least one. */
export function judgeRows(model: Model, maxMemory = DEFAULT_MAX_MEMORY): number {
  return Math.max(1, Math.min(JUDGE_ROWS, Math.floor(maxMemory / activationBytes(model))));
}

/** What smoothed gradients need beyond that, for one image: the windows of every max-pool side by side. */
export function smoothingBytes(model: Model): number {
  let elements = 0;
  for (const { op, outputs, attributes } of model.nodes) {
    if (op !== 'MaxPool') continue;
    const pooled = model.values.get(outputs[0] ?? '')?.shape.slice(1) ?? [];
    const kernel = (attributes['kernel_shape'] ?? []) as readonly number[];
    if (isStatic(pooled)) elements += elementCount(kernel) * elementCount(pooled);
  }
  return 4 * COPIES_OF_A_VALUE * elements;
}

export interface LaneBudget {
  readonly provider: ProviderName;
  /** Images to attack, of all shards. */
  readonly images: number;
  readonly workers: number;
  /** Bytes, of all shards. */
  readonly maxMemory: number;
  /** Bytes of a kernel search with so many lanes. */
  readonly searchBytes: (lanes: number) => number;
  /** Bytes of the model's activations for one image. */
  readonly activationBytes: number;
}

/**
 * Lanes, and workers: fewer of those that nobody asked for where the memory is too small for one lane each. A limit that nobody asked
 * for gives way to a model so large that a single image needs more.
 * @param asked what the caller has set.
 * @throws OUT_OF_MEMORY as chooseLanes.
 */
export function shareMemory(
  budget: LaneBudget,
  asked: { readonly workers: boolean; readonly maxMemory: boolean },
): { workers: number; lanes: number } {
  const oneLane = Math.ceil(budget.searchBytes(1) + budget.activationBytes);
  let { workers, maxMemory } = budget;
  if (!asked.workers) workers = Math.max(1, Math.min(workers, Math.floor(maxMemory / oneLane)));
  if (!asked.maxMemory) maxMemory = Math.max(maxMemory, workers * oneLane);
  return { workers, lanes: chooseLanes({ ...budget, workers, maxMemory }) };
}

/**
 * As many lanes as there are images for a shard, at most MOST_LANES of the provider, within the memory.
 * @throws OUT_OF_MEMORY when not even one fits.
 */
export function chooseLanes(budget: LaneBudget): number {
  const { provider, images, workers, maxMemory, activationBytes } = budget;
  const share = maxMemory / workers;
  const fits = (lanes: number) => budget.searchBytes(lanes) + lanes * activationBytes <= share;
  const wanted = Math.max(1, Math.min(MOST_LANES[provider], Math.ceil(images / workers)));
  for (let lanes = wanted; lanes >= 1; lanes = Math.floor(lanes / 2)) if (fits(lanes)) return lanes;
  const needed = workers * Math.ceil(budget.searchBytes(1) + activationBytes);
  throw new BlindspotError(
    'OUT_OF_MEMORY',
    `Expected a maxMemory of at least ${needed} bytes for ${workers} ${workers === 1 ? 'worker' : 'workers'} with one lane each ` +
      `but received ${maxMemory}; use fewer workers or more memory`,
  );
}
