/**
 * The operator norm of a strided convolution with circular boundary, by its Fourier symbol (Szegedy et al. 2013,
 * section 4.3). On a torus of N × N with stride Δ, a frequency ξ of the output is made from its Δ² aliases in the
 * input, so that the operator falls into blocks, one for each ξ in {0 … N/Δ − 1}²:
 *   ‖W‖ = max_ξ ‖A(ξ)‖,  A(ξ) of [D, C·Δ²] with entries Δ⁻¹·ŵ_{d,c}(ξ + l·N/Δ), l in {0 … Δ − 1}²,
 *   ŵ(ξ) = Σ_u w(u)·exp(−2πi u·ξ/N).
 * The paper prints Δ⁻² for Δ⁻¹ and N² for N; brute force (convolution_symbol.test.ts) agrees with the above. The
 * printed reading is computed too, over the same ξ.
 */
import { BlindspotError } from '../../errors.ts';
import { type CompleteConvolution, type Convolution, completeConvolution, type Pair2 } from './convolution_geometry.ts';
import type { LinearOperator } from './linear_operator.ts';
import { operatorNorm } from './operator_norm.ts';

/** 'derived': Δ⁻¹ and N, the operator norm. 'printed': Δ⁻² and N², as the paper has it. */
export type SymbolReading = 'derived' | 'printed';

export interface CircularNorm {
  norm: number;
  /** The torus: the input size, rounded up to a multiple of the stride. */
  torus: Pair2;
}

export interface CircularNormOptions {
  /** Default 'derived'. */
  reading?: SymbolReading;
  /** Relative; default 1e-6. */
  tolerance?: number;
}

/**
 * Largest singular value over all frequencies, with circular boundary on the input's size.
 * @throws INVALID_ARGUMENT for sizes that do not fit together; NOT_FINITE for weights that are not finite.
 */
export function circularConvolutionNorm(convolution: Convolution, options: CircularNormOptions = {}): CircularNorm {
  const complete = completeConvolution(convolution);
  for (let i = 0; i < complete.weights.length; i++) {
    if (!Number.isFinite(complete.weights[i])) {
      throw new BlindspotError('NOT_FINITE', `Weight ${i} of the convolution is ${String(complete.weights[i])}`);
    }
  }
  const { inputSize, strides, groups } = complete;
  const torus = [0, 1].map((axis) => roundUp(inputSize[axis] ?? 1, strides[axis] ?? 1)) as [number, number];
  const reading = options.reading ?? 'derived';
  const tolerance = options.tolerance ?? 1e-6;
  let norm = 0;
  for (let group = 0; group < groups; group++) {
    for (const block of symbolBlocks(complete, group, torus, reading)) {
      norm = Math.max(norm, operatorNorm(block, { tolerance, verifyUpTo: 0 }).norm);
    }
  }
  return { norm, torus };
}

function roundUp(size: number, step: number): number {
  return Math.ceil(size / step) * step;
}

