/** Checks of what a caller gives: each answers the value, or throws INVALID_ARGUMENT with its name, what was expected and what came. */
import { invalidArgument } from '../errors.ts';

/** An option that is misspelt would otherwise be ignored in silence. */
export function expectKeys(name: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw invalidArgument(name, 'an object', options);
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw invalidArgument(`a key of ${name}`, `one of ${known.join(', ')}`, key);
  }
}

export function expectOneOf<T>(name: string, value: unknown, allowed: readonly T[]): T {
  const known = allowed.find((candidate) => candidate === value);
  if (known === undefined) throw invalidArgument(name, alternatives(allowed), value);
  return known;
}

/** "a, b or c" */
function alternatives(values: readonly unknown[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

/** From `least` to `most`; Number.MAX_SAFE_INTEGER is as good as none. */
export function expectInteger(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw invalidArgument(name, `an integer ${range}`, value);
  }
  return value;
}

/** An integer, or Infinity for none, which becomes Number.MAX_SAFE_INTEGER. */
export function expectLimit(name: string, value: number, least: number): number {
  if (value === Infinity) return Number.MAX_SAFE_INTEGER;
  if (!Number.isSafeInteger(value) || value < least) {
    throw invalidArgument(name, `an integer of at least ${least}, or Infinity,`, value);
  }
  return value;
}

/** Beyond what a limit stands for none. */
const UNLIMITED = 1e30;

/** A finite one, from `least` to `most`. */
export function expectNumber(name: string, value: number, least = -Infinity, most = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most) return value;
  const range = least <= -UNLIMITED ? '' : most >= UNLIMITED ? ` of at least ${least}` : ` from ${least} to ${most}`;
  throw invalidArgument(name, `a finite number${range}`, value);
}
