/**
 * A convolution layer as it is run, with zero padding, as a linear operator: x [C, H, W] to y [D, H', W'],
 *   y[d, o] = Σ_{c, u} w[d, c, u]·x[c, o·Δ + u·dilation − pad].
 */
import { invalidArgument } from '../../errors.ts';
import { type Convolution, completeConvolution, type Pair2 } from './convolution_geometry.ts';
import type { LinearOperator } from './linear_operator.ts';

export interface PaddedConvolution extends Convolution {
  /** Zeros above and left; default [0, 0]. */
  readonly padsBegin?: Pair2;
  /** Size of the output, [H', W'], as the padding at the end and the rounding make it. */
  readonly outputSize: Pair2;
}

/** @throws INVALID_ARGUMENT naming the size that does not fit. */
export function convolutionOperator(convolution: PaddedConvolution): LinearOperator {
  const { weights, outputChannels, inputChannels, kernel, inputSize, strides, dilations, groups } =
    completeConvolution(convolution);
  const { padsBegin = [0, 0], outputSize } = convolution;
  const [height, width] = inputSize;
  const [outHeight, outWidth] = outputSize;
  if (!(outHeight >= 1 && outWidth >= 1)) throw invalidArgument('outputSize', 'positive sizes', outputSize.join(' × '));
  const rows = taps(kernel[0], strides[0], dilations[0], padsBegin[0], height, outHeight);
  const columns = taps(kernel[1], strides[1], dilations[1], padsBegin[1], width, outWidth);
  const stride = strides[1];
  const perGroup = inputChannels / groups;
  const filtersPerGroup = outputChannels / groups;

  /** Visits every run of products: weight, first input, first output, length; inputs lie a stride apart. */
  const sweep = (visit: (weight: number, input: number, output: number, length: number) => void): void => {
    for (let d = 0, at = 0; d < outputChannels; d++) {
      const firstChannel = Math.floor(d / filtersPerGroup) * perGroup;
      for (let c = firstChannel; c < firstChannel + perGroup; c++) {
        for (const row of rows) {
          for (const column of columns) {
            const weight = weights[at++] as number;
            if (weight === 0 || column.count <= 0) continue;
            for (let o = row.first; o < row.first + row.count; o++) {
              const line = o * strides[0] + row.offset;
              const input = (c * height + line) * width + column.first * stride + column.offset;
              visit(weight, input, (d * outHeight + o) * outWidth + column.first, column.count);
            }
          }
        }
      }
    }
  };
  return {
    inputSize: inputChannels * height * width,
    outputSize: outputChannels * outHeight * outWidth,
    apply(x, y) {
      y.fill(0);
      sweep((weight, input, output, length) => {
        for (let i = 0; i < length; i++) {
          y[output + i] = (y[output + i] as number) + weight * (x[input + i * stride] as number);
        }
      });
    },
    applyTransposed(y, x) {
      x.fill(0);
      sweep((weight, input, output, length) => {
        for (let i = 0; i < length; i++) {
          x[input + i * stride] = (x[input + i * stride] as number) + weight * (y[output + i] as number);
        }
      });
    },
  };
}

interface Tap {
  /** Input position of output o: o·stride + offset. */
  offset: number;
  /** The outputs first … first + count − 1 are those whose input position lies inside. */
  first: number;
  count: number;
}

function taps(kernel: number, stride: number, dilation: number, pad: number, size: number, outputs: number): Tap[] {
  return Array.from({ length: kernel }, (_, u) => {
    const offset = u * dilation - pad;
    const first = Math.max(0, Math.ceil(-offset / stride));
    const last = Math.min(outputs - 1, Math.floor((size - 1 - offset) / stride));
    return { offset, first, count: Math.max(0, last - first + 1) };
  });
}
