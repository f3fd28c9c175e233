/**
 * What a binding offers, and nothing more: the functions of blindspot.h with their status codes, and typed arrays over
 * the kernel's memory. The rules (defaults, ranges, errors, disposal) are the same for every binding and stand above
 * this interface, in BackendKernel and its handles.
 */
import type { Status } from './abi.generated.ts';
import type { KernelName } from './kernel.ts';

/** A refusal: any Status but OK. */
export type Refusal = Exclude<Status, 0>;

export interface KernelBackend {
  readonly name: KernelName;
  instructionSet(): string;
  useInstructionSet(name: string): Status;
  /** The option that the last refused create named; '' if none. */
  lastOption(): string;
  /** @param options MINIMIZER_OPTIONS_FIELDS in order. */
  createMinimizer(options: Float64Array): MinimizerBackend | Refusal;
  /** @param options SEARCH_OPTIONS_FIELDS in order. */
  createSearch(options: Float64Array): SearchBackend | Refusal;
  /** NaN for options that createSearch would refuse. */
  searchBytes(options: Float64Array): number;
}

/** No call may follow free. */
export interface MinimizerBackend {
  readonly x: Float64Array | Float32Array;
  readonly gradient: Float64Array | Float32Array;
  readonly lower: Float64Array | Float32Array;
  readonly upper: Float64Array | Float32Array;
  /** MINIMIZER_RESULT_FIELDS in order, as of the last start or tell. */
  readonly result: Float64Array;
  start(): Status;
  tell(f: number): Status;
  free(): void;
}

/** No call may follow free. */
export interface SearchBackend {
  readonly points: Float32Array;
  readonly oneHot: Float32Array;
  readonly sign: Float32Array;
  readonly temperature: Float32Array;
  readonly smoothing: Float32Array;
  readonly logits: Float32Array;
  readonly gradients: Float32Array;
  readonly image: Float32Array;
  readonly start: Float32Array;
  readonly example: Float32Array;
  /** SEARCH_RESULT_FIELDS in order, as of the last take that answered 1. */
  readonly result: Float64Array;
  submit(id: number, label: number, target: number): Status;
  freeLanes(): number;
  ask(): number;
  tell(): Status;
  take(): number;
  free(): void;
}
