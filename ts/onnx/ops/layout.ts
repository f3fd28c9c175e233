/** Transpose, and joining and splitting along an axis. */
import { filledLike } from '../cotangent_shape.ts';
import {
  type NodeContext,
  nodeError,
  numberAttribute,
  numbersAttribute,
  type OpRule,
  requireConstantNumbers,
  requireInput,
} from '../op_rule.ts';
import { type Dim, isStatic, normalizeAxis, type Shape } from '../shape.ts';
import { transposeTensor } from '../tensor.ts';
import type { GraphNode, Value } from '../value.ts';

function permutationOf(node: NodeContext | GraphNode): readonly number[] {
  const rank = requireInput(node, 0).shape.length;
  const permutation = numbersAttribute(node, 'perm') ?? [...Array(rank).keys()].reverse();
  if (permutation.length !== rank || [...permutation].sort((a, b) => a - b).some((axis, i) => axis !== i)) {
    throw nodeError(node, `perm [${permutation.join(', ')}] is not a permutation of ${rank} axes`);
  }
  return permutation;
}

export const TRANSPOSE: OpRule = {
  inputs: [1, 1],
  attributes: { perm: 'ints' },
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    return [{ type, shape: permutationOf(node).map((axis) => shape[axis] ?? 1) }];
  },
  fold: (node, [a]) => a && transposeTensor(a, permutationOf(node)),
  vjp: ({ graph, node, cotangent }) => {
    const permutation = permutationOf(node);
    return [
      graph.transpose(
        cotangent,
        permutation.map((_, axis) => permutation.indexOf(axis)),
      ),
    ];
  },
};

function axisOf(node: NodeContext | GraphNode, fallback: number): number {
  const rank = requireInput(node, 0).shape.length;
  const axis = numberAttribute(node, 'axis', fallback);
  const normal = normalizeAxis(axis, rank);
  if (normal === undefined) throw nodeError(node, `axis ${axis} is out of range`);
  return normal;
}

/** Symbolic parts add up to nothing nameable, so that only one part may be symbolic when it is alone. */
export const CONCAT: OpRule = {
  inputs: [1, Number.POSITIVE_INFINITY],
  attributes: { axis: 'int' },
  infer: (node) => {
    const first = requireInput(node, 0);
    const axis = axisOf(node, 0);
    let total: Dim = 0;
    for (const input of node.inputs) {
      const { shape, type }: { shape: Shape; type: string } = input ?? first;
      if (type !== first.type || shape.length !== first.shape.length)
        throw nodeError(node, 'parts differ in type or rank');
      if (shape.some((dim, i) => i !== axis && dim !== first.shape[i])) {
        throw nodeError(node, `parts differ in a dimension other than ${axis}`);
      }
      const dim = shape[axis] ?? 1;
      if (typeof dim === 'string' && node.inputs.length > 1) throw nodeError(node, `dimension ${axis} must be known`);
      total = typeof dim === 'string' || typeof total === 'string' ? dim : total + dim;
    }
    return [{ type: first.type, shape: first.shape.map((dim, i) => (i === axis ? total : dim)) }];
  },
  vjp: ({ graph, node, cotangent, input, wants }) => {
    const axis = axisOf(node, 0);
    const sizes: Shape = node.inputs.map((_, i) => input(i).shape[axis] ?? 1);
    if (!isStatic(sizes)) return [cotangent];
    if (sizes.every((_, i) => wants(i))) {
      return sizes.length === 1
        ? [cotangent]
        : graph.ops('Split', [cotangent, graph.ints(sizes)], sizes.length, { axis });
    }
    let start = 0;
    return sizes.map((size, i) => {
      const from = start;
      start += size;
      return wants(i)
        ? graph.op('Slice', [cotangent, graph.ints([from]), graph.ints([start]), graph.ints([axis])])
        : undefined;
    });
  },
};

export const SPLIT: OpRule = {
  inputs: [1, 2],
  outputs: [1, Number.POSITIVE_INFINITY],
  attributes: { axis: 'int' },
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    const axis = axisOf(node, 0);
    const dim = shape[axis];
    if (typeof dim !== 'number') throw nodeError(node, `dimension ${axis} must be known`);
    const equal = new Array<number>(node.outputCount).fill(dim / node.outputCount);
    const sizes = node.inputs[1] ? requireConstantNumbers(node, 1, 'the sizes of the parts') : equal;
    if (
      sizes.length !== node.outputCount ||
      sizes.some((size) => !Number.isInteger(size)) ||
      sizes.reduce((a, b) => a + b, 0) !== dim
    ) {
      throw nodeError(node, `cannot split ${dim} into [${sizes.join(', ')}]`);
    }
    return sizes.map((size) => ({ type, shape: shape.map((other, i) => (i === axis ? size : other)) }));
  },
  vjp: ({ graph, node, cotangents, output }) => {
    const parts: Value[] = node.outputs.map((_, i) => cotangents[i] ?? filledLike(graph, output(i), 0));
    return [parts.length === 1 ? parts[0] : graph.op('Concat', parts, { axis: axisOf(node, 0) })];
  },
};
