/**
 * Small results of constants alone, computed while the graph is built: exporters write shapes, pads, ranges and indices as
 * arithmetic on constants, of which no data is part. Rounded as the element type rounds.
 */
import { isFloat } from './element_type.ts';
import { type NodeContext, numberAttribute, numbersAttribute } from './op_rule.ts';
import { normalizeAxis, rowMajorStrides } from './shape.ts';
import { type Tensor, tensorFromNumbers, tensorNumbers } from './tensor.ts';
import type { ValueType } from './value.ts';

/** Larger results are left to ONNX Runtime; of floats, which may be weights, only what shapes are computed with. */
const MOST_ELEMENTS = { integers: 65_536, floats: 8 };

interface Operand {
  readonly shape: readonly number[];
  readonly numbers: readonly number[];
}

type Scalar = (...values: number[]) => number;

const elementwise: Readonly<Record<string, Scalar>> = {
  Abs: Math.abs,
  Add: (a = 0, b = 0) => a + b,
  And: (a, b) => Number(a !== 0 && b !== 0),
  Ceil: Math.ceil,
  Equal: (a, b) => Number(a === b),
  Floor: Math.floor,
  Greater: (a = 0, b = 0) => Number(a > b),
  GreaterOrEqual: (a = 0, b = 0) => Number(a >= b),
  Less: (a = 0, b = 0) => Number(a < b),
  LessOrEqual: (a = 0, b = 0) => Number(a <= b),
  Max: Math.max,
  Min: Math.min,
  Mul: (a = 0, b = 0) => a * b,
  Neg: (a = 0) => -a,
  Not: (a) => Number(a === 0),
  Or: (a, b) => Number(a !== 0 || b !== 0),
  Pow: (a = 0, b = 0) => a ** b,
  Sqrt: (a = 0) => Math.sqrt(a),
  Sub: (a = 0, b = 0) => a - b,
  Where: (condition, a = 0, b = 0) => (condition === 0 ? b : a),
  Xor: (a, b) => Number((a !== 0) !== (b !== 0)),
};

const reductions: Readonly<Record<string, (a: number, b: number) => number>> = {
  ReduceMax: Math.max,
  ReduceMin: Math.min,
  ReduceProd: (a, b) => a * b,
  ReduceSum: (a, b) => a + b,
};

/** @param type of the output. @returns undefined where the operator, or the size, is not for here. */
export function foldConstants(
  node: NodeContext,
  inputs: readonly Tensor[],
  { type, shape }: ValueType,
): Tensor | undefined {
  if (!shape.every((dim) => typeof dim === 'number')) return undefined;
  const dims = shape as readonly number[];
  const most = isFloat(type) ? MOST_ELEMENTS.floats : MOST_ELEMENTS.integers;
  const sizes = [dims.reduce((product, dim) => product * dim, 1), ...inputs.map(({ data }) => data.length)];
  if (sizes.some((size) => size > most)) return undefined;
  const operands = inputs.map((tensor): Operand => ({ shape: tensor.shape, numbers: tensorNumbers(tensor) }));
  const numbers = fold(node, operands, dims, isFloat(type));
  // What has no finite answer in numbers is left to be what it is.
  return numbers?.every(Number.isFinite) ? tensorFromNumbers(type, numbers, dims) : undefined;
}

function fold(
  node: NodeContext,
  operands: readonly Operand[],
  shape: readonly number[],
  float: boolean,
): number[] | undefined {
  const [x, second] = operands;
  if (!x) return undefined;
  const scalar = elementwise[node.op];
  if (scalar) {
    const places = operands.map((operand) => broadcastPlaces(operand.shape, shape));
    return elements(shape, (i) => scalar(...operands.map(({ numbers }, k) => numbers[places[k]?.(i) ?? 0] ?? 0)));
  }
  const combine = reductions[node.op];
  if (combine) return reduced(node, x, second, shape, combine);
  switch (node.op) {
    case 'Cast':
      return float
        ? undefined
        : x.numbers.map(numberAttribute(node, 'to', 1) === 9 ? (v) => Number(v !== 0) : Math.trunc);
    case 'Div': {
      if (!second) return undefined;
      const [a, b] = [broadcastPlaces(x.shape, shape), broadcastPlaces(second.shape, shape)];
      return elements(shape, (i) => {
        const ratio = (x.numbers[a(i)] ?? 0) / (second.numbers[b(i)] ?? 1);
        return float ? ratio : Math.trunc(ratio);
      });
    }
    case 'Expand': {
      const place = broadcastPlaces(x.shape, shape);
      return elements(shape, (i) => x.numbers[place(i)] ?? 0);
    }
    case 'Identity':
    case 'Reshape':
    case 'Squeeze':
    case 'Unsqueeze':
    case 'Flatten':
      return [...x.numbers];
    case 'Concat':
      return concatenated(node, operands, shape);
    case 'Gather':
      return second && gathered(node, x, second, shape);
    case 'Slice':
      return sliced(operands, shape);
    default:
      return undefined;
  }
}

