/** What a function to minimise answers, and the checks of one answer. */
import { BlindspotError, invalidArgument } from '../errors.ts';

/** Type of x, of the bounds and of the gradient, in bits. */
export type Precision = 32 | 64;
export type Vector<P extends Precision = Precision> = P extends 32 ? Float32Array : Float64Array;

/** f(x) and ∇f(x), [n]. */
export interface Evaluation {
  value: number;
  gradient: ArrayLike<number>;
}

/**
 * The function to minimise.
 *
 *     (x) => ({ value: x[0] ** 2 + x[1] ** 2, gradient: [2 * x[0], 2 * x[1]] })
 *
 * Where allocating a gradient at each call costs too much, write it into the array passed as second argument (or any
 * array of your own) and answer that one. Both arrays are valid during the call only: x is the same array, with other
 * numbers, at the next one; copy it to keep it.
 */
export type Objective<P extends Precision = Precision> = (x: Vector<P>, gradient: Vector<P>) => Evaluation;

/** The same with an answer that may come later: a model in a browser. */
export type AsyncObjective<P extends Precision = Precision> = (
  x: Vector<P>,
  gradient: Vector<P>,
) => Evaluation | Promise<Evaluation>;

/** @throws INVALID_ARGUMENT when f answers anything but a number and n numbers. */
export function expectEvaluation(answer: unknown, n: number): Evaluation {
  const expected = `{ value: number, gradient: array of length ${n} }`;
  if (typeof answer !== 'object' || answer === null) throw invalidArgument('the answer of f', expected, answer);
  const { value, gradient } = answer as Partial<Evaluation>;
  if (typeof value !== 'number') throw invalidArgument('the value that f answers', 'a number', value);
  if (typeof gradient !== 'object' || gradient === null) {
    throw invalidArgument('the gradient that f answers', `an array of length ${n}`, gradient);
  }
  if (gradient.length !== n) {
    const received = `received one of length ${gradient.length}`;
    const message = `Expected an array of length ${n} for the gradient that f answers but ${received}`;
    throw new BlindspotError('INVALID_ARGUMENT', message);
  }
  return { value, gradient };
}

/** No minimisation can begin where f is not finite. @throws NOT_FINITE saying where. */
export function expectFiniteStart(value: number, gradient: Vector): void {
  if (!Number.isFinite(value)) throw notFinite('value', value);
  const at = gradient.findIndex((element) => !Number.isFinite(element));
  if (at >= 0) throw notFinite(`gradient[${at}]`, gradient[at]);
}

function notFinite(what: string, received: unknown): BlindspotError {
  const message = `Expected f to answer a finite ${what} at x0 (moved into the bounds) but received ${received}`;
  return new BlindspotError('NOT_FINITE', `${message}: start where f is defined`);
}
