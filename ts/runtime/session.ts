/**
 * What the rest of the house knows of ONNX Runtime: a session takes tensors and gives tensors. How it is made
 * differs by platform: node_session.ts and web_session.ts, which never import each other's runtime.
 */
import { invalidArgument } from '../errors.ts';

/**
 * Float32 values with a shape, row-major. Keep and reuse the object between calls: the runtime's own tensor is
 * remembered for it, so that a call makes neither copies nor objects; but for models of other types, whose values are
 * converted. `data` may be a view over kernel memory; when
 * that memory moves (WebAssembly growth), make a new Tensor.
 */
export interface Tensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export const PROVIDERS = ['cpu', 'cuda', 'webgpu', 'wasm'] as const;

/** cpu, cuda and webgpu in Node; wasm and webgpu in the browser; wasm in Node too (slow, for comparison). */
export type ProviderName = (typeof PROVIDERS)[number];

/** An input or output of the model. Sizes are numbers, or names where the model leaves them open ("N"). */
export interface TensorInfo {
  readonly name: string;
  /** float32, int64, … */
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface SessionOptions {
  /** Default: cpu in Node, wasm in the browser. Never falls back to another. */
  provider?: ProviderName;
  /** Threads inside one operator; default 1, since parallelism is one session a worker. */
  threads?: number;
  /** Sizes for dimensions that the model leaves open, such as { N: 256 }: allows further optimisation. */
  dimensions?: Readonly<Record<string, number>>;
  /** false: an operator without a kernel on a GPU provider is an error instead of running on the CPU. Default true. */
  cpuFallback?: boolean;
}

export interface Session extends AsyncDisposable {
  /** What it runs on. */
  readonly provider: ProviderName;
  /** Threads really used inside an operator. */
  readonly threads: number;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];

  /**
   * One evaluation. Inputs are read without a copy: do not write to them until the promise settles.
   *
   * @param fetches outputs wanted, by name: a tensor is written into and returned, null is allocated, as float32 whatever
   *   numbers the model gives. Default: all
   *   float32 outputs, allocated. An output must not share its memory with an input.
   * @throws MODEL_DATA_MISMATCH for a shape the model does not take; INVALID_ARGUMENT for a missing or unknown name;
   *   DISPOSED after release.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches?: Readonly<Record<string, Tensor | null>>,
  ): Promise<Record<string, Tensor>>;
  /** Frees the runtime's memory; a second call does nothing. */
  release(): Promise<void>;
}

/** The signature both platforms share, so that training and attacks run on either. */
export type SessionFactory = (model: Uint8Array, options?: SessionOptions) => Promise<Session>;

/** @throws INVALID_ARGUMENT listing the names there are. */
export function parseProvider(name: string): ProviderName {
  const provider = PROVIDERS.find((known) => known === name);
  if (provider === undefined) throw invalidArgument('provider', `one of ${PROVIDERS.join(', ')}`, name);
  return provider;
}

/** @throws INVALID_ARGUMENT unless a whole number from 1 to 256. */
export function checkThreads(threads: number): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw invalidArgument('threads', 'a whole number from 1 to 256', threads);
  }
  return threads;
}
