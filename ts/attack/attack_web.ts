/** `attack`, `openModel` and `check` in browsers: onnxruntime-web and the WebAssembly kernel, in the thread that
 * calls and in module workers. Nothing here imports a module of Node's. */
import { loadKernelSelection, type WebKernelOptions } from '../kernel/load_kernel_web.ts';
import type { ModelCheck } from '../model/check_model.ts';
import { fetchModel } from '../model/fetch_model.ts';
import { createSession, type WebSessionOptions } from '../runtime/web_session.ts';
import type { AttackData } from './attack_data.ts';
import { attackWith, checkWith } from './attack_model.ts';
import type { AttackPlatform, AttackWork } from './attack_on.ts';
import type { AttackOptions, ModelAttackOptions } from './attack_options.ts';
import { runShardHere } from './inline_shard.ts';
import { type ModelSource, type OpenedModel, type OpenModelOptions, openModelOn } from './opened_model.ts';
import type { AttackOutcome } from './result.ts';
import { canStartWorkers, runWebShards } from './web_shard_pool.ts';

interface WebPlatformOptions {
  /** Bytes or address of blindspot.wasm. */
  wasm?: WebKernelOptions['wasm'] | undefined;
  /** Where the files of onnxruntime-web are served. */
  assets?: WebSessionOptions['assets'] | undefined;
  /**
   * Of onnxruntime-web, default 1. More need a page that is cross-origin isolated, and the first session of a page
   * decides for those after it.
   */
  threads?: WebSessionOptions['threads'] | undefined;
}

export interface WebAttackOptions extends AttackOptions, WebPlatformOptions {}

export interface WebOpenModelOptions extends OpenModelOptions, WebPlatformOptions {}

/** Starting a worker takes about 0.2 s: it loads the kernel and ONNX Runtime. */
const SECONDS_WORTH_A_WORKER = 1;

/** One worker a core when there is work enough; none but the calling thread for a GPU, which they would only share. */
async function chooseWorkers({ provider, images, seconds }: AttackWork): Promise<number> {
  if (provider !== 'wasm') return 1;
  const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
  const workers = Math.min(cores, images, Math.floor((SLOWNESS * seconds) / SECONDS_WORTH_A_WORKER));
  return workers > 1 && (await canStartWorkers()) ? workers : 1;
}

/** Of WebAssembly against native code, which the estimate is of. */
const SLOWNESS = 4;

/** What an attack runs on in a browser. */
export function webPlatform({ wasm, assets, threads }: WebPlatformOptions): AttackPlatform {
  const runtime = { ...(assets === undefined ? {} : { assets }), ...(threads === undefined ? {} : { threads }) };
  const session: typeof createSession = (bytes, given) => createSession(bytes, { ...given, ...runtime });
  return {
    defaultProvider: 'wasm',
    createSession: session,
    readModel: fetchModel,
    loadKernelSelection: (choice) => loadKernelSelection(choice, wasm === undefined ? {} : { wasm }),
    chooseWorkers,
    runShards: (plan) => (plan.workers === 1 ? runShardHere(plan) : runWebShards(plan, { wasm, assets })),
    versions: async () => (typeof navigator === 'undefined' ? {} : { browser: navigator.userAgent }),
  };
}

/**
 * As `attack` in Node, with provider 'wasm' (default) or 'webgpu'.
 *
 * @param model address or bytes of an ONNX file, or an open model.
 * @throws as in Node; PROVIDER_UNAVAILABLE for cpu and cuda.
 */
export function attack(model: OpenedModel, data: AttackData, options?: ModelAttackOptions): Promise<AttackOutcome>;
export function attack(model: ModelSource, data: AttackData, options?: WebAttackOptions): Promise<AttackOutcome>;
export async function attack(
  model: ModelSource | OpenedModel,
  data: AttackData,
  { wasm, assets, threads, ...options }: WebAttackOptions = {},
): Promise<AttackOutcome> {
  return await attackWith(webPlatform({ wasm, assets, threads }), model, data, options);
}

/** As `openModel` in Node. @param model address or bytes of an ONNX file. */
export async function openModel(
  model: ModelSource,
  { wasm, assets, threads, ...options }: WebOpenModelOptions = {},
): Promise<OpenedModel> {
  return await openModelOn(webPlatform({ wasm, assets, threads }), model, options);
}

/** As `check` in Node. @param model address or bytes of an ONNX file. */
export async function check(
  model: ModelSource,
  data?: AttackData,
  { wasm, assets, threads, ...options }: WebOpenModelOptions = {},
): Promise<ModelCheck> {
  return await checkWith(webPlatform({ wasm, assets, threads }), model, data, options);
}
