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
 * @param matrix [rows, columns], row-major; kept, not copied.
 * @throws INVALID_ARGUMENT when its length is not rows × columns, or either is not a positive whole number.
 */
export function matrixOperator(matrix: ArrayLike<number>, rows: number, columns: number): LinearOperator {
  const isSize = (size: number): boolean => Number.isInteger(size) && size > 0;
  if (!isSize(rows) || !isSize(columns) || matrix.length !== rows * columns) {
    throw invalidArgument('matrix', `${rows} × ${columns} values`, matrix.length);
  }
  return {
    inputSize: columns,
    outputSize: rows,
    apply(input, output) {
      for (let i = 0, at = 0; i < rows; i++) {
        let sum = 0;
        for (let j = 0; j < columns; j++, at++) sum += (matrix[at] as number) * (input[j] as number);
        output[i] = sum;
      }
    },
    applyTransposed(output, input) {
      input.fill(0);
      for (let i = 0, at = 0; i < rows; i++) {
        const factor = output[i] as number;
        for (let j = 0; j < columns; j++, at++) input[j] = (input[j] as number) + factor * (matrix[at] as number);
      }
    },
  };
}
