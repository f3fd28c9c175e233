/**
 * Evaluates ONNX files of opset 17 in float64 by the definition of each operator: slow, plain, and written apart from
 * the shape and derivative rules that it is the oracle for.
 */
import type { Model, ModelNode } from '../model.ts';
import { readModel } from '../read_model.ts';
import { type Tensor, tensorNumbers } from '../tensor.ts';
import { INDEXING } from './reference_indexing.ts';
import { at, axisIndex, broadcast, broadcastAt, count, make, type ReferenceTensor } from './reference_tensor.ts';
import { averagePool, conv, convTranspose, maxPool, maxUnpool } from './reference_windows.ts';

export type Feeds = Readonly<Record<string, ReferenceTensor>>;

/** @returns the outputs by name. */
export function evaluate(bytes: Uint8Array, feeds: Feeds): Record<string, ReferenceTensor> {
  return evaluateModel(readModel(bytes), feeds);
}

export function evaluateModel(model: Model, feeds: Feeds): Record<string, ReferenceTensor> {
  if (model.opset !== 17) throw new Error(`the reference evaluator knows opset 17, not ${model.opset}`);
  const values = new Map<string, ReferenceTensor>(Object.entries(feeds));
  for (const [name, tensor] of model.initializers) values.set(name, fromTensor(tensor));
  for (const node of model.nodes) {
    const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
    const outputs = evaluateNode(node, inputs);
    node.outputs.forEach((name, i) => {
      const output = outputs[i];
      if (output) values.set(name, output);
    });
  }
  return Object.fromEntries(
    model.outputs.map(({ name }) => {
      const value = values.get(name);
      if (!value) throw new Error(`output ${name} was not computed`);
      return [name, value];
    }),
  );
}

function fromTensor(tensor: Tensor): ReferenceTensor {
  return { shape: [...tensor.shape], data: Float64Array.from(tensorNumbers(tensor)) };
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Halves to even. */
function roundEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** By its Taylor series, or 1 - a continued fraction for large arguments. */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 1; n < 100; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)));
}

const UNARY: Record<string, (x: number, number: (name: string, fallback: number) => number) => number> = {
  Abs: Math.abs,
  Acos: Math.acos,
  Acosh: Math.acosh,
  Asin: Math.asin,
  Asinh: Math.asinh,
  Atan: Math.atan,
  Atanh: Math.atanh,
  Ceil: Math.ceil,
  Cos: Math.cos,
  Cosh: Math.cosh,
  Elu: (x, a) => (x > 0 ? x : a('alpha', 1) * Math.expm1(x)),
  Erf: erf,
  Exp: Math.exp,
  Floor: Math.floor,
  HardSigmoid: (x, a) => Math.max(0, Math.min(1, a('alpha', 0.2) * x + a('beta', 0.5))),
  HardSwish: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)),
  Identity: (x) => x,
  Dropout: (x) => x,
  LeakyRelu: (x, a) => (x > 0 ? x : a('alpha', 0.01) * x),
  Log: Math.log,
  Neg: (x) => -x,
  Not: (x) => (x === 0 ? 1 : 0),
  Reciprocal: (x) => 1 / x,
  Relu: (x) => Math.max(0, x),
  Round: roundEven,
  Sigmoid: sigmoid,
  Sign: Math.sign,
  Sin: Math.sin,
  Sinh: Math.sinh,
  Softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  Sqrt: Math.sqrt,
  Tan: Math.tan,
  Tanh: Math.tanh,
};

const BINARY: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  And: (a, b) => (a && b ? 1 : 0),
  Div: (a, b) => a / b,
  Equal: (a, b) => Number(a === b),
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  Max: Math.max,
  Min: Math.min,
  Mul: (a, b) => a * b,
  Or: (a, b) => (a || b ? 1 : 0),
  PRelu: (a, slope) => (a > 0 ? a : a * slope),
  Pow: (a, b) => a ** b,
  Sub: (a, b) => a - b,
  Xor: (a, b) => Number(a !== b),
};

const REDUCTIONS: Record<string, (values: number[]) => number> = {
  ReduceL2: (v) => Math.sqrt(v.reduce((s, x) => s + x * x, 0)),
  ReduceLogSumExp: (v) => {
    const top = Math.max(...v);
    return top + Math.log(v.reduce((s, x) => s + Math.exp(x - top), 0));
  },
  ReduceMax: (v) => Math.max(...v),
  ReduceMean: (v) => v.reduce((s, x) => s + x, 0) / v.length,
  ReduceMin: (v) => Math.min(...v),
  ReduceProd: (v) => v.reduce((s, x) => s * x, 1),
  ReduceSum: (v) => v.reduce((s, x) => s + x, 0),
  ReduceSumSquare: (v) => v.reduce((s, x) => s + x * x, 0),
};

