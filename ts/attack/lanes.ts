/** How many images a shard searches at once. */
import { BlindspotError } from '../errors.ts';
import type { Model } from '../onnx/model.ts';
import { elementCount, isStatic } from '../onnx/shape.ts';

/**
 * More lanes make the model's matrix products more efficient until they no longer fit the cache with the searches'
 * state.
 */
export const MOST_LANES = 256;

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

export interface LaneBudget {
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
 * As many lanes as there are images for a shard, at most MOST_LANES, within the memory.
 * @throws OUT_OF_MEMORY when not even one fits.
 */
export function chooseLanes(budget: LaneBudget): number {
  const { images, workers, maxMemory, activationBytes } = budget;
  const share = maxMemory / workers;
  const fits = (lanes: number) => budget.searchBytes(lanes) + lanes * activationBytes <= share;
  const wanted = Math.max(1, Math.min(MOST_LANES, Math.ceil(images / workers)));
  for (let lanes = wanted; lanes >= 1; lanes = Math.floor(lanes / 2)) if (fits(lanes)) return lanes;
  const needed = workers * Math.ceil(budget.searchBytes(1) + activationBytes);
  throw new BlindspotError(
    'OUT_OF_MEMORY',
    `Expected a maxMemory of at least ${needed} bytes for ${workers} ${workers === 1 ? 'worker' : 'workers'} with one lane each ` +
      `but received ${maxMemory}; use fewer workers or more memory`,
  );
}
