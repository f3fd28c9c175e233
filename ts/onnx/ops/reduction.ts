/** Reductions over axes. At opset 17 ReduceSum takes its axes as an input, the others as an attribute. */
import { expandTo, reshapeTo } from '../cotangent_shape.ts';
import {
  type NodeContext,
  nodeError,
  numberAttribute,
  numbersAttribute,
  type OpRule,
  requireConstantNumbers,
  requireInput,
  type VectorJacobianProduct,
  type VjpContext,
} from '../op_rule.ts';
import { type Dim, elementCount, isStatic, normalizeAxis } from '../shape.ts';
import type { GraphNode, Value, ValueType } from '../value.ts';

/** Means over at most this many elements are spread by one product with a stored constant. */
const MAX_STORED = 16_384;

export function reducedAxes(node: NodeContext | GraphNode): number[] {
  const rank = requireInput(node, 0).shape.length;
  const given = node.inputs[1] ? requireConstantNumbers(node, 1, 'axes') : (numbersAttribute(node, 'axes') ?? []);
  if (given.length === 0) return numberAttribute(node, 'noop_with_empty_axes', 0) ? [] : [...Array(rank).keys()];
  return given.map((axis) => {
    const normal = normalizeAxis(axis, rank);
    if (normal === undefined) throw nodeError(node, `axis ${axis} is out of range`);
    return normal;
  });
}

function inferReduction(node: NodeContext): ValueType[] {
  const { type, shape } = requireInput(node, 0);
  const axes = new Set(reducedAxes(node));
  const kept: Dim[] = shape.map((dim, i) => (axes.has(i) ? 1 : dim));
  return [{ type, shape: numberAttribute(node, 'keepdims', 1) ? kept : kept.filter((_, i) => !axes.has(i)) }];
}

/** The shape of the result with the reduced axes kept as 1. */
function keptShape(node: GraphNode): Dim[] {
  const axes = new Set(reducedAxes(node));
  return requireInput(node, 0).shape.map((dim, i) => (axes.has(i) ? 1 : dim));
}

function reduction(extra: OpRule['attributes'], maxInputs: 1 | 2, vjp: VectorJacobianProduct): OpRule {
  return { inputs: [1, maxInputs], attributes: { keepdims: 'int', ...extra }, infer: inferReduction, vjp };
}

const byAttribute = (vjp: VectorJacobianProduct): OpRule => reduction({ axes: 'ints' }, 1, vjp);

const withKeptAxes = ({ graph, node }: VjpContext, value: Value): Value => reshapeTo(graph, value, keptShape(node));

export const REDUCE_SUM = reduction({ noop_with_empty_axes: 'int' }, 2, (context) => [
  expandTo(context.graph, withKeptAxes(context, context.cotangent), context.input(0)),
]);

export const REDUCE_MEAN = byAttribute((context) => {
  const { graph, node, input } = context;
  const x = input(0);
  const dy = withKeptAxes(context, context.cotangent);
  const axes = reducedAxes(node);
  const sizes = axes.map((axis) => x.shape[axis] ?? 1);
  if (isStatic(sizes)) {
    const count = elementCount(sizes);
    const spread = x.shape.map((dim, i) => (axes.includes(i) && typeof dim === 'number' ? dim : 1));
    if (count <= MAX_STORED) return [graph.mul(dy, graph.filled(1 / count, spread, x.type))];
    return [expandTo(graph, graph.mul(dy, graph.scalar(1 / count, x.type)), x)];
  }
  const dims = graph.op('Gather', [graph.op('Shape', [x]), graph.ints(axes)]);
  const counted = graph.op('ReduceProd', [dims], { keepdims: 0 });
  const count = graph.op('Cast', [counted], { to: x.type === 'float64' ? 11 : 1 });
  return [expandTo(graph, graph.div(dy, count), x)];
});

/** ReduceMax, ReduceMin: elements tied for the extremum share the cotangent equally, which is a subgradient. */
const REDUCE_EXTREMUM = byAttribute((context) => {
  const { graph, cotangent, input, output } = context;
  const { type } = cotangent;
  const axes = reducedAxes(context.node);
  const winner = graph.op('Equal', [input(0), withKeptAxes(context, output(0))]);
  const ones = graph.where(winner, graph.scalar(1, type), graph.scalar(0, type));
  const share = graph.div(withKeptAxes(context, cotangent), graph.reduceSum(ones, axes));
  return [graph.mul(ones, share)];
});

export const REDUCE_MAX = REDUCE_EXTREMUM;
export const REDUCE_MIN = REDUCE_EXTREMUM;

/** ‖x‖' = x / ‖x‖ */
export const REDUCE_L2 = byAttribute((context) => [
  context.graph.mul(
    context.input(0),
    context.graph.div(withKeptAxes(context, context.cotangent), withKeptAxes(context, context.output(0))),
  ),
]);

/** (Σx²)' = 2x */
export const REDUCE_SUM_SQUARE = byAttribute((context) => {
  const { graph, cotangent, input } = context;
  const doubled = graph.mul(withKeptAxes(context, cotangent), graph.scalar(2, cotangent.type));
  return [graph.mul(input(0), doubled)];
});

/** (log Σ eˣ)' = e^(x-y) */
export const REDUCE_LOG_SUM_EXP = byAttribute((context) => {
  const { graph, cotangent, input, output } = context;
  const weights = graph.exp(graph.sub(input(0), withKeptAxes(context, output(0))));
  return [graph.mul(weights, withKeptAxes(context, cotangent))];
});

/**
 * (Π x)' = Π of the others. With p the product of what is not 0 and z the number of zeros: p/x_i where there is none, p at the
 * only zero there is, 0 elsewhere.
 */
export const REDUCE_PROD = byAttribute((context) => {
  const { graph, cotangent, input, node } = context;
  const x = input(0);
  const { type } = cotangent;
  const axes = reducedAxes(node);
  const [zero, one] = [graph.scalar(0, type), graph.scalar(1, type)];
  const isZero = graph.op('Equal', [x, zero]);
  const nonzero = graph.where(isZero, one, x);
  const product = graph.op('ReduceProd', [nonzero], { axes, keepdims: 1 });
  const zeros = graph.reduceSum(graph.where(isZero, one, zero), axes);
  const factor = graph.mul(product, withKeptAxes(context, cotangent));
  const without = graph.where(graph.op('Equal', [zeros, zero]), factor, zero);
  const atOnly = graph.where(graph.op('Equal', [zeros, one]), factor, zero);
  return [graph.where(isZero, atOnly, graph.div(without, nonzero))];
});