/** Calls with each index of a shape, in order. */
function elements(shape: readonly number[], element: (index: readonly number[]) => number): number[] {
  const count = shape.reduce((product, dim) => product * dim, 1);
  const index = new Array<number>(shape.length).fill(0);
  return Array.from({ length: count }, () => {
    const value = element(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 1)) break;
      index[axis] = 0;
    }
    return value;
  });
}

function placeOf(strides: readonly number[], index: readonly number[]): number {
  return strides.reduce((sum, stride, axis) => sum + stride * (index[axis] ?? 0), 0);
}

/** Where an element of the larger shape stands in the smaller one. */
function broadcastPlaces(shape: readonly number[], to: readonly number[]): (index: readonly number[]) => number {
  const strides = rowMajorStrides(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
  const padded = [...new Array<number>(to.length - shape.length).fill(0), ...strides];
  return (index) => placeOf(padded, index);
}

function reduced(
  node: NodeContext,
  x: Operand,
  given: Operand | undefined,
  shape: readonly number[],
  combine: (a: number, b: number) => number,
): number[] | undefined {
  const axes = numbersAttribute(node, 'axes') ?? given?.numbers;
  if (!axes && numberAttribute(node, 'noop_with_empty_axes', 0) !== 0) return undefined;
  const rank = x.shape.length;
  const gone = new Set((axes ?? [...x.shape.keys()]).map((axis) => normalizeAxis(axis, rank)));
  const strides = rowMajorStrides(x.shape.map((dim, axis) => (gone.has(axis) ? 1 : dim)));
  const kept = strides.map((stride, axis) => (gone.has(axis) ? 0 : stride));
  const results = new Array<number | undefined>(shape.reduce((product, dim) => product * dim, 1));
  let at = 0;
  elements(x.shape, (index) => {
    const place = placeOf(kept, index);
    const [before, value] = [results[place], x.numbers[at++] ?? 0];
    results[place] = before === undefined ? value : combine(before, value);
    return 0;
  });
  return results.map((value) => value ?? 0);
}

function concatenated(node: NodeContext, parts: readonly Operand[], shape: readonly number[]): number[] | undefined {
  const axis = normalizeAxis(numberAttribute(node, 'axis', 0), shape.length);
  if (axis === undefined) return undefined;
  return elements(shape, (index) => {
    let at = index[axis] ?? 0;
    for (const { shape: own, numbers } of parts) {
      const size = own[axis] ?? 1;
      if (at < size) {
        const place = index.map((position, i) => (i === axis ? at : position));
        return numbers[placeOf(rowMajorStrides(own), place)] ?? 0;
      }
      at -= size;
    }
    return 0;
  });
}

function gathered(node: NodeContext, x: Operand, indices: Operand, shape: readonly number[]): number[] | undefined {
  const axis = normalizeAxis(numberAttribute(node, 'axis', 0), x.shape.length);
  if (axis === undefined) return undefined;
  const rank = indices.shape.length;
  const [strides, ownStrides] = [rowMajorStrides(x.shape), rowMajorStrides(indices.shape)];
  return elements(shape, (index) => {
    const chosen = indices.numbers[placeOf(ownStrides, index.slice(axis, axis + rank))] ?? 0;
    const at = normalizeAxis(chosen, x.shape[axis] ?? 1) ?? Number.NaN;
    return x.numbers[placeOf(strides, [...index.slice(0, axis), at, ...index.slice(axis + rank)])] ?? Number.NaN;
  });
}

function sliced([x, starts, , axes, steps]: readonly Operand[], shape: readonly number[]): number[] | undefined {
  if (!x || !starts) return undefined;
  const first = new Array<number>(shape.length).fill(0);
  const step = new Array<number>(shape.length).fill(1);
  starts.numbers.forEach((start, i) => {
    const axis = normalizeAxis(axes?.numbers[i] ?? i, shape.length) ?? 0;
    const size = x.shape[axis] ?? 1;
    const by = steps?.numbers[i] ?? 1;
    step[axis] = by;
    first[axis] = Math.min(Math.max(start < 0 ? start + size : start, 0), by > 0 ? size : size - 1);
  });
  const strides = rowMajorStrides(x.shape);
  return elements(shape, (index) => {
    const place = index.map((position, axis) => (first[axis] ?? 0) + position * (step[axis] ?? 1));
    return x.numbers[placeOf(strides, place)] ?? Number.NaN;
  });
}
