/**
 * Minimises a smooth function in a box with a kernel that is loaded already. The state of a run (Minimization) is
 * apart from the loop over it, which is written for functions that answer at once and for those that answer later.
 *
 * Sources: L-BFGS-B, Byrd, Lu, Nocedal & Zhu 1995 and Morales & Nocedal 2011; SPG, Birgin, Martinez & Raydan 2000.
 */

import { expectKeys } from '../base/expect.ts';
import { invalidArgument } from '../errors.ts';
import { MinimizerStatus, MinimizerStatusMeaning } from '../kernel/abi.generated.ts';
import type { Kernel, Minimizer, MinimizerOptions, MinimizerResult } from '../kernel/kernel.ts';
import { type Bounds, writeBounds } from './bounds.ts';
import {
  type AsyncObjective,
  expectEvaluation,
  expectFiniteStart,
  type Objective,
  type Precision,
  type Vector,
} from './evaluation.ts';

/** Status of a minimisation that its callback ended; the others are MinimizerStatus. SciPy's code for the same. */
export const STOPPED_BY_CALLBACK = 99;

export interface MinimizeOptions<P extends Precision = 64> extends Omit<MinimizerOptions, 'n' | 'precision'> {
  /** `[lower, upper]`, one such pair a variable, or `{ lower, upper }`; none by default. */
  bounds?: Bounds;
  /** Type of x, bounds and gradient, 64 (default) or 32 bits; sums are kept in double in both. */
  precision?: P;
  /** Called after each iteration; answer true to stop there. What it throws, or rejects with, ends the run. */
  callback?: (progress: MinimizeProgress<P>) => unknown;
  /** Ends the run before the next evaluation, which then throws the signal's reason. */
  signal?: AbortSignal;
}

/** Where a minimisation stands after an iteration. */
export interface MinimizeProgress<P extends Precision = 64> {
  /** The iterate, a copy: [n]. */
  x: Vector<P>;
  fun: number;
  nit: number;
  nfev: number;
}

/** Fields named as in SciPy's OptimizeResult. */
export interface MinimizeResult<P extends Precision = 64> {
  /** The best point found: [n]. */
  x: Vector<P>;
  /** f(x) */
  fun: number;
  /** Gradient at x: [n]. */
  jac: Vector<P>;
  /** max |P(x − ∇f(x)) − x|, P the projection into the bounds: 0 at a minimum. What pgTolerance is compared with. */
  pgNorm: number;
  /** Iterations. */
  nit: number;
  /** Evaluations of f and its gradient together. */
  nfev: number;
  /** MinimizerStatus, or STOPPED_BY_CALLBACK. */
  status: number;
  /** Converged by either tolerance. */
  success: boolean;
  /** The name of the status and the inequality that holds. */
  message: string;
}

const optionNames = [
  'bounds',
  'precision',
  'callback',
  'signal',
  'method',
  'memory',
  'pgTolerance',
  'fTolerance',
  'maxIterations',
  'maxEvaluations',
] as const satisfies readonly (keyof MinimizeOptions)[];

/**
 * Minimises f from x0 at once. `minimize` is the same with the kernel loaded for you.
 *
 * @param x0 [n], moved into the bounds first.
 * @throws INVALID_ARGUMENT for a bad option, bound or start, or when f answers something else than a number and n
 * numbers; NOT_FINITE when f or its gradient is not finite at x0. Whatever f throws passes through.
 */
export function minimizeWith<P extends Precision = 64>(
  kernel: Kernel,
  f: Objective<P>,
  x0: ArrayLike<number>,
  options: MinimizeOptions<P> = {},
): MinimizeResult<P> {
  const run = new Minimization(kernel, f, x0, options);
  try {
    while (run.goesOn) {
      const stop = run.take(f(run.x, run.gradient));
      if (stop instanceof Promise) {
        // Told by the error below.
        stop.catch(() => undefined);
        throw invalidArgument('callback', 'a function that answers at once', stop);
      }
      run.stopIf(stop);
    }
    return run.result();
  } finally {
    run.dispose();
  }
}

/** minimizeWith for an f that may answer with a promise. */
export async function minimizeAsyncWith<P extends Precision = 64>(
  kernel: Kernel,
  f: AsyncObjective<P>,
  x0: ArrayLike<number>,
  options: MinimizeOptions<P> = {},
): Promise<MinimizeResult<P>> {
  const run = new Minimization(kernel, f, x0, options);
  try {
    while (run.goesOn) {
      const answer = f(run.x, run.gradient);
      const stop = run.take(answer instanceof Promise ? await answer : answer);
      run.stopIf(stop instanceof Promise ? await stop : stop);
    }
    return run.result();
  } finally {
    run.dispose();
  }
}

/** Whether a caller brought a kernel, rather than named one. */
export function isKernel(choice: string | Kernel): choice is Kernel {
  return typeof choice === 'object' && choice !== null && typeof choice.createMinimizer === 'function';
}

