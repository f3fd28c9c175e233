/** A session of onnxruntime-web, whichever of its builds it is. */
import { BlindspotError } from '../errors.ts';
import { creationError } from './ort_errors.ts';
import { OrtSession } from './ort_session.ts';
import { checkThreads, type Session, type SessionOptions } from './session.ts';

export type OnnxRuntimeWeb = typeof import('onnxruntime-web/wasm');

export interface WebSessionOptions extends SessionOptions {
  /** Where the .wasm and .mjs files of onnxruntime-web are served; default: beside the bundle. */
  assets?: string;
}

/** @throws INVALID_ARGUMENT, INVALID_MODEL, PROVIDER_UNAVAILABLE. */
export async function createWebSession(
  loadRuntime: () => Promise<OnnxRuntimeWeb>,
  provider: 'wasm' | 'webgpu',
  model: Uint8Array,
  options: WebSessionOptions,
): Promise<Session> {
  const wanted = checkThreads(options.threads ?? 1);
  if (model.byteLength === 0) throw new BlindspotError('INVALID_MODEL', 'Not an ONNX model: it is empty');
  const threads = sharedMemoryAllowed() ? wanted : 1;
  const ort = await loadRuntime();
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

function sharedMemoryAllowed(): boolean {
  return (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
}
