/**
 * The public interface of the package, for browsers (`blindspot/web`): the WebAssembly kernel and onnxruntime-web. What
 * is here has the name and the meaning it has in Node.
 */
// Disposable: a browser project need not have it in its own `lib`.
/// <reference lib="esnext.disposable" preserve="true" />

export type { AttackData, RawImages } from './attack/attack_data.ts';
export type { AttackEffort, AttackMethod, ModelAttackOptions, TargetChoice } from './attack/attack_options.ts';
export { attack, check, openModel, type WebAttackOptions, type WebOpenModelOptions } from './attack/attack_web.ts';
export type { ModelSource, OpenedModel, Predictions } from './attack/opened_model.ts';
export type { AttackProgress } from './attack/progress.ts';
export type { AttackExample, AttackOutcome, AttackResults, AttackSummary, ExampleStatus } from './attack/result.ts';
export { type Reach, robustAccuracy } from './attack/robust_accuracy.ts';
export { type PictureSource, type ReadPicturesOptions, readPictures } from './data/browser_images.ts';
export type { ImageSet } from './data/image_set.ts';
export { BlindspotError, type ErrorCode } from './errors.ts';
export { LaneStatus, MinimizerStatus } from './kernel/abi.generated.ts';
export type {
  Kernel,
  KernelName,
  Minimizer,
  MinimizerOptions,
  MinimizerResult,
  Search,
  SearchOptions,
  SearchResult,
} from './kernel/kernel.ts';
export type { KernelChoice } from './kernel/load_kernel.ts';
export { loadKernel, type WebKernelOptions } from './kernel/load_kernel_web.ts';
export type { ModelCheck } from './model/check_model.ts';
export type { InputOptions, NamedStatistics } from './onnx/preprocessing.ts';
export type { Bounds, PairedBounds, SeparateBounds, UniformBounds } from './optimize/bounds.ts';
export type {
  AsyncObjective,
  Evaluation as ObjectiveEvaluation,
  Objective,
  Precision,
  Vector,
} from './optimize/evaluation.ts';
export { minimize, type WebMinimizeOptions } from './optimize/minimize_web.ts';
export {
  type MinimizeOptions,
  type MinimizeProgress,
  type MinimizeResult,
  STOPPED_BY_CALLBACK,
} from './optimize/minimize_with.ts';
export type { ProviderName, Session, SessionFactory, SessionOptions, Tensor, TensorInfo } from './runtime/session.ts';
export { createSession, type WebSessionOptions } from './runtime/web_session.ts';
