/**
 * The public interface of the package, for browsers (`blindspot/web`): the WebAssembly kernel and onnxruntime-web. What
 * is here has the name and the meaning it has in Node.
 */
// Disposable: a browser project need not have it in its own `lib`.
/// <reference lib="esnext.disposable" preserve="true" />

export type { AttackData, RawImages } from './attack/attack_data.ts';
export type { AttackEffort, AttackMethod, TargetChoice } from './attack/attack_options.ts';
export { attack, type WebAttackOptions } from './attack/attack_web.ts';
export type { AttackProgress } from './attack/progress.ts';
export type { AttackExample, AttackOutcome, AttackResults, AttackSummary, ExampleStatus } from './attack/result.ts';
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
export { loadKernel, type WebKernelOptions } from './kernel/load_kernel_web.ts';
export type { AsyncObjective } from './optimize/evaluation.ts';
export { minimize, type WebMinimizeOptions } from './optimize/minimize_web.ts';
export type { MinimizeResult } from './optimize/minimize_with.ts';
export type { ProviderName, Session } from './runtime/session.ts';
export { createSession, type WebSessionOptions } from './runtime/web_session.ts';
