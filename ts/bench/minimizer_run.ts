/** A minimizer of either kernel on a quadratic with bounds, its own steps timed apart from the function. */
import { Random } from '../base/random.ts';
import { MinimizerStatus } from '../kernel/abi.generated.ts';
import type { Kernel, Minimizer } from '../kernel/kernel.ts';

/** Condition of the quadratic. */
const SPREAD = 1e4;

export interface QuadraticInBox {
  readonly n: number;
  readonly diagonal: Float64Array;
  readonly b: Float64Array;
  /** One outer product couples the variables. */
  readonly direction: Float64Array;
}

export function quadraticInBox(n: number): QuadraticInBox {
  const random = new Random(11);
  const drawn = (low: number, high: number) =>
    Float64Array.from({ length: n }, () => low + (high - low) * random.uniform());
  return { n, diagonal: drawn(1, SPREAD), b: drawn(-3, 3), direction: drawn(-2 / Math.sqrt(n), 2 / Math.sqrt(n)) };
}

export interface MinimizerTask {
  readonly problem: QuadraticInBox;
  readonly precision: 32 | 64;
  readonly memory: number;
  readonly iterations: number;
}

/** L-BFGS-B that ends by its iterations alone, about to evaluate its start. */
export function startMinimizer(kernel: Kernel, { problem, precision, memory, iterations }: MinimizerTask): Minimizer {
  const minimizer = kernel.createMinimizer({
    n: problem.n,
    precision,
    memory,
    pgTolerance: 0,
    fTolerance: 0,
    maxIterations: iterations,
  });
  minimizer.x.fill(0.5);
  minimizer.lower.fill(-100);
  minimizer.upper.fill(100);
  minimizer.start();
  return minimizer;
}

/** @returns seconds an iteration, without the function. */
export function minimizerSeconds(kernel: Kernel, instructionSet: string, task: MinimizerTask): number {
  kernel.useInstructionSet(instructionSet);
  using minimizer = startMinimizer(kernel, task);
  let seconds = 0;
  for (let status: MinimizerStatus = MinimizerStatus.EVALUATE; status === MinimizerStatus.EVALUATE; ) {
    const f = quadraticAndGradient(task.problem, minimizer.x, minimizer.gradient);
    const start = performance.now();
    status = minimizer.tell(f);
    seconds += (performance.now() - start) / 1000;
  }
  return seconds / minimizer.result().iterations;
}

/** @param gradient [n], written. */
export function quadraticAndGradient(
  { n, diagonal, b, direction }: QuadraticInBox,
  x: Float64Array | Float32Array,
  gradient: Float64Array | Float32Array,
): number {
  let along = 0;
  for (let i = 0; i < n; i++) along += (direction[i] as number) * (x[i] as number);
  let f = 0.5 * along * along;
  for (let i = 0; i < n; i++) {
    const scaled = (diagonal[i] as number) * (x[i] as number);
    f += (x[i] as number) * (0.5 * scaled - (b[i] as number));
    gradient[i] = scaled - (b[i] as number) + along * (direction[i] as number);
  }
  return f;
}
