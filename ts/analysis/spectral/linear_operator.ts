/** Linear maps known by what they do to a vector, so that a norm needs no matrix. All in float64. */
import { invalidArgument } from '../../errors.ts';

/** y = A·x with A of [outputSize, inputSize]. */
export interface LinearOperator {
  readonly inputSize: number;
  readonly outputSize: number;
  /** output [outputSize] = A·input [inputSize]; overwrites output. */
  apply(input: Float64Array, output: Float64Array): void;
  /** input [inputSize] = Aᵀ·output [outputSize]; overwrites input. */
  applyTransposed(output: Float64Array, input: Float64Array): void;
}

/**
 * A matrix as an operator.
 * @param matrix [rows, columns], row-major; float64 is kept, anything else copied, since one element type is twice as fast.
 * @throws INVALID_ARGUMENT when its length is not rows × columns, or either is not a positive whole number.
 */
export function matrixOperator(matrix: ArrayLike<number>, rows: number, columns: number): LinearOperator {
  const isSize = (size: number): boolean => Number.isInteger(size) && size > 0;
  if (!isSize(rows) || !isSize(columns) || matrix.length !== rows * columns) {
    throw invalidArgument('matrix', `${rows} × ${columns} values`, matrix.length);
  }
  const a = matrix instanceof Float64Array ? matrix : Float64Array.from(matrix);
  return {
    inputSize: columns,
    outputSize: rows,
    apply(input, output) {
      for (let i = 0, at = 0; i < rows; i++, at += columns) output[i] = dotAt(a, at, input);
    },
    applyTransposed(output, input) {
      input.fill(0);
      for (let i = 0, at = 0; i < rows; i++, at += columns) addAt(a, at, output[i] as number, input);
    },
  };
}

/** Σ matrix[at + j]·vector[j], in four sums: one alone would wait for each addition. */
function dotAt(matrix: Float64Array, at: number, vector: Float64Array): number {
  const whole = vector.length - (vector.length % 4);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let j = 0;
  for (; j < whole; j += 4) {
    s0 += (matrix[at + j] as number) * (vector[j] as number);
    s1 += (matrix[at + j + 1] as number) * (vector[j + 1] as number);
    s2 += (matrix[at + j + 2] as number) * (vector[j + 2] as number);
    s3 += (matrix[at + j + 3] as number) * (vector[j + 3] as number);
  }
  for (; j < vector.length; j++) s0 += (matrix[at + j] as number) * (vector[j] as number);
  return s0 + s1 + (s2 + s3);
}

/** vector[j] += factor·matrix[at + j] */
function addAt(matrix: Float64Array, at: number, factor: number, vector: Float64Array): void {
  for (let j = 0; j < vector.length; j++) vector[j] = (vector[j] as number) + factor * (matrix[at + j] as number);
}
