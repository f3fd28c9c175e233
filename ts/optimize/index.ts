/** The kernels and `minimize`, for Node: all of @blindspot/kernel. */
export { BlindspotError, type ErrorCode } from '../errors.ts';
export { LaneStatus, MinimizerStatus } from '../kernel/abi.generated.ts';
export type {
  Kernel,
  KernelName,
  Minimizer,
  MinimizerOptions,
  MinimizerResult,
  Search,
  SearchOptions,
  SearchResult,
} from '../kernel/kernel.ts';
export type { KernelChoice } from '../kernel/load_kernel.ts';
export { loadKernel } from '../kernel/load_kernel_node.ts';
export type { Bounds, PairedBounds, SeparateBounds, UniformBounds } from './bounds.ts';
export type { AsyncObjective, Evaluation as ObjectiveEvaluation, Objective, Precision, Vector } from './evaluation.ts';
export { minimize, type NodeMinimizeOptions } from './minimize.ts';
export {
  type MinimizeOptions,
  type MinimizeProgress,
  type MinimizeResult,
  STOPPED_BY_CALLBACK,
} from './minimize_with.ts';