/** A(ξ) of one group for every ξ; the operator given out is good until the next is asked for. */
function* symbolBlocks(
  convolution: CompleteConvolution,
  group: number,
  torus: Pair2,
  reading: SymbolReading,
): Generator<LinearOperator> {
  const { strides, dilations, kernel, groups } = convolution;
  const filters = convolution.outputChannels / groups;
  const channels = convolution.inputChannels / groups;
  const [strideY, strideX] = strides;
  const aliases = strideY * strideX;
  const columns = channels * aliases;
  const real = new Float64Array(filters * columns);
  const imaginary = new Float64Array(filters * columns);
  const cosines = new Float64Array(kernel[0]);
  const sines = new Float64Array(kernel[0]);
  const block = complexOperator(real, imaginary, filters, columns);
  const factor = reading === 'derived' ? 1 / Math.sqrt(aliases) : 1 / aliases;
  const outY = torus[0] / strideY;
  const outX = torus[1] / strideX;
  const angle = (axis: 0 | 1, frequency: number): number => {
    const period = reading === 'derived' ? torus[axis] : torus[axis] ** 2;
    return (-2 * Math.PI * frequency * dilations[axis]) / period;
  };
  const first = group * filters * channels * kernel[0] * kernel[1];
  for (let x = 0; x < outX; x++) {
    const lines = Array.from({ length: strideX }, (_, l) => rowTransform(convolution, first, angle(1, x + l * outX)));
    for (let y = 0; y < outY; y++) {
      if (reading === 'derived' && isConjugateOfEarlier(x, y, outX, outY)) continue;
      for (let l = 0; l < aliases; l++) {
        const line = lines[l % strideX];
        if (!line) continue;
        const theta = angle(0, y + Math.floor(l / strideX) * outY);
        for (let u = 0; u < kernel[0]; u++) {
          cosines[u] = factor * Math.cos(theta * u);
          sines[u] = factor * Math.sin(theta * u);
        }
        for (let k = 0; k < filters * channels; k++) {
          let re = 0;
          let im = 0;
          for (let u = 0; u < kernel[0]; u++) {
            const c = cosines[u] as number;
            const s = sines[u] as number;
            const a = line.real[k * kernel[0] + u] as number;
            const b = line.imaginary[k * kernel[0] + u] as number;
            re += a * c - b * s;
            im += a * s + b * c;
          }
          real[k * aliases + l] = re;
          imaginary[k * aliases + l] = im;
        }
      }
      yield block;
    }
  }
}

/** Real weights: the block at −ξ is the conjugate of that at ξ, with its columns in another order. */
function isConjugateOfEarlier(x: number, y: number, outX: number, outY: number): boolean {
  const mirrorX = (outX - x) % outX;
  const mirrorY = (outY - y) % outY;
  return mirrorX < x || (mirrorX === x && mirrorY < y);
}

/** Σ_v w[k, u, v]·exp(iθv) for the kernels of a group: [filters·channels, kernel height]. */
function rowTransform(
  { weights, kernel, outputChannels, inputChannels, groups }: CompleteConvolution,
  first: number,
  theta: number,
) {
  const count = (outputChannels / groups) * (inputChannels / groups) * kernel[0];
  const real = new Float64Array(count);
  const imaginary = new Float64Array(count);
  const cosines = Float64Array.from({ length: kernel[1] }, (_, v) => Math.cos(theta * v));
  const sines = Float64Array.from({ length: kernel[1] }, (_, v) => Math.sin(theta * v));
  for (let i = 0, at = first; i < count; i++) {
    for (let v = 0; v < kernel[1]; v++, at++) {
      const weight = weights[at] as number;
      real[i] = (real[i] as number) + weight * (cosines[v] as number);
      imaginary[i] = (imaginary[i] as number) + weight * (sines[v] as number);
    }
  }
  return { real, imaginary };
}

/**
 * A complex matrix A + iB as the real operator [A, −B; B, A] on (real parts, imaginary parts), which has its singular
 * values, each twice.
 */
function complexOperator(real: Float64Array, imaginary: Float64Array, rows: number, columns: number): LinearOperator {
  return {
    inputSize: 2 * columns,
    outputSize: 2 * rows,
    apply(input, output) {
      for (let i = 0, at = 0; i < rows; i++) {
        let re = 0;
        let im = 0;
        for (let j = 0; j < columns; j++, at++) {
          const a = real[at] as number;
          const b = imaginary[at] as number;
          const x = input[j] as number;
          const y = input[columns + j] as number;
          re += a * x - b * y;
          im += b * x + a * y;
        }
        output[i] = re;
        output[rows + i] = im;
      }
    },
    applyTransposed(output, input) {
      input.fill(0);
      for (let i = 0, at = 0; i < rows; i++) {
        const x = output[i] as number;
        const y = output[rows + i] as number;
        for (let j = 0; j < columns; j++, at++) {
          const a = real[at] as number;
          const b = imaginary[at] as number;
          input[j] = (input[j] as number) + a * x + b * y;
          input[columns + j] = (input[columns + j] as number) + a * y - b * x;
        }
      }
    },
  };
}
