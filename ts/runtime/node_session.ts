/**
 * ONNX Runtime in Node: onnxruntime-node for cpu, cuda and webgpu (Dawn); the browser's WebAssembly build for wasm,
 * loaded only when asked for.
 *
 * A run blocks the event loop while it computes (measured with 1.30), so shards live in worker threads, one thread
 * each. With more threads, spinning is off: it starves the other workers.
 */
import { BlindspotError } from '../errors.ts';
import { creationError, providerUnavailable } from './ort_errors.ts';
import { OrtSession } from './ort_session.ts';
import { checkThreads, parseProvider, type Session, type SessionOptions } from './session.ts';

type OnnxRuntimeNode = typeof import('onnxruntime-node');

/**
 * @param model an ONNX file's bytes.
 * @throws INVALID_ARGUMENT, PROVIDER_UNAVAILABLE, INVALID_MODEL.
 */
export async function createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const provider = parseProvider(options.provider ?? 'cpu');
  const threads = checkThreads(options.threads ?? 1);
  if (provider === 'wasm') {
    const web = await import('./web_session.ts');
    return web.createSession(model, { ...options, provider });
  }
  if (model.byteLength === 0) throw new BlindspotError('INVALID_MODEL', 'Not an ONNX model: it is empty');
  const ort = await loadOnnxRuntime();
  const known = ort.listSupportedBackends().map((backend) => backend.name);
  if (!known.includes(provider)) {
    throw providerUnavailable(
      provider,
      `onnxruntime-node has ${known.join(', ')} on ${process.platform}-${process.arch}`,
    );
  }
  try {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Errors come back as exceptions; the runtime's own lines on stderr would only repeat them.
      logSeverityLevel: 4,
      ...(options.dimensions === undefined ? {} : { freeDimensionOverrides: options.dimensions }),
      extra: {
        session: {
          intra_op: { allow_spinning: '0' },
          ...(options.cpuFallback === false ? { disable_cpu_ep_fallback: '1' } : {}),
        },
      },
    });
    return new OrtSession(session, {
      provider,
      threads,
      makeTensor: (type, data, dims) => new ort.Tensor(type as 'float32', data as Float32Array, dims),
      writesInPlace: true,
    });
  } catch (cause) {
    throw creationError(provider, cause);
  }
}

/** Version of ONNX Runtime, for reports. */
export async function runtimeVersion(): Promise<string> {
  const ort = await loadOnnxRuntime();
  return ort.env.versions.node ?? ort.env.versions.common;
}

let loading: Promise<OnnxRuntimeNode> | undefined;

function loadOnnxRuntime(): Promise<OnnxRuntimeNode> {
  loading ??= import('onnxruntime-node').then(
    (ort) => {
      ort.env.logLevel = 'fatal';
      return ort;
    },
    (cause: unknown) => {
      throw providerUnavailable('cpu', cause);
    },
  );
  return loading;
}
