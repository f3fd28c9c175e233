import { describe, expect, test } from 'vitest';
import { Random } from './random.ts';

const draw = (random: Random, count: number) => Array.from({ length: count }, () => random.uint32());

describe('Random', () => {
  test('xoshiro128**: the same numbers for ever', () => {
    // Recorded once: a change here changes every seeded result of the project.
    expect(draw(new Random(0), 4)).toEqual([629231206, 250616056, 1807574492, 3122194874]);
    expect(draw(new Random(42, 7), 4)).toEqual([2029424935, 1629198046, 2962991904, 164403760]);
  });

  test('seeds and streams differ, large ones too', () => {
    const firsts = [
      [0, 0],
      [1, 0],
      [0, 1],
      [2 ** 32, 0],
      [0, 2 ** 32],
      [Number.MAX_SAFE_INTEGER, 5],
    ].map(([seed, stream]) => draw(new Random(seed as number, stream), 2).join());
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  test('uniform is in [0, 1) with mean 1/2 and variance 1/12', () => {
    const random = new Random(1);
    const values = Array.from({ length: 100_000 }, () => random.uniform());
    expect(Math.min(...values.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values.slice(0, 50_000))).toBeLessThan(1);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    // Five standard errors.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.0046);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.0012);
  });

  test('normal has mean 0, variance 1, and 4.55 % beyond two deviations', () => {
    const random = new Random(2);
    const values = Array.from({ length: 100_000 }, () => random.normal());
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    const beyond = values.filter((value) => Math.abs(value) > 2).length / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.016);
    expect(Math.abs(square - 1)).toBeLessThan(0.023);
    expect(Math.abs(beyond - 0.0455)).toBeLessThan(0.0033);
  });

  test('below reaches every number equally often', () => {
    const random = new Random(3);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) {
      const value = random.below(10);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(9000));
    expect(random.below(1)).toBe(0);
    expect(random.below(2 ** 32)).toBeLessThan(2 ** 32);
  });

  test('a permutation holds each number once and is not the identity', () => {
    const order = new Random(4).permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(order.filter((value, i) => value === i).length).toBeLessThan(20);
  });

  test.each([[-1], [1.5], [Number.NaN], [2 ** 53]])('refuses seed %d', (seed) => {
    expect(() => new Random(seed)).toThrow('for seed');
  });

  test.each([[0], [-3], [2 ** 33], [1.5]])('refuses bound %d', (bound) => {
    expect(() => new Random(1).below(bound)).toThrow('for bound');
  });
});
