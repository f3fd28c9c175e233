import { describe, expect, test } from 'vitest';
import { Random } from '../../base/random.ts';
import { comparePurity, labelPurity, purityArea } from './label_purity.ts';

describe('labelPurity', () => {
  test('is the share of the commonest label', () => {
    expect(labelPurity([3, 3, 3, 3])).toBe(1);
    expect(labelPurity([1, 2, 2, 5])).toBe(0.5);
    expect(labelPurity([7])).toBe(1);
    expect(() => labelPurity([])).toThrow('at least one label');
  });
});

test('purityArea is the mean of the purities of the first images', () => {
  expect(purityArea([4, 4, 4])).toBe(1);
  // 1, 1/2, 2/3, 2/4.
  expect(purityArea([1, 2, 2, 5])).toBeCloseTo((1 + 1 / 2 + 2 / 3 + 1 / 2) / 4, 12);
  expect(purityArea([1, 2, 2, 5])).toBeGreaterThan(purityArea([5, 1, 2, 2]) - 1e-12);
  expect(() => purityArea([])).toThrow('at least one label');
});

describe('comparePurity', () => {
  const labels = Int32Array.from({ length: 1000 }, (_, i) => i % 10);
  const around = (mean: number, seed: number, count = 200): number[] => {
    const random = new Random(seed);
    return Array.from({ length: count }, () => mean + 0.1 * random.normal());
  };

  test('the interval is that of the normal approximation, where it holds', () => {
    const natural = around(0.6, 1);
    const random = around(0.5, 2);
    const { difference, interval, distinguishable, probes } = comparePurity(natural, random, labels, 10, { seed: 0 });
    const variance = (values: number[]): number => {
      const mean = values.reduce((a, b) => a + b) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    };
    const half = 1.96 * Math.sqrt((variance(natural) + variance(random)) / 200);
    expect(probes).toBe(200);
    expect(interval[0]).toBeCloseTo(difference - half, 2);
    expect(interval[1]).toBeCloseTo(difference + half, 2);
    expect((interval[1] - interval[0]) / (2 * half)).toBeCloseTo(1, 1);
    expect(distinguishable).toBe(true);
  });

  test('covers 0 about 95 times in 100 when there is no difference', () => {
    let covered = 0;
    for (let trial = 0; trial < 200; trial++) {
      const natural = around(0.5, 1000 + trial, 40);
      const random = around(0.5, 5000 + trial, 40);
      const result = comparePurity(natural, random, labels.subarray(0, 10), 1, { seed: trial, resamples: 200 });
      if (!result.distinguishable) covered += 1;
    }
    expect(covered).toBeGreaterThan(178);
    expect(covered).toBeLessThan(199);
  });

  test('chance is the purity of images drawn blindly; the seed decides all', () => {
    const compare = (top: number, seed = 0) => comparePurity([1], [0.5], labels, top, { seed, resamples: 20 });
    expect(compare(1).chance).toBe(1);
    // Two of ten classes agree in a tenth of the draws: 0.5 + 0.5/10, a little less without replacement.
    expect(compare(2).chance).toBeCloseTo(0.55, 1);
    expect(compare(10).chance).toBeGreaterThan(0.2);
    expect(compare(10).chance).toBeLessThan(0.35);
    expect(compare(10)).toEqual(compare(10));
    expect(compare(10, 1).chance).not.toBe(compare(10).chance);
    expect(() => comparePurity([], [1], labels, 10, { seed: 0 })).toThrow('at least one unit');
  });
});
