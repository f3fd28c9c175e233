/** The public interface of the package, for browsers (`blindspot/web`): the WebAssembly kernel and onnxruntime-web. */

export type { AttackData, RawImages } from './attack/attack_data.ts';
export type { AttackEffort, AttackMethod, TargetChoice } from './attack/attack_options.ts';
export { attack, type WebAttackOptions } from './attack/attack_web.ts';
export type { AttackProgress } from './attack/progress.ts';
export type { AttackExample, AttackOutcome, AttackResults, AttackSummary, ExampleStatus } from './attack/result.ts';
export { BlindspotError, type ErrorCode } from './errors.ts';
export type { Kernel } from './kernel/kernel.ts';
export { loadKernel, type WebKernelOptions } from './kernel/load_kernel_web.ts';
export type { AsyncObjective, Evaluation, Objective, Precision, Vector } from './optimize/evaluation.ts';
export {
  type MinimizeOptions,
  type MinimizeResult,
  minimizeAsyncWith,
  minimizeWith,
} from './optimize/minimize_with.ts';
export type { ProviderName, Session } from './runtime/session.ts';
export { createSession, type WebSessionOptions } from './runtime/web_session.ts';
