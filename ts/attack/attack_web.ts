/** `attack` in browsers: onnxruntime-web and the WebAssembly kernel, in one shard. Nothing here imports a module of Node's. */
import { describeKernel, type WebKernelOptions } from '../kernel/load_kernel_web.ts';
import { createSession, type WebSessionOptions } from '../runtime/web_session.ts';
import type { AttackData } from './attack_data.ts';
import { type AttackPlatform, attackOn } from './attack_on.ts';
import type { AttackOptions } from './attack_options.ts';
import { runShardHere } from './inline_shard.ts';
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

/** What an attack runs on in a browser. */
export function webPlatform({ wasm, assets, threads }: WebPlatformOptions): AttackPlatform {
  const runtime = { ...(assets === undefined ? {} : { assets }), ...(threads === undefined ? {} : { threads }) };
  const session: typeof createSession = (bytes, given) => createSession(bytes, { ...given, ...runtime });
  return {
    defaultProvider: 'wasm',
    createSession: session,
    describeKernel: (choice) => describeKernel(choice, wasm === undefined ? {} : { wasm }),
    chooseWorkers: () => 1,
    runShards: (plan) => runShardHere(plan, session),
    versions: async () => (typeof navigator === 'undefined' ? {} : { browser: navigator.userAgent }),
  };
}

/**
 * As `attack` in Node, with provider 'wasm' (default) or 'webgpu'.
 *
 * @param model the bytes of an ONNX file.
 * @throws as in Node; PROVIDER_UNAVAILABLE for cpu and cuda.
 */
export async function attack(
  model: Uint8Array,
  data: AttackData,
  { wasm, assets, threads, ...options }: WebAttackOptions = {},
): Promise<AttackOutcome> {
  return await attackOn(webPlatform({ wasm, assets, threads }), model, data, { ...options, workers: 1 });
}
