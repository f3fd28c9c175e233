/** Percentages with their intervals, and means over a few seeds. */

/** So many of so many, with Wilson's 95 % interval (E. B. Wilson 1927). */
export interface Proportion {
  readonly count: number;
  readonly of: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * Wilson's score interval: the shares p for which |count/of − p| ≤ z·√(p(1−p)/of). Unlike the usual ± it stays within
 * [0, 1] and has a width at 0 and at 1, too.
 */
export function proportion(count: number, of: number): Proportion {
  if (of === 0) return { count, of, share: 0, low: 0, high: 1 };
  const share = count / of;
  const scale = 1 + (Z * Z) / of;
  const centre = (share + (Z * Z) / (2 * of)) / scale;
  const half = (Z * Math.sqrt((share * (1 - share)) / of + (Z * Z) / (4 * of * of))) / scale;
  // At the ends centre ∓ half is 0 or 1 but for rounding.
  return {
    count,
    of,
    share,
    low: count === 0 ? 0 : Math.max(0, centre - half),
    high: count === of ? 1 : Math.min(1, centre + half),
  };
}

export interface MeanOfRuns {
  readonly values: readonly number[];
  readonly mean: number;
  /** Sample standard deviation; null for a single value. */
  readonly deviation: number | null;
}

export function meanOfRuns(values: readonly number[]): MeanOfRuns {
  const mean = average(values);
  if (values.length < 2) return { values, mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { values, mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/** NaN of nothing. */
export function average(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}
