/** y = W·x + b with W by rows, zeros left out, so that convolutions and dense layers are alike. In float64. */
export interface AffineMap {
  readonly inputs: number;
  readonly outputs: number;
  /** Row i has the elements starts[i] … starts[i + 1] − 1; [outputs + 1]. */
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float64Array;
  /** b, [outputs]. */
  readonly offset: Float64Array;
}

/** @param row answers the elements of row i that are not zero. */
export function affineMap(
  inputs: number,
  outputs: number,
  row: (i: number, add: (column: number, value: number) => void) => void,
  offset: Float64Array = new Float64Array(outputs),
): AffineMap {
  const starts = new Int32Array(outputs + 1);
  const columns: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < outputs; i++) {
    row(i, (column, value) => {
      if (value === 0) return;
      columns.push(column);
      values.push(value);
    });
    starts[i + 1] = columns.length;
  }
  return { inputs, outputs, starts, columns: Int32Array.from(columns), values: Float64Array.from(values), offset };
}

/** W·x + b, [outputs]. */
export function applyMap({ outputs, starts, columns, values, offset }: AffineMap, x: ArrayLike<number>): Float64Array {
  const y = Float64Array.from(offset);
  for (let i = 0; i < outputs; i++) {
    let sum = 0;
    for (let at = starts[i] as number; at < (starts[i + 1] as number); at++) {
      sum += (values[at] as number) * (x[columns[at] as number] as number);
    }
    y[i] = (y[i] as number) + sum;
  }
  return y;
}

/**
 * The functional a·y of the outputs as one of the inputs: a·(W·x + b) = result·x + constant.
 * @param a [outputs]
 * @returns the constant; result [inputs] is overwritten.
 */
export function pullBack(map: AffineMap, a: Float64Array, result: Float64Array): number {
  const { outputs, starts, columns, values, offset } = map;
  result.fill(0);
  let constant = 0;
  for (let i = 0; i < outputs; i++) {
    const factor = a[i] as number;
    if (factor === 0) continue;
    constant += factor * (offset[i] as number);
    const end = starts[i + 1] as number;
    for (let at = starts[i] as number; at < end; at++) {
      const column = columns[at] as number;
      result[column] = (result[column] as number) + factor * (values[at] as number);
    }
  }
  return constant;
}

/** second(first(x)) */
export function compose(second: AffineMap, first: AffineMap): AffineMap {
  const offset = Float64Array.from(second.offset);
  const sums = new Float64Array(first.inputs);
  return affineMap(
    first.inputs,
    second.outputs,
    (i, add) => {
      sums.fill(0);
      for (let at = second.starts[i] as number; at < (second.starts[i + 1] as number); at++) {
        const middle = second.columns[at] as number;
        const factor = second.values[at] as number;
        offset[i] = (offset[i] as number) + factor * (first.offset[middle] as number);
        for (let inner = first.starts[middle] as number; inner < (first.starts[middle + 1] as number); inner++) {
          const column = first.columns[inner] as number;
          sums[column] = (sums[column] as number) + factor * (first.values[inner] as number);
        }
      }
      for (const [column, value] of sums.entries()) add(column, value);
    },
    offset,
  );
}

export function identityMap(size: number): AffineMap {
  return affineMap(size, size, (i, add) => add(i, 1));
}
