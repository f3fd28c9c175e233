/** Tensors of the reference evaluator: everything is a float64, whatever the declared type. */

export interface ReferenceTensor {
  shape: number[];
  data: Float64Array;
}

export function count(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

export function make(shape: readonly number[], element: (index: number[]) => number): ReferenceTensor {
  const data = new Float64Array(count(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    data[i] = element(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index[axis] = 0;
    }
  }
  return { shape: [...shape], data };
}

/** Element at an index; NaN outside, so that a slip shows. */
export function at({ shape, data }: ReferenceTensor, index: readonly number[]): number {
  let flat = 0;
  for (let i = 0; i < shape.length; i++) {
    const [position = 0, size = 1] = [index[i], shape[i]];
    if (position < 0 || position >= size) return Number.NaN;
    flat = flat * size + position;
  }
  return data[flat] ?? Number.NaN;
}

/** Element at an index of a shape that the tensor broadcasts to. */
export function broadcastAt(tensor: ReferenceTensor, index: readonly number[]): number {
  const offset = index.length - tensor.shape.length;
  return at(
    tensor,
    tensor.shape.map((size, i) => (size === 1 ? 0 : (index[i + offset] ?? 0))),
  );
}

export function broadcast(...shapes: (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) =>
    shapes.reduce((size, shape) => {
      const dim = shape[shape.length - rank + i] ?? 1;
      return dim === 1 ? size : dim;
    }, 1),
  );
}

export function axisIndex(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
