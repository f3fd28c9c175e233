/** Bringing cotangents to the shape of the value they belong to. */
import { BlindspotError } from '../errors.ts';
import type { GraphBuilder } from './graph_builder.ts';
import { type Dim, elementCount, formatShape, isStatic, type Shape, sameShape } from './shape.ts';
import type { Value } from './value.ts';

/** Larger constants are made in the graph instead of being stored in the file. */
const MAX_STORED = 65_536;

/**
 * The adjoint of broadcasting: sums over the axes along which a value of `shape` was repeated to make `cotangent`.
 */
export function sumToShape(graph: GraphBuilder, cotangent: Value, shape: Shape): Value {
  if (sameShape(cotangent.shape, shape)) return cotangent;
  const extra = cotangent.shape.length - shape.length;
  const axes: number[] = [];
  cotangent.shape.forEach((dim, i) => {
    if (i < extra || (shape[i - extra] === 1 && dim !== 1)) axes.push(i);
  });
  const onlyLeading = axes.every((axis) => axis < extra);
  const summed = axes.length === 0 ? cotangent : graph.reduceSum(cotangent, axes, !onlyLeading);
  return sameShape(summed.shape, shape) ? summed : reshapeTo(graph, summed, shape);
}

/** Reshapes to a shape that may have symbols, without computing shapes when the graph runs. */
export function reshapeTo(graph: GraphBuilder, value: Value, shape: Shape): Value {
  return sameShape(value.shape, shape) ? value : graph.reshape(value, reshapeTarget(value, shape));
}

function reshapeTarget(value: Value, shape: Shape): number[] {
  let inferred = false;
  return shape.map((dim, i) => {
    if (typeof dim === 'number') return dim;
    if (dim === value.shape[i]) return 0;
    if (!inferred) {
      inferred = true;
      return -1;
    }
    throw new BlindspotError(
      'INVALID_MODEL',
      `Cannot reshape ${formatShape(value.shape)} to ${formatShape(shape)}: more than one unknown dimension moves`,
    );
  });
}

/** A tensor of one repeated element in the shape and type of `like`. */
export function filledLike(graph: GraphBuilder, like: Value, element: number): Value {
  if (isStatic(like.shape) && elementCount(like.shape) <= MAX_STORED) {
    return graph.filled(element, like.shape, like.type);
  }
  const scalar = graph.filled(element, [1], like.type).constant;
  const shape = isStatic(like.shape) ? graph.ints(like.shape) : graph.op('Shape', [like]);
  return graph.op('ConstantOfShape', [shape], scalar ? { value: scalar } : {});
}

/**
 * Repeats `value` (whose axes are 1 where `like` has more) to the shape of `like`. Axes that agree already are left
 * as 1 in the target, so that a symbolic batch needs no shape computation.
 */
export function expandTo(graph: GraphBuilder, value: Value, like: Value): Value {
  if (sameShape(value.shape, like.shape)) return value;
  const target: Dim[] = like.shape.map((dim, i) => (value.shape[i] === dim ? 1 : dim));
  if (value.shape.length !== like.shape.length || !isStatic(target)) {
    const shape = isStatic(like.shape) ? graph.ints(like.shape) : graph.op('Shape', [like]);
    return graph.op('Expand', [value, shape]);
  }
  return graph.op('Expand', [value, graph.ints(target)]);
}
