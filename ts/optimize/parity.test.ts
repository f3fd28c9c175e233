import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Kernel } from '../kernel/kernel.ts';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import type { Precision, Vector } from './evaluation.ts';
import { type MinimizeResult, minimizeWith } from './minimize_with.ts';

/** min 1/2 xᵀAx - bᵀx over lower <= x <= upper, A = FᵀF + I of condition 1 + |F|². */
interface BoxQp {
  factor: number[][];
  linear: number[];
  start: number[];
  bounds: [number, number][];
}

const entry = fc.double({ min: -2, max: 2, noNaN: true });
const bound = fc.oneof(entry, fc.constant(0), fc.constant(Infinity));
const boxQp: fc.Arbitrary<BoxQp> = fc.integer({ min: 1, max: 24 }).chain((n) =>
  fc.record({
    factor: fc.array(fc.array(entry, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 6 }),
    linear: fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: n, maxLength: n }),
    start: fc.array(entry, { minLength: n, maxLength: n }),
    bounds: fc.array(
      fc
        .tuple(bound, bound)
        .map(([a, b]): [number, number] => [Math.min(a, b) === Infinity ? -Infinity : Math.min(a, b), Math.max(a, b)]),
      { minLength: n, maxLength: n },
    ),
  }),
);

function objective({ factor, linear }: BoxQp) {
  return <P extends Precision>(x: Vector<P>, gradient: Vector<P>) => {
    const image = factor.map((row) => row.reduce((sum, a, i) => sum + a * (x[i] ?? 0), 0));
    let value = image.reduce((sum, y) => sum + y * y, 0) / 2;
    for (const [i, b] of linear.entries()) {
      const xi = x[i] ?? 0;
      value += (xi * xi) / 2 - b * xi;
      gradient[i] = factor.reduce((sum, row, j) => sum + (row[i] ?? 0) * (image[j] ?? 0), xi - b);
    }
    return { value, gradient };
  };
}

const methods = ['L-BFGS-B', 'SPG'] as const;

describe('random convex quadratics in random boxes', () => {
  let native: Kernel;
  let wasm: Kernel;
  beforeAll(async () => {
    [native, wasm] = await Promise.all([loadKernel('native'), loadKernel('wasm')]);
  });

  it.each(methods)('are solved on the native kernel by %s: in the box, projected gradient small', (method) => {
    fc.assert(
      fc.property(boxQp, (problem) => {
        const options = { bounds: problem.bounds, method, pgTolerance: 1e-6, fTolerance: 0 };
        const { x, jac, success } = minimizeWith(native, objective(problem), problem.start, options);
        expect(success).toBe(true);
        for (const [i, [lower, upper]] of problem.bounds.entries()) {
          const xi = x[i] ?? Number.NaN;
          expect(xi).toBeGreaterThanOrEqual(lower);
          expect(xi).toBeLessThanOrEqual(upper);
          const projected = Math.min(Math.max(xi - (jac[i] ?? Number.NaN), lower), upper) - xi;
          expect(Math.abs(projected)).toBeLessThanOrEqual(1e-6);
        }
      }),
      { seed: 20130621, numRuns: 150 },
    );
  });

  it.each(methods.flatMap((method) => [32, 64].map((precision) => [method, precision as Precision] as const)))(
    'take the same path bit for bit on native and wasm: %s in %i bits',
    (method, precision) => {
      fc.assert(
        fc.property(boxQp, (problem) => {
          const run = (kernel: Kernel): [MinimizeResult<Precision>, number[]] => {
            const path: number[] = [];
            const f = objective(problem);
            const result = minimizeWith<Precision>(
              kernel,
              (x, gradient) => {
                path.push(...x);
                return f(x, gradient);
              },
              problem.start,
              { bounds: problem.bounds, method, precision, maxEvaluations: 200 },
            );
            return [result, path];
          };
          // toEqual tells +0 from -0.
          expect(run(wasm)).toEqual(run(native));
        }),
        { seed: 20130621, numRuns: 60 },
      );
    },
  );
});
