/**
 * ONNX Runtime's messages, made into one line a user can act on: source paths, colours, status prefixes and line
 * breaks go, the sentence stays.
 */
import { BlindspotError } from '../errors.ts';
import type { ProviderName, Tensor, TensorInfo } from './session.ts';

const PROVIDER_HELP: Record<ProviderName, string> = {
  cpu: 'onnxruntime-node has no binary for this platform; use the wasm provider',
  cuda:
    "it needs Linux x64 with an NVIDIA driver, CUDA 12 and cuDNN 9, and ONNX Runtime's CUDA libraries: " +
    'run "node node_modules/onnxruntime-node/script/install --onnxruntime-node-install=cuda12", or use the cpu provider',
  webgpu:
    'it needs a graphics driver: Vulkan on Linux (package libvulkan1 and a driver), D3D12 on Windows, Metal on macOS, ' +
    'or a browser with navigator.gpu; otherwise use the cpu or wasm provider',
  wasm: 'it needs WebAssembly with SIMD, and the .wasm file of onnxruntime-web served beside the page',
};

/** How ONNX Runtime says that a driver or a library is missing, rather than that the model is wrong. */
const PROVIDER_FAULT =
  /adapter|backend not found|no available backend|shared library|Failed to load library|WebGPU is not|cuda\w* (failure|error)|webgpuInit/i;

export function providerUnavailable(provider: ProviderName, cause: unknown): BlindspotError {
  return new BlindspotError(
    'PROVIDER_UNAVAILABLE',
    `The ${provider} provider is not available here (${oneLine(cause)}): ${PROVIDER_HELP[provider]}`,
    { cause },
  );
}

/** A session that could not be made: the provider's fault or the model's. */
export function creationError(provider: ProviderName, cause: unknown): BlindspotError {
  const text = oneLine(cause);
  if (PROVIDER_FAULT.test(text)) return providerUnavailable(provider, cause);
  if (/fallback to CPU EP|disable_cpu_ep_fallback/i.test(text)) {
    return new BlindspotError(
      'PROVIDER_UNAVAILABLE',
      `The ${provider} provider lacks an operator of this model, and CPU fallback is off (${text})`,
      { cause },
    );
  }
  if (/protobuf parsing failed|data pointer is null|ERROR_CODE: 7\b|No graph was found/i.test(text)) {
    return new BlindspotError('INVALID_MODEL', 'Not an ONNX model, or a truncated one: it cannot be parsed', { cause });
  }
  return new BlindspotError('INVALID_MODEL', `ONNX Runtime rejects the model: ${text}`, { cause });
}

/**
 * A run that failed. Shapes and names are compared only now, so that a good run pays nothing for it.
 */
export function runError(
  cause: unknown,
  inputs: readonly TensorInfo[],
  feeds: Readonly<Record<string, Tensor>>,
): BlindspotError {
  for (const input of inputs) {
    const fed = feeds[input.name];
    if (fed === undefined) {
      return new BlindspotError(
        'INVALID_ARGUMENT',
        `The model's input "${input.name}" was not given; it takes ${inputs.map((known) => `"${known.name}"`).join(', ')}`,
        { cause },
      );
    }
    if (input.type !== 'float32') {
      return new BlindspotError(
        'INVALID_MODEL',
        `The model's input "${input.name}" is ${input.type}; only float32 inputs are supported`,
        { cause },
      );
    }
    if (!shapeAdmits(input.shape, fed.dims)) {
      return new BlindspotError(
        'MODEL_DATA_MISMATCH',
        `The model's input "${input.name}" has shape [${input.shape.join(', ')}] but received [${fed.dims.join(', ')}]`,
        { cause },
      );
    }
  }
  return new BlindspotError('INVALID_MODEL', `ONNX Runtime could not run the model: ${oneLine(cause)}`, { cause });
}

function shapeAdmits(shape: readonly (number | string)[], dims: readonly number[]): boolean {
  return shape.length === dims.length && shape.every((size, axis) => typeof size === 'string' || size === dims[axis]);
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');

/** The sentence in an ONNX Runtime message. */
export function oneLine(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message
    .replaceAll(COLOUR, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\S*onnxruntime\/(core|contrib_ops)\S*:\d+ .*?(?=\[ONNXRuntimeError\]|was false)/g, '')
    .replaceAll(/\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : /g, '')
    .replace(/^.*?was false\. /, '')
    .replace(/^failed to call OrtRun\(\)\. ERROR_CODE: \d+, ERROR_MESSAGE: /, '')
    .trim()
    .replace(/\.$/, '');
}
