/** Constant tensors: weights, and the small integers that shape a graph. Row-major. */
import { dataFromNumbers, type ElementType, type TensorData } from './element_type.ts';
import { rowMajorStrides } from './shape.ts';

export interface Tensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Never written to after construction: graphs share it. */
  readonly data: TensorData;
}

export function tensorFromNumbers(type: ElementType, values: ArrayLike<number>, shape: readonly number[]): Tensor {
  return { type, shape, data: dataFromNumbers(type, values) };
}

/** The elements as numbers; int64 beyond 2^53 loses digits, which no shape or axis reaches. */
export function tensorNumbers(tensor: Tensor): number[] {
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** Axes permuted: result axis i is axis permutation[i] of the tensor. */
export function transposeTensor(tensor: Tensor, permutation: readonly number[]): Tensor {
  const shape = permutation.map((axis) => tensor.shape[axis] ?? 1);
  const sourceStrides = rowMajorStrides(tensor.shape);
  const strides = permutation.map((axis) => sourceStrides[axis] ?? 1);
  const data = tensor.data.slice();
  const index = new Array<number>(shape.length).fill(0);
  let source = 0;
  for (let target = 0; target < data.length; target++) {
    data[target] = tensor.data[source] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      source += strides[axis] ?? 0;
      if (next < (shape[axis] ?? 1)) {
        index[axis] = next;
        break;
      }
      source -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return { type: tensor.type, shape, data };
}

/** The same elements in another type. */
export function castTensor(tensor: Tensor, type: ElementType): Tensor {
  return tensor.type === type ? tensor : tensorFromNumbers(type, tensorNumbers(tensor), tensor.shape);
}
