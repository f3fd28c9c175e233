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
export type { PictureFitOptions, ResizeFit } from './data/picture_fit.ts';
export type { ModelCheck } from './model/check_model.ts';
export type { InputOptions, NamedStatistics } from './onnx/preprocessing.ts';
export {
  type AsyncObjective,
  BlindspotError,
  type Bounds,
  type ErrorCode,
  type Kernel,
  type KernelChoice,
  type KernelName,
  LaneStatus,
  loadKernel,
  type MinimizeOptions,
  type MinimizeProgress,
  type MinimizeResult,
  type Minimizer,
  type MinimizerOptions,
  type MinimizerResult,
  MinimizerStatus,
  minimize,
  type Objective,
  type ObjectiveEvaluation,
  type PairedBounds,
  type Precision,
  type Search,
  type SearchOptions,
  type SearchResult,
  type SeparateBounds,
  STOPPED_BY_CALLBACK,
  type UniformBounds,
  type Vector,
  type WebKernelOptions,
  type WebMinimizeOptions,
} from './optimize/index_web.ts';
export type { ReportContext } from './report/attack_page.ts';
export { renderReport } from './report/render_report_web.ts';
export type { ProviderName, Session, SessionFactory, SessionOptions, Tensor, TensorInfo } from './runtime/session.ts';
export { createSession, type WebSessionOptions } from './runtime/web_session.ts';
