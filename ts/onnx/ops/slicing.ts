/** Taking parts of a tensor, and padding: each is the other's adjoint. */
import { expandTo, filledLike, reshapeTo } from '../cotangent_shape.ts';
import { isFloat } from '../element_type.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import {
  type NodeContext,
  nodeError,
  numberAttribute,
  type OpRule,
  requireConstantNumbers,
  requireInput,
  stringAttribute,
} from '../op_rule.ts';
import { type Dim, elementCount, normalizeAxis } from '../shape.ts';
import { type Tensor, tensorNumbers } from '../tensor.ts';
import type { GraphNode, Value } from '../value.ts';

/** Exporters write 2³¹ - 1, 2⁶³ - 1 or 10⁹ for “to the end”. */
const BEYOND_ANY_BATCH = 1e9;

interface AxisSlice {
  axis: number;
  start: number;
  step: number;
  /** Elements taken. */
  count: number;
  /** Elements of the axis. */
  size: number;
}

/** The slices that take less than the whole axis, by ONNX's rules for clamping. */
function axisSlices(node: NodeContext | GraphNode): AxisSlice[] {
  const { shape } = requireInput(node, 0);
  const starts = requireConstantNumbers(node, 1, 'starts');
  const ends = requireConstantNumbers(node, 2, 'ends');
  const axes = node.inputs[3] ? requireConstantNumbers(node, 3, 'axes') : starts.map((_, i) => i);
  const steps = node.inputs[4] ? requireConstantNumbers(node, 4, 'steps') : starts.map(() => 1);
  const slices: AxisSlice[] = [];
  axes.forEach((given, i) => {
    const axis = normalizeAxis(given, shape.length);
    if (axis === undefined) throw nodeError(node, `axis ${given} is out of range`);
    const [start = 0, end = 0, step = 1] = [starts[i], ends[i], steps[i]];
    const size = shape[axis] ?? 1;
    if (step === 0) throw nodeError(node, 'a step is 0');
    if (typeof size === 'string') {
      if (start === 0 && step === 1 && end >= BEYOND_ANY_BATCH) return;
      throw nodeError(node, `cannot slice the symbolic dimension ${size} (axis ${axis})`);
    }
    const clamp = (at: number, low: number, high: number): number =>
      Math.min(Math.max(at < 0 ? at + size : at, low), high);
    const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
    const to = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
    const count = Math.max(0, Math.ceil((to - from) / step));
    // Of a shape, nothing is a shape, too.
    const isShape = shape.length === 1 && !isFloat(requireInput(node, 0).type);
    if (count === 0 && !isShape)
      throw nodeError(node, `takes nothing of axis ${axis}; empty tensors are not supported`);
    if (count < size || step !== 1) slices.push({ axis, start: from, step, count, size });
  });
  return slices;
}

function padAxis(graph: GraphBuilder, value: Value, axis: number, before: number, after: number): Value {
  if (before === 0 && after === 0) return value;
  const rank = value.shape.length;
  const pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = before;
  pads[rank + axis] = after;
  return graph.op('Pad', [value, graph.ints(pads), graph.scalar(0, value.type)]);
}

function replaceDims(shape: readonly Dim[], axis: number, ...dims: Dim[]): Dim[] {
  return [...shape.slice(0, axis), ...dims, ...shape.slice(axis + 1)];
}

/** Puts the elements back where the slice took them from, zeros between. */
function unslice(graph: GraphBuilder, value: Value, { axis, start, step, count, size }: AxisSlice): Value {
  const stride = Math.abs(step);
  const first = step > 0 ? start : start + (count - 1) * step;
  let result = value;
  if (step < 0 && count > 1) {
    const inputs = [[-1], [-size - 1], [axis], [-1]].map((values) => graph.ints(values));
    result = graph.op('Slice', [result, ...inputs]);
  }
  let covered = count;
  if (stride > 1 && count > 1) {
    // Each element becomes a row of `stride` elements, the others 0; the surplus after the last is cut or kept.
    result = reshapeTo(graph, result, replaceDims(result.shape, axis, count, 1));
    result = padAxis(graph, result, axis + 1, 0, stride - 1);
    result = reshapeTo(graph, result, replaceDims(value.shape, axis, count * stride));
    covered = count * stride;
    const room = size - first;
    if (covered > room) {
      result = graph.op('Slice', [result, graph.ints([0]), graph.ints([room]), graph.ints([axis])]);
      covered = room;
    }
  }
  return padAxis(graph, result, axis, first, size - first - covered);
}

export const SLICE: OpRule = {
  inputs: [3, 5],
  attributes: {},
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    const result = [...shape];
    for (const { axis, count } of axisSlices(node)) result[axis] = count;
    return [{ type, shape: result }];
  },
  vjp: ({ graph, node, cotangent }) => {
    const slices = axisSlices(node);
    if (slices.every(({ step }) => step === 1)) return [padSlices(graph, cotangent, slices)];
    return [slices.reduce((value, slice) => unslice(graph, value, slice), cotangent)];
  },
};

