/** The public interface of the package, for Node. */

export type { ModelEntry, ModelTrainOptions } from '../models/model_entry.ts';
export { MODEL_NAMES, modelByName } from '../models/registry.ts';
export { type Certificate, type CertifyOptions, certify } from './analysis/certificates/certify.ts';
export { attack, check, openModel } from './attack/attack.ts';
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
export { loadKernel } from './kernel/load_kernel_node.ts';
export type { GradientHealth, ModelCheck } from './model/check_model.ts';
export type { InputGuess } from './model/input_guesses.ts';
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
export type { Bounds, PairedBounds, SeparateBounds, UniformBounds } from './optimize/bounds.ts';
export type {
  AsyncObjective,
  Evaluation as ObjectiveEvaluation,
  Objective,
  Precision,
  Vector,
} from './optimize/evaluation.ts';
export { minimize, type NodeMinimizeOptions } from './optimize/minimize.ts';
export {
  type MinimizeOptions,
  type MinimizeProgress,
  type MinimizeResult,
  STOPPED_BY_CALLBACK,
} from './optimize/minimize_with.ts';
export { type ReportContext, renderReport, saveReport, saveResults } from './report/save_attack.ts';
export { createSession } from './runtime/node_session.ts';
export type { ProviderName, Session, SessionFactory, SessionOptions, Tensor, TensorInfo } from './runtime/session.ts';
