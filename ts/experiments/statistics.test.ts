import { describe, expect, test } from 'vitest';
import { average, meanOfRuns, proportion } from './statistics.ts';

describe('proportion', () => {
  // Newcombe 1998, table I, method 3.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
    [29, 29, 0.883, 1],
  ])('%i of %i', (count, of, low, high) => {
    const interval = proportion(count, of);
    expect(interval.share).toBe(count / of);
    expect(interval.low).toBeCloseTo(low, 4);
    expect(interval.high).toBeCloseTo(high, 3);
  });

  test('is exact at the ends', () => {
    expect(proportion(0, 7).low).toBe(0);
    expect(proportion(7, 7).high).toBe(1);
    expect(proportion(0, 0)).toEqual({ count: 0, of: 0, share: 0, low: 0, high: 1 });
  });
});

test('meanOfRuns gives the sample deviation', () => {
  expect(meanOfRuns([1, 2, 3, 4])).toEqual({ values: [1, 2, 3, 4], mean: 2.5, deviation: Math.sqrt(5 / 3) });
  expect(meanOfRuns([2])).toEqual({ values: [2], mean: 2, deviation: null });
  expect(average([])).toBeNaN();
});
