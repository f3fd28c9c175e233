/** The public interface of the package, for Node. */

export type { ModelEntry, ModelTrainOptions } from '../models/model_entry.ts';
export { MODEL_NAMES, modelByName } from '../models/registry.ts';
export { type Certificate, type CertifyOptions, certify } from './analysis/certificates/certify.ts';
export { attack } from './attack/attack.ts';
export type { AttackData, RawImages } from './attack/attack_data.ts';
export type { AttackEffort, AttackMethod, AttackOptions, TargetChoice } from './attack/attack_options.ts';
export type { AttackProgress } from './attack/progress.ts';
export type { AttackExample, AttackOutcome, AttackResults, AttackSummary, ExampleStatus } from './attack/result.ts';
export type { ImageSet } from './data/image_set.ts';
export { type LoadDataOptions, loadData } from './data/load_data.ts';
export { BlindspotError, type ErrorCode } from './errors.ts';
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
export type { InputOptions, NamedStatistics } from './onnx/preprocessing.ts';
export type { ClassifierOptions } from './onnx/read_classifier.ts';
export type { AsyncObjective } from './optimize/evaluation.ts';
export { minimize, type NodeMinimizeOptions } from './optimize/minimize.ts';
export type { MinimizeResult } from './optimize/minimize_with.ts';
export { createSession } from './runtime/node_session.ts';
export type { ProviderName, Session, SessionOptions } from './runtime/session.ts';
