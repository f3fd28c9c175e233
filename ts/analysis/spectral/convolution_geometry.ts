/** What a two-dimensional convolution layer is, as both of its norms need it. */
import { invalidArgument } from '../../errors.ts';

/** Of height and width. */
export type Pair2 = readonly [number, number];

export interface Convolution {
  /** [D, C / groups, kernel height, kernel width], row-major, as in ONNX. */
  readonly weights: ArrayLike<number>;
  /** D: output channels of all groups together. */
  readonly outputChannels: number;
  /** C: input channels of all groups together. */
  readonly inputChannels: number;
  readonly kernel: Pair2;
  /** N: size of the input. */
  readonly inputSize: Pair2;
  /** Δ; default [1, 1]. */
  readonly strides?: Pair2;
  /** Default [1, 1]. */
  readonly dilations?: Pair2;
  /** Default 1; divides both channel counts. */
  readonly groups?: number;
}

export type CompleteConvolution = Required<Convolution>;

/** @throws INVALID_ARGUMENT naming the size that does not fit. */
export function completeConvolution(convolution: Convolution): CompleteConvolution {
  const { strides = [1, 1], dilations = [1, 1], groups = 1, ...given } = convolution;
  const { outputChannels, inputChannels, kernel, inputSize, weights } = given;
  const counts = { outputChannels, inputChannels, groups };
  for (const [name, value] of Object.entries(counts)) checkSize(name, value);
  const pairs = { kernel, inputSize, strides, dilations };
  for (const [name, pair] of Object.entries(pairs)) for (const value of pair) checkSize(name, value);
  if (inputChannels % groups !== 0 || outputChannels % groups !== 0) {
    throw invalidArgument('groups', `a divisor of ${inputChannels} and ${outputChannels} channels`, groups);
  }
  const expected = outputChannels * (inputChannels / groups) * kernel[0] * kernel[1];
  if (weights.length !== expected) throw invalidArgument('weights', `${expected} values`, weights.length);
  return { ...given, strides, dilations, groups };
}

function checkSize(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) throw invalidArgument(name, 'a positive whole number', value);
}
