/**
 * The box of a minimisation, in the three ways people write it. ±Infinity stands for no bound; lower = upper fixes a
 * variable.
 */
import { BlindspotError, invalidArgument } from '../errors.ts';

/** `[lower, upper]` for every variable. */
export type UniformBounds = readonly [lower: number, upper: number];
/** One `[lower, upper]` a variable: [n]. */
export type PairedBounds = readonly UniformBounds[];
/** Each a number for every variable, or [n]; no bound where it is left out. */
export interface SeparateBounds {
  readonly lower?: number | ArrayLike<number>;
  readonly upper?: number | ArrayLike<number>;
}
export type Bounds = UniformBounds | PairedBounds | SeparateBounds;

/** Writes the bounds to lower and upper, [n] each. @throws INVALID_ARGUMENT naming the bound. */
export function writeBounds(
  bounds: Bounds,
  lower: Float64Array | Float32Array,
  upper: Float64Array | Float32Array,
): void {
  const n = lower.length;
  if (typeof bounds !== 'object' || bounds === null) throw invalidArgument('bounds', 'an array or an object', bounds);
  if (isUniform(bounds)) {
    writeSide('bounds[0]', bounds[0], lower);
    writeSide('bounds[1]', bounds[1], upper);
  } else if (isPaired(bounds)) {
    if (bounds.length !== n) throw wrongLength('bounds', `${n} pairs`, bounds.length);
    for (const [i, pair] of bounds.entries()) {
      if (!Array.isArray(pair) || pair.length !== 2)
        throw invalidArgument(`bounds[${i}]`, 'a pair [lower, upper]', pair);
      lower[i] = bound(`bounds[${i}][0]`, pair[0]);
      upper[i] = bound(`bounds[${i}][1]`, pair[1]);
    }
  } else {
    for (const key of Object.keys(bounds)) {
      if (key !== 'lower' && key !== 'upper') throw invalidArgument('a key of bounds', 'lower or upper', key);
    }
    writeSide('bounds.lower', bounds.lower ?? -Infinity, lower);
    writeSide('bounds.upper', bounds.upper ?? Infinity, upper);
  }
  for (let i = 0; i < n; ++i) {
    const low = lower[i] ?? Number.NaN;
    const high = upper[i] ?? Number.NaN;
    if (low > high) throw invalidArgument(`the upper bound of x[${i}]`, `at least its lower bound, ${low},`, high);
  }
}

function isUniform(bounds: Bounds): bounds is UniformBounds {
  return Array.isArray(bounds) && bounds.length === 2 && bounds.every((side) => typeof side === 'number');
}

function isPaired(bounds: Bounds): bounds is PairedBounds {
  return Array.isArray(bounds);
}

function writeSide(name: string, side: number | ArrayLike<number>, out: Float64Array | Float32Array): void {
  if (typeof side === 'number') {
    out.fill(bound(name, side));
    return;
  }
  if (typeof side !== 'object' || side === null) throw invalidArgument(name, 'a number or an array of numbers', side);
  if (side.length !== out.length) throw wrongLength(name, `${out.length} numbers`, side.length);
  for (let i = 0; i < out.length; ++i) out[i] = bound(`${name}[${i}]`, side[i]);
}

function bound(name: string, value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw invalidArgument(name, 'a number that is not NaN', value);
  return value;
}

function wrongLength(name: string, expected: string, received: number): BlindspotError {
  const message = `Expected ${expected}, one an element of x0, for ${name} but received ${received}`;
  return new BlindspotError('INVALID_ARGUMENT', message);
}