/** The common case, without steps: one Pad. */
function padSlices(graph: GraphBuilder, cotangent: Value, slices: readonly AxisSlice[]): Value {
  if (slices.length === 0) return cotangent;
  const rank = cotangent.shape.length;
  const pads = new Array<number>(2 * rank).fill(0);
  for (const { axis, start, count, size } of slices) {
    pads[axis] = start;
    pads[rank + axis] = size - start - count;
  }
  return graph.op('Pad', [cotangent, graph.ints(pads), graph.scalar(0, cotangent.type)]);
}

function padsOf(node: NodeContext | GraphNode): number[] {
  const pads = requireConstantNumbers(node, 1, 'pads');
  const rank = requireInput(node, 0).shape.length;
  if (pads.length !== 2 * rank) throw nodeError(node, `expected ${2 * rank} pads but received ${pads.length}`);
  return pads;
}

export const PAD: OpRule = {
  inputs: [2, 3],
  attributes: { mode: 'string' },
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    const pads = padsOf(node);
    const padded = shape.map((dim, i) => {
      const extra = (pads[i] ?? 0) + (pads[shape.length + i] ?? 0);
      if (extra === 0) return dim;
      if (typeof dim === 'string') throw nodeError(node, `cannot pad the symbolic dimension ${dim} (axis ${i})`);
      if (dim + extra <= 0) throw nodeError(node, `nothing is left of axis ${i}`);
      return dim + extra;
    });
    return [{ type, shape: padded }];
  },
  vjp: ({ graph, node, cotangent, input }) => {
    const mode = stringAttribute(node, 'mode', 'constant');
    if (mode !== 'constant') throw nodeError(node, `no derivative for mode "${mode}", only for "constant"`);
    const { shape } = input(0);
    const pads = padsOf(node);
    if (pads.some((pad) => pad < 0)) {
      const opposite = pads.map((pad) => (pad === 0 ? 0 : -pad));
      return [graph.op('Pad', [cotangent, graph.ints(opposite), graph.scalar(0, cotangent.type)])];
    }
    const axes = shape.flatMap((_, i) => (pads[i] || pads[shape.length + i] ? [i] : []));
    if (axes.length === 0) return [cotangent];
    const starts = axes.map((axis) => pads[axis] ?? 0);
    const ends = axes.map((axis) => (pads[axis] ?? 0) + Number(shape[axis]));
    return [graph.op('Slice', [cotangent, graph.ints(starts), graph.ints(ends), graph.ints(axes)])];
  },
};

/** Differentiated for constant indices, as a product with a one-hot matrix. */
/** Beyond, elements are added up one by one rather than by a product of matrices. */
const LARGEST_ONE_HOT = 1_000_000;

export const GATHER: OpRule = {
  inputs: [2, 2],
  attributes: { axis: 'int' },
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    const axis = normalizeAxis(numberAttribute(node, 'axis', 0), shape.length);
    if (axis === undefined) throw nodeError(node, 'axis is out of range');
    return [{ type, shape: replaceDims(shape, axis, ...requireInput(node, 1).shape) }];
  },
  vjp: ({ graph, node, cotangent, input }) => {
    const { shape, type } = input(0);
    const axis = normalizeAxis(numberAttribute(node, 'axis', 0), shape.length) ?? 0;
    const size = shape[axis];
    const known = input(1).constant && tensorNumbers(input(1).constant as Tensor);
    if (!known || typeof size !== 'number' || (known.length > 1 && known.length * size > LARGEST_ONE_HOT)) {
      const count = elementCount(input(1).shape);
      const gathered = reshapeTo(graph, cotangent, replaceDims(shape, axis, count));
      const column = reshapeTo(
        graph,
        input(1),
        shape.map((_, i) => (i === axis ? count : 1)),
      );
      const places = expandTo(graph, column, gathered);
      return [
        graph.op('ScatterElements', [filledLike(graph, input(0), 0), places, gathered], { axis, reduction: 'add' }),
      ];
    }
    const indices = known.map((index) => (index < 0 ? index + size : index));
    const [index = 0] = indices;
    const gathered = reshapeTo(graph, cotangent, replaceDims(shape, axis, indices.length));
    if (indices.length === 1) return [padAxis(graph, gathered, axis, index, size - index - 1)];
    const oneHot = new Float64Array(indices.length * size);
    indices.forEach((at, i) => {
      oneHot[i * size + at] = 1;
    });
    const matrix = graph.constant(type === 'float64' ? oneHot : Float32Array.from(oneHot), [indices.length, size]);
    const order = [...shape.keys()].filter((i) => i !== axis);
    const axisLast = graph.transpose(gathered, [...order, axis]);
    const inverse = shape.map((_, i) => (i === axis ? shape.length - 1 : order.indexOf(i)));
    return [graph.transpose(graph.matmul(axisLast, matrix), inverse)];
  },
};
