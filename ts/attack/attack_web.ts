/** `attack`, `openModel` and `check` in browsers: onnxruntime-web and the WebAssembly kernel, in one shard. Nothing here imports a module of Node's. */
import { describeKernel, type WebKernelOptions } from '../kernel/load_kernel_web.ts';
import type { ModelCheck } from '../model/check_model.ts';
import { fetchModel } from '../model/fetch_model.ts';
import { createSession, type WebSessionOptions } from '../runtime/web_session.ts';
import type { AttackData } from './attack_data.ts';
import { attackWith, checkWith } from './attack_model.ts';
import type { AttackPlatform } from './attack_on.ts';
import type { AttackOptions, ModelAttackOptions } from './attack_options.ts';
import { runShardHere } from './inline_shard.ts';
import { type ModelSource, type OpenedModel, type OpenModelOptions, openModelOn } from './opened_model.ts';
import type { AttackOutcome } from './result.ts';

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

export interface WebAttackOptions extends Omit<AttackOptions, 'workers'>, WebPlatformOptions {}
export interface WebOpenModelOptions extends OpenModelOptions, WebPlatformOptions {}

/** What an attack runs on in a browser. */
export function webPlatform({ wasm, assets, threads }: WebPlatformOptions): AttackPlatform {
  const runtime = { ...(assets === undefined ? {} : { assets }), ...(threads === undefined ? {} : { threads }) };
  const session: typeof createSession = (bytes, given) => createSession(bytes, { ...given, ...runtime });
  return {
    defaultProvider: 'wasm',
    createSession: session,
    readModel: fetchModel,
    describeKernel: (choice) => describeKernel(choice, wasm === undefined ? {} : { wasm }),
    chooseWorkers: () => 1,
    runShards: runShardHere,
    versions: async () => (typeof navigator === 'undefined' ? {} : { browser: navigator.userAgent }),
  };
}

/**
 * As `attack` in Node, with provider 'wasm' (default) or 'webgpu'.
 *
 * @param model address or bytes of an ONNX file, or an open model.
 * @throws as in Node; PROVIDER_UNAVAILABLE for cpu and cuda.
 */
export function attack(
  model: OpenedModel,
  data: AttackData,
  options?: Omit<ModelAttackOptions, 'workers'>,
): Promise<AttackOutcome>;
export function attack(model: ModelSource, data: AttackData, options?: WebAttackOptions): Promise<AttackOutcome>;
export async function attack(
  model: ModelSource | OpenedModel,
  data: AttackData,
  { wasm, assets, threads, ...options }: WebAttackOptions = {},
): Promise<AttackOutcome> {
  return await attackWith(webPlatform({ wasm, assets, threads }), model, data, { ...options, workers: 1 });
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