function evaluateNode(node: ModelNode, inputs: (ReferenceTensor | undefined)[]): ReferenceTensor[] {
  const input = (i: number): ReferenceTensor => {
    const tensor = inputs[i];
    if (!tensor) throw new Error(`${node.op} ${node.name}: input ${i} is missing`);
    return tensor;
  };
  const number = (name: string, fallback: number): number => (node.attributes[name] as number | undefined) ?? fallback;
  const list = (name: string): number[] | undefined => node.attributes[name] as number[] | undefined;
  const numbers = (i: number): number[] => [...input(i).data];
  const unary = UNARY[node.op];
  if (unary) return [{ shape: input(0).shape, data: input(0).data.map((x) => unary(x, number)) }];
  const binary = BINARY[node.op];
  if (binary) {
    const [a, b] = [input(0), input(1)];
    return [make(broadcast(a.shape, b.shape), (i) => binary(broadcastAt(a, i), broadcastAt(b, i)))];
  }
  const reduce = REDUCTIONS[node.op];
  if (reduce) {
    const axes = inputs[1] ? numbers(1) : (list('axes') ?? (number('noop_with_empty_axes', 0) ? [] : undefined));
    return [reduction(input(0), axes, number('keepdims', 1) !== 0, reduce)];
  }
  const indexing = INDEXING[node.op];
  if (indexing)
    return indexing(
      node,
      inputs.map((_, i) => input(i)),
    );
  const x = inputs[0] ?? make([], () => 0);
  const rank = x.shape.length;
  switch (node.op) {
    case 'Cast':
      return [number('to', 1) === 1 || number('to', 1) === 11 ? x : { shape: x.shape, data: x.data.map(Math.trunc) }];
    case 'Clip': {
      const low = inputs[1]?.data[0] ?? Number.NEGATIVE_INFINITY;
      const high = inputs[2]?.data[0] ?? Number.POSITIVE_INFINITY;
      return [{ shape: x.shape, data: x.data.map((v) => Math.min(Math.max(v, low), high)) }];
    }
    case 'Where': {
      const [a, b] = [input(1), input(2)];
      return [make(broadcast(x.shape, a.shape, b.shape), (i) => broadcastAt(broadcastAt(x, i) ? a : b, i))];
    }
    case 'Gemm': {
      const transA = number('transA', 0) !== 0;
      const transB = number('transB', 0) !== 0;
      const c = inputs[2];
      const b = input(1);
      const [m = 1, k = 1] = transA ? [...x.shape].reverse() : x.shape;
      const n = (transB ? b.shape[0] : b.shape[1]) ?? 1;
      return [
        make([m, n], ([i = 0, j = 0]) => {
          let sum = 0;
          for (let l = 0; l < k; l++) sum += at(x, transA ? [l, i] : [i, l]) * at(b, transB ? [j, l] : [l, j]);
          return number('alpha', 1) * sum + (c ? number('beta', 1) * broadcastAt(c, [i, j]) : 0);
        }),
      ];
    }
    case 'MatMul':
      return [matmul(x, input(1))];
    case 'Softmax':
    case 'LogSoftmax':
      return [softmax(x, axisIndex(number('axis', -1), rank), node.op === 'LogSoftmax')];
    case 'Shape':
      return [vector(x.shape)];
    case 'ConstantOfShape': {
      const value = (node.attributes['value'] as Tensor | undefined)?.data[0] ?? 0;
      return [make(numbers(0), () => Number(value))];
    }
    case 'Reshape':
      return [relabel(x, inferTarget(x, numbers(1)))];
    case 'Flatten': {
      const axis = number('axis', 1) < 0 ? number('axis', 1) + rank : number('axis', 1);
      return [relabel(x, [count(x.shape.slice(0, axis)), count(x.shape.slice(axis))])];
    }
    case 'Squeeze': {
      const axes = inputs[1] ? numbers(1).map((axis) => axisIndex(axis, rank)) : undefined;
      return [
        relabel(
          x,
          x.shape.filter((dim, i) => (axes ? !axes.includes(i) : dim !== 1)),
        ),
      ];
    }
    case 'Unsqueeze': {
      const axes = numbers(1).map((axis) => axisIndex(axis, rank + input(1).data.length));
      const shape = [...x.shape];
      for (const axis of axes.sort((a, b) => a - b)) shape.splice(axis, 0, 1);
      return [relabel(x, shape)];
    }
    case 'Expand':
      return [make(broadcast(x.shape, numbers(1)), (i) => broadcastAt(x, i))];
    case 'Transpose': {
      const permutation = list('perm') ?? [...x.shape.keys()].reverse();
      return [
        make(
          permutation.map((axis) => x.shape[axis] ?? 1),
          (i) =>
            at(
              x,
              permutation.map((_, axis) => i[permutation.indexOf(axis)] ?? 0),
            ),
        ),
      ];
    }
    case 'Concat':
      return [
        concat(
          inputs.map((_, i) => input(i)),
          axisIndex(number('axis', 0), rank),
        ),
      ];
    case 'Split': {
      const axis = axisIndex(number('axis', 0), rank);
      const equal = node.outputs.map(() => (x.shape[axis] ?? 1) / node.outputs.length);
      let start = 0;
      return (inputs[1] ? numbers(1) : equal).map((size) => {
        const from = start;
        start += size;
        return make(
          x.shape.map((dim, i) => (i === axis ? size : dim)),
          (i) => at(x, shifted(i, axis, from)),
        );
      });
    }
    case 'Slice':
      return [slice(x, numbers(1), numbers(2), inputs[3] && numbers(3), inputs[4] && numbers(4))];
    case 'Pad': {
      const pads = numbers(1);
      const value = inputs[2]?.data[0] ?? 0;
      const shape = x.shape.map((dim, i) => dim + (pads[i] ?? 0) + (pads[rank + i] ?? 0));
      return [
        make(shape, (i) => {
          const source = i.map((position, axis) => position - (pads[axis] ?? 0));
          return source.every((p, axis) => p >= 0 && p < (x.shape[axis] ?? 0)) ? at(x, source) : value;
        }),
      ];
    }
    case 'Gather': {
      const axis = axisIndex(number('axis', 0), rank);
      const indices = input(1);
      const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
      return [
        make(shape, (i) => {
          const chosen = at(indices, i.slice(axis, axis + indices.shape.length));
          const position = axisIndex(chosen, x.shape[axis] ?? 1);
          return at(x, [...i.slice(0, axis), position, ...i.slice(axis + indices.shape.length)]);
        }),
      ];
    }
    case 'ArgMax': {
      const axis = axisIndex(number('axis', 0), rank);
      const best = (values: number[]): number => values.indexOf(Math.max(...values));
      return [reduction(x, [axis], number('keepdims', 1) !== 0, best)];
    }
    case 'Conv':
      return [conv(node, x, input(1), inputs[2])];
    case 'ConvTranspose':
      return [convTranspose(node, x, input(1), inputs[2])];
    case 'MaxPool':
      return maxPool(node, x);
    case 'MaxUnpool':
      return [maxUnpool(x, input(1), numbers(2))];
    case 'AveragePool':
      return [averagePool(node, x)];
    case 'GlobalAveragePool':
      return [reduction(x, [...x.shape.keys()].slice(2), true, REDUCTIONS['ReduceMean'] ?? (() => 0))];
    case 'BatchNormalization': {
      const [scale, bias, mean, variance] = [input(1), input(2), input(3), input(4)];
      return [
        make(x.shape, (i) => {
          const c = [i[1] ?? 0];
          const normal = (at(x, i) - at(mean, c)) / Math.sqrt(at(variance, c) + number('epsilon', 1e-5));
          return at(scale, c) * normal + at(bias, c);
        }),
      ];
    }
    case 'LRN': {
      const size = number('size', 1);
      const before = Math.floor((size - 1) / 2);
      return [
        make(x.shape, (i) => {
          let squares = 0;
          for (let c = (i[1] ?? 0) - before; c < (i[1] ?? 0) - before + size; c++) {
            if (c >= 0 && c < (x.shape[1] ?? 0))
              squares +=
                at(
                  x,
                  i.map((p, a) => (a === 1 ? c : p)),
                ) ** 2;
          }
          const s = number('bias', 1) + (number('alpha', 1e-4) / size) * squares;
          return at(x, i) / s ** number('beta', 0.75);
        }),
      ];
    }
    default:
      throw new Error(`the reference evaluator does not know ${node.op}`);
  }
}

