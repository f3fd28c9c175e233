import { describe, expect, test } from 'vitest';
import { Random } from '../../base/random.ts';
import { TopImages } from './top_images.ts';

describe('TopImages', () => {
  test('streamed in any batches: the largest responses, as by sorting all', () => {
    const random = new Random(4);
    const [images, probes, top] = [57, 6, 5];
    // Few distinct values, so that ties abound.
    const responses = Float32Array.from({ length: images * probes }, () => random.below(8) - 4);
    const order = new Random(9).permutation(images);
    for (const step of [1, 10, 57]) {
      const found = new TopImages(probes, top, order);
      for (let first = 0; first < images; first += step) {
        found.add(responses.subarray(first * probes, Math.min(images, first + step) * probes), first);
      }
      for (let probe = 0; probe < probes; probe++) {
        const value = (image: number): number => responses[image * probes + probe] ?? 0;
        const sorted = Array.from({ length: images }, (_, i) => i).sort(
          (a, b) => value(b) - value(a) || (order[a] ?? 0) - (order[b] ?? 0),
        );
        expect(found.of(probe)).toEqual(sorted.slice(0, top).map((index) => ({ index, activation: value(index) })));
        expect(found.isConstant(probe)).toBe(false);
      }
    }
  });

  test('a silent probe is constant, and its images are no run of the data', () => {
    const found = new TopImages(1, 10, new Random(1).permutation(1000));
    found.add(new Float32Array(1000), 0);
    expect(found.isConstant(0)).toBe(true);
    const indices = found.of(0).map(({ index }) => index);
    expect(new Set(indices).size).toBe(10);
    expect(Math.max(...indices) - Math.min(...indices)).toBeGreaterThan(300);
  });

  test('fewer images than places; a response that is no number', () => {
    const found = new TopImages(2, 3, Uint32Array.of(0, 1));
    found.add(Float32Array.of(-5, 2), 0);
    expect(found.of(0)).toEqual([{ index: 0, activation: -5 }]);
    expect(() => found.add(Float32Array.of(1, Number.NaN), 1)).toThrow('The layer answers NaN to image 1');
  });
});
