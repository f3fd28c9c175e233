import { beforeAll, describe, expect, it } from 'vitest';
import { MinimizerStatus } from '../kernel/abi.generated.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import type { Bounds } from './bounds.ts';
import type { Evaluation } from './evaluation.ts';
import { minimize } from './minimize.ts';
import { type MinimizeProgress, minimizeWith, STOPPED_BY_CALLBACK } from './minimize_with.ts';

/** Rosenbrock's valley: (1, 1) is its minimiser; in the box x0 <= 0.5 it is (0.5, 0.25). */
function rosenbrock(x: ArrayLike<number>): Evaluation {
  const [a = 0, b = 0] = Array.from(x);
  const curve = b - a * a;
  return { value: 100 * curve ** 2 + (1 - a) ** 2, gradient: [-400 * a * curve - 2 * (1 - a), 200 * curve] };
}

/** sum (x_i - i)^2 */
function squares(x: ArrayLike<number>): Evaluation {
  const differences = Array.from(x, (element, i) => element - i);
  return {
    value: differences.reduce((sum, difference) => sum + difference ** 2, 0),
    gradient: differences.map((difference) => 2 * difference),
  };
}

describe.each(['native', 'wasm'] as const)('minimize on the %s kernel', (name) => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await loadKernel(name);
  });

  it.each(['L-BFGS-B', 'SPG'] as const)('finds the bounded minimum of Rosenbrock by %s', async (method) => {
    const bounds = { upper: [0.5, Infinity] };
    const result = await minimize(rosenbrock, [-1.2, 1], {
      bounds,
      method,
      kernel: name,
      pgTolerance: 1e-9,
      fTolerance: 0,
    });
    expect(result.x[0]).toBe(0.5);
    expect(result.x[1]).toBeCloseTo(0.25, 8);
    expect(result.fun).toBeCloseTo(0.25, 8);
    expect(result.jac[0]).toBeCloseTo(-1, 6);
    expect(result.jac[1]).toBeCloseTo(0, 6);
    expect(result).toMatchObject({
      status: MinimizerStatus.CONVERGED_PG,
      success: true,
      message: 'CONVERGED_PG: max |pg_i| <= pg_tolerance',
    });
    expect(result.nit).toBeGreaterThan(2);
    expect(result.nfev).toBeGreaterThanOrEqual(result.nit);
  });

  it('finds the free minimum of Rosenbrock, and answers it with its value and gradient', () => {
    const result = minimizeWith(kernel, rosenbrock, [-1.2, 1], { pgTolerance: 1e-10, fTolerance: 0 });
    expect(result.x[0]).toBeCloseTo(1, 8);
    expect(result.x[1]).toBeCloseTo(1, 8);
    const { value, gradient } = rosenbrock(result.x);
    expect(result.fun).toBe(value);
    expect([...result.jac]).toEqual(gradient);
  });

  it.each<[string, Bounds, number[]]>([
    ['one pair for all', [0.5, 1.5], [0.5, 1, 1.5]],
    [
      'one pair a variable',
      [
        [-Infinity, -1],
        [3, 3],
        [-1, Infinity],
      ],
      [-1, 3, 2],
    ],
    ['numbers by side', { lower: 1, upper: 1.25 }, [1, 1, 1.25]],
    ['arrays by side', { lower: new Float32Array([0.25, 0, 4]), upper: [1, 0.5, Infinity] }, [0.25, 0.5, 4]],
    ['one side', { lower: 0.5 }, [0.5, 1, 2]],
    ['none', {}, [0, 1, 2]],
  ])('takes bounds as %s', (_form, bounds, expected) => {
    const { x, success } = minimizeWith(kernel, squares, [9, -9, 9], { bounds, pgTolerance: 1e-9 });
    expect(success).toBe(true);
    for (const [i, value] of expected.entries()) expect(x[i]).toBeCloseTo(value, 6);
  });

  it('reads two pairs as one pair a variable, as SciPy does', () => {
    const { x } = minimizeWith(kernel, squares, [5, 5], {
      bounds: [
        [2, 3],
        [4, 7],
      ],
    });
    expect([...x]).toEqual([2, 4]);
  });

  it('never evaluates outside the box', () => {
    const seen: number[] = [];
    const f = (x: Float64Array) => {
      seen.push(...x);
      return rosenbrock(x);
    };
    minimizeWith(kernel, f, [7, -7], { bounds: [-0.75, 0.5] });
    expect(seen.length).toBeGreaterThan(4);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(-0.75);
    expect(Math.max(...seen)).toBeLessThanOrEqual(0.5);
  });

  it('takes a gradient written into the array that f is given', () => {
    const byArray = minimizeWith(kernel, rosenbrock, [-1.2, 1]);
    const inPlace = minimizeWith(
      kernel,
      (x, gradient) => {
        const answer = rosenbrock(x);
        gradient.set(Array.from(answer.gradient));
        return { value: answer.value, gradient };
      },
      [-1.2, 1],
    );
    expect(inPlace).toEqual(byArray);
  });

  it('waits for an f that answers later, to the same result', async () => {
    const later = async (x: Float64Array) => {
      await new Promise((resolve) => setImmediate(resolve));
      return rosenbrock(x);
    };
    expect(await minimize(later, [-1.2, 1], { kernel })).toEqual(minimizeWith(kernel, rosenbrock, [-1.2, 1]));
  });

  it('serves an f that minimises something itself while memory grows', () => {
    const nested = (x: Float64Array) => {
      const n = 100_000;
      const inner = minimizeWith(
        kernel,
        (y, gradient) => ({ value: 0, gradient: gradient.fill(0 * (y[0] ?? 0)) }),
        new Float64Array(n),
      );
      expect(inner.success).toBe(true);
      return rosenbrock(x);
    };
    const options = { maxIterations: 3 };
    expect(minimizeWith(kernel, nested, [-1.2, 1], options)).toEqual(
      minimizeWith(kernel, rosenbrock, [-1.2, 1], options),
    );
  });

  it('works in 32 bits on request', () => {
    const { x, jac, success } = minimizeWith(
      kernel,
      (point) => {
        expect(point).toBeInstanceOf(Float32Array);
        return squares(point);
      },
      [5, 5, 5],
      { precision: 32, bounds: [0, 1.5] },
    );
    expect(x).toBeInstanceOf(Float32Array);
    expect(jac).toBeInstanceOf(Float32Array);
    expect(success).toBe(true);
    for (const [i, value] of [0, 1, 1.5].entries()) expect(x[i]).toBeCloseTo(value, 5);
  });

  it('reports every iteration to the callback, with a point that stays', () => {
    const reports: MinimizeProgress[] = [];
    const result = minimizeWith(kernel, rosenbrock, [-1.2, 1], { callback: (progress) => reports.push(progress) });
    expect(reports.map(({ nit }) => nit)).toEqual(Array.from({ length: result.nit }, (_hole, i) => i + 1));
    for (const { x, fun } of reports) expect(rosenbrock(x).value).toBe(fun);
    const values = reports.map(({ fun }) => fun);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    expect(reports.at(-1)?.fun).toBe(result.fun);
  });

  it('stops when the callback answers true', () => {
    let last: MinimizeProgress | undefined;
    const callback = (progress: MinimizeProgress) => {
      last = progress;
      return progress.nit === 3;
    };
    const result = minimizeWith(kernel, rosenbrock, [-1.2, 1], { callback });
    expect(result).toMatchObject({
      nit: 3,
      status: STOPPED_BY_CALLBACK,
      success: false,
      message: 'STOPPED_BY_CALLBACK: the callback answered true',
    });
    expect(result.x).toEqual(last?.x);
    expect([...result.jac]).toEqual(rosenbrock(result.x).gradient);
  });

  it('waits for a callback that answers later, and tells what it rejects with', async () => {
    const points: number[] = [];
    const later = async ({ nit, x }: MinimizeProgress) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      points.push(x[0] as number);
      return nit === 3;
    };
    const stopped = await minimize(rosenbrock, [-1.2, 1], { callback: later, kernel });
    expect(stopped).toEqual(minimizeWith(kernel, rosenbrock, [-1.2, 1], { callback: ({ nit }) => nit === 3 }));
    expect(points).toHaveLength(3);
    const failing = async () => {
      throw new Error('no disk');
    };
    await expect(minimize(rosenbrock, [-1.2, 1], { callback: failing, kernel })).rejects.toThrow('no disk');
    expect(() => minimizeWith(kernel, rosenbrock, [-1.2, 1], { callback: failing })).toThrow(
      'Expected a function that answers at once for callback',
    );
  });

  it('ends with the reason of a signal, before the next evaluation', async () => {
    const controller = new AbortController();
    let evaluations = 0;
    const counted = (x: ArrayLike<number>) => {
      evaluations += 1;
      if (evaluations === 4) controller.abort(new Error('enough'));
      return rosenbrock(x);
    };
    const { signal } = controller;
    await expect(minimize(counted, [-1.2, 1], { signal, kernel })).rejects.toThrow('enough');
    expect(evaluations).toBe(4);
    await expect(minimize(counted, [-1.2, 1], { signal, kernel })).rejects.toThrow('enough');
    expect(evaluations).toBe(4);
  });

  it('tells the norm that its tolerance is compared with', () => {
    const bounds = { upper: [0.5, Infinity] };
    const { x, jac, pgNorm } = minimizeWith(kernel, rosenbrock, [-1.2, 1], { bounds, maxIterations: 4 });
    const moved = Array.from(x, (element, i) => {
      const stepped = element - (jac[i] as number);
      return Math.abs((i === 0 ? Math.min(0.5, stepped) : stepped) - element);
    });
    expect(pgNorm).toBeCloseTo(Math.max(...moved), 10);
    expect(minimizeWith(kernel, rosenbrock, [-1.2, 1], { pgTolerance: 1e-6, fTolerance: 0 }).pgNorm).toBeLessThan(1e-6);
  });

  it('says when a limit ended it', () => {
    const byIterations = minimizeWith(kernel, rosenbrock, [-1.2, 1], { maxIterations: 2 });
    expect(byIterations).toMatchObject({ nit: 2, success: false, status: MinimizerStatus.MAX_ITERATIONS });
    expect(byIterations.message).toContain('MAX_ITERATIONS');
    const byEvaluations = minimizeWith(kernel, rosenbrock, [-1.2, 1], { maxEvaluations: 5 });
    expect(byEvaluations).toMatchObject({ nfev: 5, success: false, status: MinimizerStatus.MAX_EVALUATIONS });
  });

  it('ends at once at a minimum', () => {
    expect(minimizeWith(kernel, rosenbrock, [1, 1])).toMatchObject({ nit: 0, nfev: 1, success: true, fun: 0 });
  });

  it('passes on what f throws, and is none the worse for it', () => {
    const broken = () => {
      throw new RangeError('not here');
    };
    expect(() => minimizeWith(kernel, broken, [1, 2])).toThrow(new RangeError('not here'));
    expect(minimizeWith(kernel, rosenbrock, [-1.2, 1]).success).toBe(true);
  });

  it.each<[string, () => unknown, string, string]>([
    ['no function', () => 3, 'INVALID_ARGUMENT', 'Expected a function for f but received 3 of type number'],
    [
      'a bare number as answer',
      () => () => 3,
      'INVALID_ARGUMENT',
      'Expected { value: number, gradient: array of length 2 } for the answer of f but received 3',
    ],
    [
      'no value',
      () => () => ({ gradient: [0, 0] }),
      'INVALID_ARGUMENT',
      'Expected a number for the value that f answers but received undefined',
    ],
    [
      'no gradient',
      () => () => ({ value: 0 }),
      'INVALID_ARGUMENT',
      'Expected an array of length 2 for the gradient that f answers but received undefined',
    ],
    [
      'a gradient of the wrong length',
      () => () => ({ value: 0, gradient: [0, 0, 0] }),
      'INVALID_ARGUMENT',
      'Expected an array of length 2 for the gradient that f answers but received one of length 3',
    ],
    [
      'NaN at the start',
      () => () => ({ value: Number.NaN, gradient: [0, 0] }),
      'NOT_FINITE',
      'Expected f to answer a finite value at x0 (moved into the bounds) but received NaN: start where f is defined',
    ],
    [
      'an infinite gradient at the start',
      () => () => ({ value: 0, gradient: [0, Infinity] }),
      'NOT_FINITE',
      'Expected f to answer a finite gradient[1] at x0 (moved into the bounds) but received Infinity',
    ],
  ])('refuses an f with %s', (_what, f, code, message) => {
    const run = () => minimizeWith(kernel, f() as typeof rosenbrock, [0, 0]);
    expect(run).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  it('survives an f that turns NaN on the way: the best finite point is answered', () => {
    // Defined for x > 0 alone; steps beyond are refused by the line search.
    const f = ([x = 0]: Float64Array) => ({ value: x - Math.log(x), gradient: [1 - 1 / x] });
    const result = minimizeWith(kernel, f, [8]);
    expect(Number.isFinite(result.fun)).toBe(true);
    expect(result.fun).toBeLessThanOrEqual(8 - Math.log(8));
    expect(f(result.x).value).toBe(result.fun);
  });

  it.each<[string, unknown, unknown, string]>([
    ['an empty x0', [], {}, 'Expected an array of at least one number for x0'],
    ['an x0 that is no array', 3, {}, 'Expected an array of numbers for x0 but received 3'],
    ['NaN in x0', [0, Number.NaN], {}, 'Expected a finite number for x0[1] but received NaN'],
    ['text in x0', ['0', 0], {}, 'Expected a finite number for x0[0] but received "0" of type string'],
    [
      'a lower bound above the upper one',
      [0, 0],
      {
        bounds: [
          [0, 1],
          [2, 1],
        ],
      },
      'Expected at least its lower bound, 2, for the upper bound of x[1] but received 1',
    ],
    ['reversed bounds for all', [0, 0], { bounds: [1, -1] }, 'for the upper bound of x[0] but received -1'],
    ['NaN as bound', [0, 0], { bounds: [Number.NaN, 1] }, 'Expected a number that is not NaN for bounds[0]'],
    [
      'fewer pairs than variables',
      [0, 0, 0],
      {
        bounds: [
          [0, 1],
          [0, 1],
        ],
      },
      'Expected 3 pairs, one an element of x0, for bounds but received 2',
    ],
    [
      'a bound of the wrong length',
      [0, 0],
      { bounds: { lower: [0] } },
      'Expected 2 numbers, one an element of x0, for bounds.lower but received 1',
    ],
    [
      'a misspelt side',
      [0, 0],
      { bounds: { low: 1 } },
      'Expected lower or upper for a key of bounds but received "low"',
    ],
    ['bounds of another kind', [0, 0], { bounds: 3 }, 'Expected an array or an object for bounds but received 3'],
    ['an unknown option', [0, 0], { gtol: 1 }, 'for a key of minimize options but received "gtol"'],
    ['an unknown method', [0, 0], { method: 'CG' }, 'Expected L-BFGS-B or SPG for method but received "CG"'],
    ['another precision', [0, 0], { precision: 16 }, 'Expected 32 or 64 for precision but received 16'],
    ['no callback', [0, 0], { callback: 1 }, 'Expected a function for callback but received 1'],
    ['no signal', [0, 0], { signal: 1 }, 'Expected an AbortSignal for signal but received 1'],
  ])('refuses %s', (_what, x0, options, message) => {
    const run = () => minimizeWith(kernel, rosenbrock, x0 as number[], options as object);
    expect(run).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });

  it('moves a start outside the box into it', () => {
    const first: number[] = [];
    const f = (x: Float64Array) => {
      if (first.length === 0) first.push(...x);
      return squares(x);
    };
    minimizeWith(kernel, f, [-5, 5], { bounds: [0.25, 0.75] });
    expect(first).toEqual([0.25, 0.75]);
  });
});

describe('minimize', () => {
  it('loads a kernel by itself', async () => {
    expect((await minimize(rosenbrock, [-1.2, 1])).success).toBe(true);
  });

  it('names the kernels to an unknown one', async () => {
    const kernel = 'cuda' as 'native';
    await expect(minimize(rosenbrock, [0, 0], { kernel })).rejects.toThrow('for kernel but received "cuda"');
  });
});
