import { expect, test } from 'vitest';
import { alternate, logLogSlope, median } from './alternate.ts';

const signal = new AbortController().signal;

test('contestants take turns after one uncounted run of each', async () => {
  const order: string[] = [];
  const contestant = (name: string) => ({ name, run: () => order.push(name) });
  const measured = await alternate([contestant('a'), contestant('b')], { repeats: 2, signal });
  expect(order.join('')).toBe('ababab');
  expect(measured.get('a')).toEqual([3, 5]);
  expect(measured.get('b')).toEqual([4, 6]);
});

test('an aborted signal ends it between two runs', async () => {
  const abort = new AbortController();
  const runs: number[] = [];
  const contestant = {
    name: 'a',
    run: () => {
      runs.push(0);
      if (runs.length === 2) abort.abort(new Error('enough'));
    },
  };
  await expect(alternate([contestant], { repeats: 5, signal: abort.signal })).rejects.toThrow('enough');
  expect(runs).toHaveLength(2);
});

test('median of an odd and an even number of values, in any order', () => {
  expect(median([5, 1, 9])).toBe(5);
  expect(median([9, 1, 5, 2])).toBe(3.5);
  expect(median([])).toBeNaN();
});

test('the slope of a power law is its exponent', () => {
  const points = [1, 10, 250, 4000].map((x) => ({ x, y: 3 * x ** 1.37 }));
  expect(logLogSlope(points)).toBeCloseTo(1.37, 12);
});
