/**
 * Choosing and placing single elements by their indices. Taking is the adjoint of adding into zeros: for y = x[i], x̄ is zeros with ȳ
 * added at i.
 */
import { filledLike, reshapeTo } from '../cotangent_shape.ts';
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
import { type Dim, elementCount, normalizeAxis, type Shape } from '../shape.ts';
import type { GraphNode, Value } from '../value.ts';

function axisOf(node: NodeContext | GraphNode, fallback: number): number {
  const axis = normalizeAxis(numberAttribute(node, 'axis', fallback), requireInput(node, 0).shape.length);
  if (axis === undefined) throw nodeError(node, 'axis is out of range');
  return axis;
}

function addElements(graph: GraphBuilder, like: Value, indices: Value, updates: Value, axis: number): Value {
  return graph.op('ScatterElements', [filledLike(graph, like, 0), indices, updates], { axis, reduction: 'add' });
}

/** y = x at the indices along an axis, the other places as in the indices. */
export const GATHER_ELEMENTS: OpRule = {
  inputs: [2, 2],
  attributes: { axis: 'int' },
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    const indices = requireInput(node, 1).shape;
    axisOf(node, 0);
    if (indices.length !== shape.length) throw nodeError(node, 'data and indices differ in rank');
    return [{ type, shape: indices }];
  },
  vjp: ({ graph, node, cotangent, input }) => [addElements(graph, input(0), input(1), cotangent, axisOf(node, 0))],
};

/** Data with the updates put, or added, at the indices. */
export const SCATTER_ELEMENTS: OpRule = {
  inputs: [3, 3],
  attributes: { axis: 'int', reduction: 'string' },
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    axisOf(node, 0);
    if (requireInput(node, 1).shape.length !== shape.length) throw nodeError(node, 'data and indices differ in rank');
    return [{ type, shape }];
  },
  vjp: ({ graph, node, cotangent, input, wants }) => {
    const axis = axisOf(node, 0);
    const zeros = (): Value => filledLike(graph, input(2), 0);
    const kept = (): Value => graph.op('ScatterElements', [cotangent, input(1), zeros()], { axis });
    return [
      wants(0) ? (reductionOf(node) === 'add' ? cotangent : kept()) : undefined,
      undefined,
      wants(2) ? graph.op('GatherElements', [cotangent, input(1)], { axis }) : undefined,
    ];
  },
};

function reductionOf(node: GraphNode): 'none' | 'add' {
  const reduction = stringAttribute(node, 'reduction', 'none');
  if (reduction !== 'none' && reduction !== 'add') throw nodeError(node, `no derivative for reduction "${reduction}"`);
  return reduction;
}

/** Slices of data at index vectors, the last axis of the indices. */
export const GATHER_ND: OpRule = {
  inputs: [2, 2],
  attributes: { batch_dims: 'int' },
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    const indices = requireInput(node, 1).shape;
    const batch = numberAttribute(node, 'batch_dims', 0);
    const depth = indices[indices.length - 1];
    if (typeof depth !== 'number' || batch + depth > shape.length || batch >= indices.length) {
      throw nodeError(node, 'the indices do not suit the data');
    }
    return [{ type, shape: [...indices.slice(0, -1), ...shape.slice(batch + depth)] }];
  },
  vjp: ({ graph, node, cotangent, input }) => {
    if (numberAttribute(node, 'batch_dims', 0) === 0) {
      const zeros = filledLike(graph, input(0), 0);
      return [graph.op('ScatterND', [zeros, input(1), cotangent], { reduction: 'add' })];
    }
    return [batchedScatter(graph, node, cotangent)];
  },
};

/** With batch axes in front: the data as [batch, elements, rest], each index vector as one number, scattered along axis 1. */
function batchedScatter(graph: GraphBuilder, node: GraphNode, cotangent: Value): Value {
  const [x, indices] = [requireInput(node, 0), requireInput(node, 1)];
  const batch = numberAttribute(node, 'batch_dims', 0);
  const depth = Number(indices.shape[indices.shape.length - 1]);
  const sizes = x.shape.slice(batch, batch + depth);
  if (!sizes.every((size) => typeof size === 'number')) {
    throw nodeError(node, 'no derivative along a symbolic dimension');
  }
  const count = (shape: Shape): Dim => elementCount(shape);
  const [outer, rest] = [count(x.shape.slice(0, batch)), count(x.shape.slice(batch + depth))];
  const picks = count(indices.shape.slice(batch, -1));
  // Negative indices count from the end.
  const vectors = graph.op('Cast', [indices], { to: 7 });
  const size = graph.ints(sizes as number[]);
  const wrapped = graph.where(graph.op('Less', [vectors, graph.scalar(0, 'int64')]), graph.add(vectors, size), vectors);
  const strides = sizes.map((_, i) => (sizes as number[]).slice(i + 1).reduce((product, n) => product * n, 1));
  const flat = graph.reduceSum(graph.mul(wrapped, graph.ints(strides)), [indices.shape.length - 1], false);
  const column = reshapeTo(graph, flat, [outer, picks, 1]);
  const columns = graph.op('Expand', [column, graph.ints([1, 1, Number(rest)])]);
  const rows = reshapeTo(graph, x, [outer, count(sizes), rest]);
  const sum = addElements(graph, rows, columns, reshapeTo(graph, cotangent, [outer, picks, rest]), 1);
  return reshapeTo(graph, sum, x.shape);
}

export const SCATTER_ND: OpRule = {
  inputs: [3, 3],
  attributes: { reduction: 'string' },
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    requireInput(node, 2);
    return [{ type, shape }];
  },
  vjp: ({ graph, node, cotangent, input, wants }) => {
    const adds = reductionOf(node) === 'add';
    const kept = (): Value => graph.op('ScatterND', [cotangent, input(1), filledLike(graph, input(2), 0)]);
    return [
      wants(0) ? (adds ? cotangent : kept()) : undefined,
      undefined,
      wants(2) ? graph.op('GatherND', [cotangent, input(1)]) : undefined,
    ];
  },
};

/** The k largest (or smallest) elements along an axis, and where they are, which is piecewise constant. */
export const TOP_K: OpRule = {
  inputs: [2, 2],
  outputs: [1, 2],
  attributes: { axis: 'int', largest: 'int', sorted: 'int' },
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    const axis = axisOf(node, -1);
    const [k = 0] = requireConstantNumbers(node, 1, 'k');
    const size = shape[axis];
    if (k < 1 || (typeof size === 'number' && k > size)) throw nodeError(node, `k = ${k} does not suit axis ${axis}`);
    const kept = shape.map((dim, i) => (i === axis ? k : dim));
    return [
      { type, shape: kept },
      { type: 'int64', shape: kept },
    ];
  },
  vjp: ({ graph, node, cotangent, input, output }) => [
    addElements(graph, input(0), output(1), cotangent, axisOf(node, -1)),
  ],
};
