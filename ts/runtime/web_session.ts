/**
 * ONNX Runtime in the browser: onnxruntime-web, the smallest build that has the provider asked for (/wasm 3.7 MB
 * gzipped, /webgpu 6.6 MB). Runs in Node too, where it serves the tests.
 *
 * Threads need a page that is cross-origin isolated (COOP same-origin, COEP require-corp); elsewhere the runtime uses
 * one without a word, so `threads` of the session says what is used.
 */
import { BlindspotError } from '../errors.ts';
import { creationError, providerUnavailable } from './ort_errors.ts';
import { OrtSession } from './ort_session.ts';
import { checkThreads, parseProvider, type Session, type SessionOptions } from './session.ts';

type OnnxRuntimeWeb = typeof import('onnxruntime-web/wasm');

export interface WebSessionOptions extends SessionOptions {
  /** Where the .wasm and .mjs files of onnxruntime-web are served; default: beside the bundle. */
  assets?: string;
}

/**
 * @param model an ONNX file's bytes.
 * @throws INVALID_ARGUMENT, PROVIDER_UNAVAILABLE, INVALID_MODEL.
 */
export async function createSession(model: Uint8Array, options: WebSessionOptions = {}): Promise<Session> {
  const provider = parseProvider(options.provider ?? 'wasm');
  const wanted = checkThreads(options.threads ?? 1);
  if (provider === 'cpu' || provider === 'cuda') throw providerUnavailable(provider, 'it needs Node');
  if (provider === 'webgpu' && !hasWebGpu()) throw providerUnavailable(provider, 'no navigator.gpu');
  if (model.byteLength === 0) throw new BlindspotError('INVALID_MODEL', 'Not an ONNX model: it is empty');

  const threads = sharedMemoryAllowed() ? wanted : 1;
  const ort = await loadOnnxRuntime(provider);
  ort.env.logLevel = 'fatal';
  ort.env.wasm.numThreads = threads;
  if (options.assets !== undefined) ort.env.wasm.wasmPaths = options.assets;
  try {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [provider],
      logSeverityLevel: 4,
      ...(options.dimensions === undefined ? {} : { freeDimensionOverrides: options.dimensions }),
      ...(options.cpuFallback === false ? { extra: { session: { disable_cpu_ep_fallback: '1' } } } : {}),
    });
    return new OrtSession(session, {
      provider,
      threads,
      makeTensor: (type, data, dims) => new ort.Tensor(type as 'float32', data as Float32Array, dims),
      writesInPlace: false,
    });
  } catch (cause) {
    throw creationError(provider, cause);
  }
}

function loadOnnxRuntime(provider: 'wasm' | 'webgpu'): Promise<OnnxRuntimeWeb> {
  return provider === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm');
}

function hasWebGpu(): boolean {
  return typeof navigator !== 'undefined' && 'gpu' in navigator;
}

function sharedMemoryAllowed(): boolean {
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
}
