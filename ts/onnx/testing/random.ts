/** Seeded numbers for tests (mulberry32). */
import { count, type ReferenceTensor } from './reference_tensor.ts';

export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Evenly spaced values in random order: no two are equal and none is 0 (nor, with another offset in (0, 1),
 * equal to another tensor's), so that no tie and no kink at 0 is within
 * reach of a finite difference.
 */
export function spacedTensor(
  shape: readonly number[],
  random: () => number,
  low = -1,
  high = 1,
  offset = 0.37,
): ReferenceTensor {
  const size = count(shape);
  const data = Float64Array.from({ length: size }, (_, i) => low + ((high - low) * (i + offset)) / size);
  for (let i = size - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [data[i], data[j]] = [data[j] ?? 0, data[i] ?? 0];
  }
  return { shape: [...shape], data };
}
