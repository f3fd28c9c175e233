/** The public interface of the package, for Node. */

export type { ModelEntry, ModelTrainOptions } from '../models/model_entry.ts';
export { MODEL_NAMES, modelByName } from '../models/registry.ts';
export { type Certificate, type CertifyOptions, certify } from './analysis/certificates/certify.ts';
export { attack, check, openModel, saveWrappedModel } from './attack/attack.ts';
export type { AttackData, RawImages } from './attack/attack_data.ts';
export type {
  AttackEffort,
  AttackMethod,
  AttackOptions,
  ModelAttackOptions,
  TargetChoice,
} from './attack/attack_options.ts';
export type { AttackJournal } from './attack/journal.ts';
export type { ModelSource, OpenedModel, OpenModelOptions, Predictions } from './attack/opened_model.ts';
export type { AttackProgress } from './attack/progress.ts';
export type { AttackExample, AttackOutcome, AttackResults, AttackSummary, ExampleStatus } from './attack/result.ts';
export { type Reach, robustAccuracy } from './attack/robust_accuracy.ts';
export type { ImageSet } from './data/image_set.ts';
export { type LoadDataOptions, loadData } from './data/load_data.ts';
export type { PictureFitOptions, ResizeFit } from './data/picture_fit.ts';
export type { GradientHealth, ModelCheck } from './model/check_model.ts';
export type { InputGuess } from './model/input_guesses.ts';
export type { PreprocessorConfig } from './model/preprocessor.ts';
export type { AdversarialStep } from './nn/adversarial.ts';
export { type EvaluateOptions, type Evaluation, evaluate } from './nn/evaluate.ts';
export { saveTraining } from './nn/save_training.ts';
export {
  type Recipe,
  type TrainedModel,
  type TrainingRecord,
  type TrainOptions,
  trainClassifier,
} from './nn/train_classifier.ts';
export type { ClassifierDescription } from './onnx/classifier.ts';
export type { FileDescription } from './onnx/describe_file.ts';
export type { InputOptions, NamedStatistics } from './onnx/preprocessing.ts';
export type { ClassifierOptions } from './onnx/read_classifier.ts';
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
  type NodeMinimizeOptions,
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
} from './optimize/index.ts';
export type { ReportContext } from './report/attack_page.ts';
export { renderReport, saveReport, saveResults } from './report/save_attack.ts';
export { createSession } from './runtime/node_session.ts';
export type { ProviderName, Session, SessionFactory, SessionOptions, Tensor, TensorInfo } from './runtime/session.ts';
