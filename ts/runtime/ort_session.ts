/**
 * Session over an ONNX Runtime InferenceSession of either platform. Only types are imported here.
 *
 * Three traps are closed. One tensor as input and output at once gives wrong numbers silently, so it is an error.
 * onnxruntime-web leaves pre-allocated CPU outputs at zero, so there the outputs are allocated and copied.
 * onnxruntime-node fills them, and then answers a copy of each in new memory (1.30): the copy is freed at once, or 64 MB of
 * them would go through the caches and the garbage collector over and over (a quarter of the time of a small network).
 */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web';
import { BlindspotError, invalidArgument } from '../errors.ts';
import { freeBuffer } from './free_buffer.ts';
import { runError } from './ort_errors.ts';
import type { ProviderName, Session, Tensor, TensorInfo } from './session.ts';
import { NUMERIC_TYPES, toElementType, toFloat32 } from './tensor_values.ts';

/** What differs between onnxruntime-node and onnxruntime-web. */
export interface OrtBinding {
  readonly provider: ProviderName;
  readonly threads: number;
  /** `type` is one of NUMERIC_TYPES, `data` of the array that it wants. */
  readonly makeTensor: (type: string, data: ArrayBufferView, dims: readonly number[]) => OrtTensor;
  /** Whether the runtime writes into outputs that it is given. */
  readonly writesInPlace: boolean;
}

export class OrtSession implements Session {
  readonly provider: ProviderName;
  readonly threads: number;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly #binding: OrtBinding;
  readonly #session: InferenceSession;
  readonly #ortTensors = new WeakMap<Tensor, OrtTensor>();
  readonly #inputTypes: ReadonlyMap<string, string>;
  readonly #outputTypes: ReadonlyMap<string, string>;
  readonly #allOutputs: Readonly<Record<string, null>>;
  #released = false;

  constructor(session: InferenceSession, binding: OrtBinding) {
    this.#session = session;
    this.#binding = binding;
    this.provider = binding.provider;
    this.threads = binding.threads;
    this.inputs = session.inputMetadata.map(tensorInfo);
    this.outputs = session.outputMetadata.map(tensorInfo);
    this.#inputTypes = new Map(this.inputs.map((input) => [input.name, input.type]));
    this.#outputTypes = new Map(this.outputs.map((output) => [output.name, output.type]));
    const floats = this.outputs.filter((output) => output.type === 'float32');
    this.#allOutputs = Object.fromEntries(floats.map((output) => [output.name, null]));
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: Readonly<Record<string, Tensor | null>> = this.#allOutputs,
  ): Promise<Record<string, Tensor>> {
    if (this.#released) throw released();
    const ortFeeds: Record<string, OrtTensor> = {};
    for (const name in feeds) {
      const tensor = feeds[name];
      if (tensor !== undefined) ortFeeds[name] = this.#ortTensor(tensor, this.#inputTypes.get(name) ?? 'float32');
    }
    const ortFetches: Record<string, OrtTensor | null> = {};
    for (const name in fetches) {
      const tensor = fetches[name] ?? null;
      this.#checkFetch(name, tensor, feeds);
      ortFetches[name] = tensor === null || !this.#binding.writesInPlace ? null : this.#ortTensor(tensor, 'float32');
    }
    let results: InferenceSession.ReturnType;
    try {
      results = await this.#session.run(ortFeeds, ortFetches);
    } catch (cause) {
      throw this.#released ? released() : runError(cause, this.inputs, feeds);
    }
    return this.#deliver(results as Record<string, OrtTensor>, fetches);
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#session.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #ortTensor(tensor: Tensor, type: string): OrtTensor {
    // What is converted is not kept: the caller may write to `data` between two runs.
    let made = type === 'float32' ? this.#ortTensors.get(tensor) : undefined;
    if (made === undefined) {
      const size = tensor.dims.reduce((product, dim) => product * dim, 1);
      if (size !== tensor.data.length) {
        throw invalidArgument('a tensor', `${size} values for shape [${tensor.dims.join(', ')}]`, tensor.data.length);
      }
      const data = toElementType(tensor.data, type);
      if (data === undefined)
        throw new BlindspotError('INVALID_MODEL', `The model takes ${type}, which holds no pixels`);
      made = this.#binding.makeTensor(type, data, tensor.dims);
      if (type === 'float32') this.#ortTensors.set(tensor, made);
    }
    return made;
  }

  #checkFetch(name: string, tensor: Tensor | null, feeds: Readonly<Record<string, Tensor>>): void {
    const type = this.#outputTypes.get(name);
    if (type === undefined) {
      const known = this.outputs.map((output) => `"${output.name}"`).join(', ');
      throw invalidArgument('fetches', `outputs of the model (${known})`, name);
    }
    if (tensor === null && NUMERIC_TYPES.has(type)) return;
    if (tensor === null || type !== 'float32') {
      throw new BlindspotError('INVALID_MODEL', `The model's output "${name}" is ${type}; only float32 is supported`);
    }
    for (const input in feeds) {
      if (feeds[input]?.data === tensor.data) {
        throw invalidArgument('fetches', `memory for "${name}" apart from that of input "${input}"`, 'the same array');
      }
    }
  }

  #deliver(
    results: Record<string, OrtTensor>,
    fetches: Readonly<Record<string, Tensor | null>>,
  ): Record<string, Tensor> {
    const delivered: Record<string, Tensor> = {};
    for (const name in results) {
      const result = results[name];
      if (result === undefined) continue;
      const wanted = fetches[name];
      // The runtime's own tensor has the two fields of ours: it is handed on as it is.
      if (wanted === null || wanted === undefined) {
        delivered[name] =
          result.type === 'float32'
            ? (result as OrtTensor & { data: Float32Array })
            : { data: toFloat32(result.data as unknown as ArrayBufferView, result.type), dims: result.dims };
      } else {
        if (!this.#binding.writesInPlace) copyInto(name, result, wanted);
        const { data } = result;
        if (ArrayBuffer.isView(data) && data.buffer !== wanted.data.buffer) freeBuffer(data);
        delivered[name] = wanted;
      }
    }
    return delivered;
  }
}

function released(): BlindspotError {
  return new BlindspotError('DISPOSED', 'This session was released: create another one');
}

function copyInto(name: string, result: OrtTensor, wanted: Tensor): void {
  if (result.size !== wanted.data.length) {
    throw new BlindspotError(
      'MODEL_DATA_MISMATCH',
      `Output "${name}" has shape [${result.dims.join(', ')}] but was given memory of shape [${wanted.dims.join(', ')}]`,
    );
  }
  wanted.data.set(result.data as Float32Array);
}

function tensorInfo(metadata: InferenceSession.ValueMetadata): TensorInfo {
  if (!metadata.isTensor) {
    throw new BlindspotError(
      'INVALID_MODEL',
      `The model's "${metadata.name}" is not a tensor; only tensors are supported`,
    );
  }
  return { name: metadata.name, type: metadata.type, shape: metadata.shape };
}
