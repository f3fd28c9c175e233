/**
 * ONNX Runtime in the browser: onnxruntime-web, the smallest build that has the provider asked for (/wasm 3.7 MB
 * gzipped, /webgpu 6.6 MB). Runs in Node too, where it serves the tests.
 *
 * Threads need a page that is cross-origin isolated (COOP same-origin, COEP require-corp); elsewhere the runtime uses
 * one without a word, so `threads` of the session says what is used.
 */
import { providerUnavailable } from './ort_errors.ts';
import { parseProvider, type Session } from './session.ts';
import { createWebSession, type OnnxRuntimeWeb, type WebSessionOptions } from './web_runtime.ts';

export type { WebSessionOptions } from './web_runtime.ts';

/**
 * @param model an ONNX file's bytes.
 * @throws INVALID_ARGUMENT, PROVIDER_UNAVAILABLE, INVALID_MODEL.
 */
export async function createSession(model: Uint8Array, options: WebSessionOptions = {}): Promise<Session> {
  const provider = parseProvider(options.provider ?? 'wasm');
  if (provider === 'cpu' || provider === 'cuda') throw providerUnavailable(provider, 'it needs Node');
  if (provider === 'webgpu' && !hasWebGpu()) throw providerUnavailable(provider, 'no navigator.gpu');
  return await createWebSession(() => loadOnnxRuntime(provider), provider, model, options);
}

function loadOnnxRuntime(provider: 'wasm' | 'webgpu'): Promise<OnnxRuntimeWeb> {
  return provider === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm');
}

function hasWebGpu(): boolean {
  return typeof navigator !== 'undefined' && 'gpu' in navigator;
}
