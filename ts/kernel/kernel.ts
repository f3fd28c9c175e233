/**
 * The C++ kernel behind one interface. It is arithmetic alone: step machines that ask for points and are told
 * values and gradients. It is not asynchronous, knows no model, no file and no thread.
 *
 * Both backends implement it: `native` (a Node addon) and `wasm` (WebAssembly SIMD128, in Node and browsers).
 * Views (typed arrays) are over the kernel's own memory: valid until dispose; re-read the property after any call
 * that creates another handle (WebAssembly memory may have grown).
 */

import type { LaneStatus, MinimizerStatus } from './abi.generated.ts';
import type { EffortName, NormName, SearchMethodName } from './options.ts';

export type KernelName = 'native' | 'wasm';

export interface Kernel {
  readonly name: KernelName;
  /** avx512, avx2, sse2, neon or scalar; simd128 of the WebAssembly kernel. */
  readonly instructionSet: string;
  /** Restricts the handles created from now on to one instruction set, for tests and benchmarks. */
  useInstructionSet(name: string): void;
  createMinimizer(options: MinimizerOptions): Minimizer;
  createSearch(options: SearchOptions): Search;
  /** Bytes that createSearch would take. */
  searchBytes(options: SearchOptions): number;
}

export interface MinimizerOptions {
  /** Variables. */
  n: number;
  /** Type of x, bounds and gradient; default 64. */
  precision?: 32 | 64;
  method?: 'L-BFGS-B' | 'SPG';
  /** Correction pairs kept, 1..64; default 10. */
  memory?: number;
  /** Converged when max |P(x-g)-x| <= this; default 1e-5. */
  pgTolerance?: number;
  /** Converged when the relative decrease of f <= this; default 1e7 * 2^-52. */
  fTolerance?: number;
  /** Default 15,000. */
  maxIterations?: number;
  /** Default 15,000. */
  maxEvaluations?: number;
}

export interface MinimizerResult {
  status: MinimizerStatus;
  f: number;
  pgNorm: number;
  iterations: number;
  evaluations: number;
}

export interface Minimizer extends Disposable {
  readonly x: Float64Array | Float32Array;
  readonly gradient: Float64Array | Float32Array;
  readonly lower: Float64Array | Float32Array;
  readonly upper: Float64Array | Float32Array;
  /** @throws INVALID_ARGUMENT when a lower bound is above its upper one, or x is not finite. */
  start(): void;
  /** Takes f(x), gradient written beforehand; answers the status, EVALUATE while it goes on. */
  tell(f: number): MinimizerStatus;
  result(): MinimizerResult;
  dispose(): void;
}

export interface SearchOptions {
  /** Pixels of an image. */
  n: number;
  classes: number;
  /** Images searched at once. */
  lanes: number;
  method?: SearchMethodName;
  effort?: EffortName;
  /** The box; default [0, 1]. */
  lower?: number;
  upper?: number;
  /** Budget of an image; default by method and effort. */
  maxEvaluations?: number;
  /** Success means hard margin < -confidence logits; 0 (default): as little as the image's own logits let tell. */
  confidence?: number;
  /** Bits of the lattice to search on; 0 (default) for none. */
  quantization?: number;
  seed?: number;
  /** Whether the gradients told are as smooth as `smoothing` asks; default false. */
  smoothable?: boolean;
  /** What the length of a change is measured in; default 'l2'. */
  norm?: NormName;
}

export interface SearchResult {
  id: number;
  status: LaneStatus;
  /** Of the pixels delivered from the image, in `norm`; NaN when FAILED. */
  distance: number;
  norm: NormName;
  margin: number;
  prediction: number;
  cleanPrediction: number;
  evaluations: number;
  kktResidual: number;
  starts: number;
  /** |∇s| at the image; NaN where it is not finite. */
  slope: number;
  /** A copy: [n]. */
  example: Float32Array;
}

export interface Search extends Disposable {
  readonly options: Required<SearchOptions>;
  /** Views over the kernel's memory, row-major: [lanes, n], [lanes, classes], [lanes], [lanes], [lanes]. */
  readonly points: Float32Array;
  readonly oneHot: Float32Array;
  readonly sign: Float32Array;
  readonly temperature: Float32Array;
  /** How far the gradient's kinks are to be rounded, relative to the network's values; 0: not at all. */
  readonly smoothing: Float32Array;
  /** Written by the caller before tell: [lanes, classes], [lanes, n]. */
  readonly logits: Float32Array;
  readonly gradients: Float32Array;
  readonly freeLanes: number;
  /**
   * @param target a class to reach, or -1 for any class but the label.
   * @param start a point that may lie across the boundary, [n]: where all else fails, the search goes towards it.
   */
  submit(id: number, image: Float32Array, label: number, target: number, start?: Float32Array): void;
  /** Fills rows [0, count) of points, oneHot, sign, temperature and smoothing; 0 when nothing runs. */
  ask(): number;
  tell(): void;
  /** One finished lane, or undefined. */
  take(): SearchResult | undefined;
  dispose(): void;
}
