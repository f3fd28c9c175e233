/** Operators that keep every element where it is in memory: their adjoint is a reshape back; and Expand. */
import { reshapeTo, sumToShape } from '../cotangent_shape.ts';
import {
  type NodeContext,
  nodeError,
  numberAttribute,
  type OpRule,
  requireConstantNumbers,
  requireInput,
  type VectorJacobianProduct,
} from '../op_rule.ts';
import {
  broadcastShapes,
  type Dim,
  divideDims,
  elementCount,
  formatShape,
  isStatic,
  normalizeAxis,
  type Shape,
} from '../shape.ts';
import type { Tensor } from '../tensor.ts';

const reshapeBack: VectorJacobianProduct = ({ graph, cotangent, input }) => [
  reshapeTo(graph, cotangent, input(0).shape),
];

function reshapingRule(
  inputs: [number, number],
  attributes: OpRule['attributes'],
  shapeOf: (node: NodeContext) => Dim[],
): OpRule {
  return {
    inputs,
    attributes,
    infer: (node) => [{ type: requireInput(node, 0).type, shape: shapeOf(node) }],
    fold: (node, [a]) => relabel(a, shapeOf(node)),
    vjp: reshapeBack,
  };
}

function relabel(tensor: Tensor | undefined, shape: Shape): Tensor | undefined {
  return tensor && isStatic(shape) ? { ...tensor, shape } : undefined;
}

export const RESHAPE = reshapingRule([2, 2], { allowzero: 'int' }, (node) => {
  const { shape } = requireInput(node, 0);
  const target = requireInput(node, 1).content;
  if (!target)
    throw nodeError(node, 'the target shape must follow from constants and shapes, but is computed from data');
  if (numberAttribute(node, 'allowzero', 0) && target.includes(0))
    throw nodeError(node, 'empty tensors are not supported');
  const result = target.map((dim, i) => (dim === 0 ? (shape[i] ?? 1) : dim));
  const total = elementCount(shape);
  const hole = result.indexOf(-1);
  if (hole >= 0) {
    const known = elementCount(result.filter((_, i) => i !== hole));
    const rest = divideDims(total, known);
    if (rest === undefined) throw nodeError(node, `cannot reshape to ${formatShape(target)}`);
    result[hole] = rest;
  } else if (elementCount(result) !== total) {
    throw nodeError(node, `cannot reshape ${total} elements to ${formatShape(target)}`);
  }
  return result;
});

/** To a matrix: axes before `axis` become rows. */
export const FLATTEN = reshapingRule([1, 1], { axis: 'int' }, (node) => {
  const { shape } = requireInput(node, 0);
  const axis = numberAttribute(node, 'axis', 1);
  const cut = axis < 0 ? axis + shape.length : axis;
  if (cut < 0 || cut > shape.length) throw nodeError(node, `axis ${axis} is out of range`);
  return [elementCount(shape.slice(0, cut)), elementCount(shape.slice(cut))];
});

export const SQUEEZE = reshapingRule([1, 2], {}, (node) => {
  const { shape } = requireInput(node, 0);
  if (!node.inputs[1]) return shape.filter((dim) => dim !== 1);
  const axes = requireConstantNumbers(node, 1, 'axes').map((axis) => normalizeAxis(axis, shape.length));
  for (const axis of axes) {
    if (axis === undefined || shape[axis] !== 1) throw nodeError(node, `cannot squeeze axes [${axes.join(', ')}]`);
  }
  return shape.filter((_, i) => !axes.includes(i));
});

export const UNSQUEEZE = reshapingRule([2, 2], {}, (node) => {
  const rest = [...requireInput(node, 0).shape];
  const given = requireConstantNumbers(node, 1, 'axes');
  const rank = rest.length + given.length;
  const axes = given.map((axis) => normalizeAxis(axis, rank));
  if (axes.includes(undefined) || new Set(axes).size !== axes.length) {
    throw nodeError(node, `axes [${given.join(', ')}] are out of range or repeated`);
  }
  return Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : (rest.shift() ?? 1)));
});

/** Broadcasts to a shape; both sides broadcast. */
export const EXPAND: OpRule = {
  inputs: [2, 2],
  attributes: {},
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    const target = requireInput(node, 1).content;
    if (!target)
      throw nodeError(node, 'the target shape must follow from constants and shapes, but is computed from data');
    const result = broadcastShapes(shape, target);
    if (!result) throw nodeError(node, `does not broadcast to ${formatShape(target)}`);
    return [{ type, shape: result }];
  },
  vjp: ({ graph, cotangent, input }) => [sumToShape(graph, cotangent, input(0).shape)],
};