/** One run: x and gradient are its own arrays, so that f may create handles (WebAssembly's memory may grow) or write. */
class Minimization<P extends Precision> {
  readonly x: Vector<P>;
  readonly gradient: Vector<P>;
  readonly #minimizer: Minimizer;
  readonly #callback: MinimizeOptions<P>['callback'];
  readonly #signal: AbortSignal | undefined;
  /** The last iterate that the callback was told of. */
  #told: MinimizeProgress<P> | undefined;
  #begun = false;
  #iterations = 0;
  #status: number = MinimizerStatus.EVALUATE;
  /** The iterate at which the callback ended the run. */
  #stoppedAt: MinimizeProgress<P> | undefined;

  constructor(kernel: Kernel, f: unknown, x0: ArrayLike<number>, options: MinimizeOptions<P>) {
    if (typeof f !== 'function') throw invalidArgument('f', 'a function', f);
    expectKeys('minimize options', options, optionNames);
    const { bounds, precision, callback, signal, ...limits } = options;
    if (callback !== undefined && typeof callback !== 'function') {
      throw invalidArgument('callback', 'a function', callback);
    }
    if (signal !== undefined && !(signal instanceof AbortSignal))
      throw invalidArgument('signal', 'an AbortSignal', signal);
    this.#callback = callback;
    this.#signal = signal;
    const start = expectStart(x0);
    const n = start.length;
    this.#minimizer = kernel.createMinimizer({ ...limits, n, ...(precision === undefined ? {} : { precision }) });
    try {
      this.#minimizer.x.set(start);
      if (bounds !== undefined) writeBounds(bounds, this.#minimizer.lower, this.#minimizer.upper);
      this.#minimizer.start();
      // The type of the minimizer's arrays is the one that `precision` chose.
      this.x = this.#minimizer.x.slice() as Vector<P>;
      this.gradient = this.#minimizer.gradient.slice() as Vector<P>;
    } catch (error) {
      this.#minimizer.dispose();
      throw error;
    }
  }

  /** @throws the signal's reason when it is aborted. */
  get goesOn(): boolean {
    if (this.#status !== MinimizerStatus.EVALUATE) return false;
    this.#signal?.throwIfAborted();
    return true;
  }

  /**
   * Takes what f answered at x; afterwards x is the next point to evaluate, unless the run has ended.
   * @returns what the callback answered; undefined when there was no new iterate to tell it.
   */
  take(answer: unknown): unknown {
    const { value, gradient } = expectEvaluation(answer, this.x.length);
    if (gradient !== this.gradient) this.gradient.set(gradient);
    const minimizer = this.#minimizer;
    if (!this.#begun) expectFiniteStart(value, this.gradient);
    this.#begun = true;
    minimizer.gradient.set(this.gradient);
    this.#status = minimizer.tell(value);
    const { iterations, evaluations } = minimizer.result();
    const moved = iterations > this.#iterations;
    this.#iterations = iterations;
    // The point just told is the new iterate: a line search ends at the point that it accepts.
    if (moved && this.#callback !== undefined) {
      this.#told = { x: this.x.slice() as Vector<P>, fun: value, nit: iterations, nfev: evaluations };
    }
    if (this.#status === MinimizerStatus.EVALUATE) this.x.set(minimizer.x);
    return moved && this.#told !== undefined ? this.#callback?.(this.#told) : undefined;
  }

  /** Ends the run at the iterate that the callback was told of, if it answered true. */
  stopIf(answer: unknown): void {
    if (answer !== true || this.#status !== MinimizerStatus.EVALUATE) return;
    this.#status = STOPPED_BY_CALLBACK;
    this.#stoppedAt = this.#told;
  }

  result(): MinimizeResult<P> {
    const end = this.#minimizer.result();
    const stopped = this.#stoppedAt;
    return {
      x: stopped?.x ?? (this.#minimizer.x.slice() as Vector<P>),
      fun: stopped?.fun ?? end.f,
      jac: stopped === undefined ? (this.#minimizer.gradient.slice() as Vector<P>) : this.gradient,
      pgNorm: end.pgNorm,
      nit: end.iterations,
      nfev: end.evaluations,
      status: this.#status,
      success: this.#status === MinimizerStatus.CONVERGED_PG || this.#status === MinimizerStatus.CONVERGED_F,
      message: message(this.#status, end),
    };
  }

  dispose(): void {
    this.#minimizer.dispose();
  }
}

function expectStart(x0: unknown): Float64Array {
  if (typeof x0 !== 'object' || x0 === null) throw invalidArgument('x0', 'an array of numbers', x0);
  const { length } = x0 as ArrayLike<unknown>;
  if (!Number.isInteger(length) || length < 1) throw invalidArgument('x0', 'an array of at least one number', x0);
  const elements = x0 as ArrayLike<unknown>;
  return Float64Array.from({ length }, (_hole, i) => {
    const element = elements[i];
    if (typeof element !== 'number' || !Number.isFinite(element)) {
      throw invalidArgument(`x0[${i}]`, 'a finite number', element);
    }
    return element;
  });
}

function message(status: number, end: MinimizerResult): string {
  if (status === STOPPED_BY_CALLBACK) return 'STOPPED_BY_CALLBACK: the callback answered true';
  const name = Object.entries(MinimizerStatus).find(([, code]) => code === end.status)?.[0];
  return `${name}: ${MinimizerStatusMeaning[end.status]}`;
}