function vector(values: readonly number[]): ReferenceTensor {
  return { shape: [values.length], data: Float64Array.from(values) };
}

function relabel({ data }: ReferenceTensor, shape: readonly number[]): ReferenceTensor {
  if (count(shape) !== data.length) throw new Error(`cannot reshape ${data.length} elements to [${shape.join(', ')}]`);
  return { shape: [...shape], data };
}

function shifted(index: readonly number[], axis: number, by: number): number[] {
  return index.map((position, i) => (i === axis ? position + by : position));
}

function inferTarget(x: ReferenceTensor, target: readonly number[]): number[] {
  const shape = target.map((dim, i) => (dim === 0 ? (x.shape[i] ?? 1) : dim));
  return shape.map((dim) => (dim === -1 ? x.data.length / -count(shape) : dim));
}

function reduction(
  x: ReferenceTensor,
  given: readonly number[] | undefined,
  keepDims: boolean,
  combine: (values: number[]) => number,
): ReferenceTensor {
  const rank = x.shape.length;
  const axes = given ? given.map((axis) => axisIndex(axis, rank)) : [...x.shape.keys()];
  const kept = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  const window = x.shape.map((dim, i) => (axes.includes(i) ? dim : 1));
  const result = make(kept, (index) => {
    const values: number[] = [];
    make(window, (offset) =>
      values.push(
        at(
          x,
          index.map((p, i) => p + (offset[i] ?? 0)),
        ),
      ),
    );
    return combine(values);
  });
  return keepDims
    ? result
    : relabel(
        result,
        kept.filter((_, i) => !axes.includes(i)),
      );
}

function softmax(x: ReferenceTensor, axis: number, logarithm: boolean): ReferenceTensor {
  const top = reduction(x, [axis], true, (values) => Math.max(...values));
  const exponents = make(x.shape, (i) => Math.exp(at(x, i) - broadcastAt(top, i)));
  const sums = reduction(exponents, [axis], true, (values) => values.reduce((s, v) => s + v, 0));
  return make(x.shape, (i) =>
    logarithm
      ? at(x, i) - broadcastAt(top, i) - Math.log(broadcastAt(sums, i))
      : at(exponents, i) / broadcastAt(sums, i),
  );
}

function matmul(a: ReferenceTensor, b: ReferenceTensor): ReferenceTensor {
  const left = a.shape.length === 1 ? relabel(a, [1, ...a.shape]) : a;
  const right = b.shape.length === 1 ? relabel(b, [...b.shape, 1]) : b;
  const batch = broadcast(left.shape.slice(0, -2), right.shape.slice(0, -2));
  const [rows = 1, inner = 1] = left.shape.slice(-2);
  const columns = right.shape.at(-1) ?? 1;
  const inBatch = (tensor: ReferenceTensor, index: readonly number[]): number[] => {
    const own = tensor.shape.slice(0, -2);
    return own.map((size, i) => (size === 1 ? 0 : (index[index.length - own.length + i] ?? 0)));
  };
  const product = make([...batch, rows, columns], (index) => {
    const stack = index.slice(0, -2);
    const [i = 0, j = 0] = index.slice(-2);
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += at(left, [...inBatch(left, stack), i, k]) * at(right, [...inBatch(right, stack), k, j]);
    }
    return sum;
  });
  const shape = [...batch, ...(a.shape.length > 1 ? [rows] : []), ...(b.shape.length > 1 ? [columns] : [])];
  return relabel(product, shape);
}

function concat(parts: ReferenceTensor[], axis: number): ReferenceTensor {
  const [first] = parts;
  const total = parts.reduce((sum, part) => sum + (part.shape[axis] ?? 1), 0);
  return make(
    (first?.shape ?? []).map((dim, i) => (i === axis ? total : dim)),
    (index) => {
      let position = index[axis] ?? 0;
      for (const part of parts) {
        const size = part.shape[axis] ?? 1;
        if (position < size)
          return at(
            part,
            index.map((p, i) => (i === axis ? position : p)),
          );
        position -= size;
      }
      return Number.NaN;
    },
  );
}

function slice(
  x: ReferenceTensor,
  starts: number[],
  ends: number[],
  axes: number[] = starts.map((_, i) => i),
  steps: number[] = starts.map(() => 1),
): ReferenceTensor {
  const taken = x.shape.map((dim) => Array.from({ length: dim }, (_, i) => i));
  axes.forEach((given, i) => {
    const axis = axisIndex(given, x.shape.length);
    const size = x.shape[axis] ?? 1;
    const step = steps[i] ?? 1;
    const resolve = (v: number): number => (v < 0 ? v + size : v);
    const positions: number[] = [];
    const end = resolve(ends[i] ?? 0);
    let position = step > 0 ? Math.max(0, resolve(starts[i] ?? 0)) : Math.min(size - 1, resolve(starts[i] ?? 0));
    while (position >= 0 && position < size && (step > 0 ? position < end : position > end)) {
      positions.push(position);
      position += step;
    }
    taken[axis] = positions;
  });
  return make(
    taken.map((positions) => positions.length),
    (index) =>
      at(
        x,
        index.map((p, axis) => taken[axis]?.[p] ?? 0),
      ),
  );
}
