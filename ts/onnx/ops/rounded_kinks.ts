/**
 * Kinks rounded in the backward pass alone. A network of ReLU and max-pooling is piecewise linear, and its gradient says
 * nothing beyond the piece that the point lies on. With a width w, an image each,
 *
 *     ReLU       the step 1[x > 0] becomes a ramp from -2w to 2w; so do those of PReLU, Clip, HardSigmoid and HardSwish, at
 *                their bounds, and of Max and Min, in the difference of both
 *     MaxPool    the winner's 1 becomes softmax(x/w) over the window (soft_max_pool.ts)
 *
 * as if the values had been spread a little; what the network answers stays as it is. w is `smoothing` (an input of the
 * graph, [N, 1]) times the root mean square of the values there, an image each. Where it is 0, the gradient is exact.
 */
import { reshapeTo } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import type { VjpContext } from '../op_rule.ts';
import { elementCount, isStatic, type Shape } from '../shape.ts';
import type { Value } from '../value.ts';

/** 1/w where w is 0: large enough to tell any two values apart, small enough for their products to stay finite. */
const SHARPEST = 1e20;

export interface Rounding {
  /** w, [N, 1, …] in the rank of the values. */
  readonly width: Value;
  /** 1/w, finite. */
  readonly sharpness: Value;
  /** 1/2 where there is rounding, 0 where there is none, in the same shape. */
  readonly half: Value;
}

/** undefined when nothing is to be rounded, or the rows of x are not the images. */
export function roundingOf(
  { graph, smoothing }: Pick<VjpContext, 'graph' | 'smoothing'>,
  x: Value,
): Rounding | undefined {
  const [batch, ...row] = x.shape;
  if (smoothing === undefined || batch === undefined || batch !== smoothing.shape[0] || x.type !== smoothing.type)
    return undefined;
  if (!isStatic(row) || row.length === 0) return undefined;
  const shape: Shape = [batch, ...row.map(() => 1)];
  const axes = row.map((_, i) => i + 1);
  const asked = reshapeTo(graph, smoothing, shape);
  const norm = graph.op('ReduceL2', [x], { axes });
  const width = graph.mul(graph.mul(asked, norm), graph.scalar(1 / Math.sqrt(elementCount(row)), x.type));
  const sharpness = graph.div(graph.scalar(1, x.type), graph.add(width, graph.scalar(1 / SHARPEST, x.type)));
  const rounded = graph.greater(asked, graph.scalar(0, x.type));
  const half = graph.where(rounded, graph.scalar(0.5, x.type), graph.scalar(0, x.type));
  return { width, sharpness, half };
}

/** The step at 0 as a ramp: 0 below, 1 above. */
export function ramp(graph: GraphBuilder, x: Value, { sharpness, half }: Rounding): Value {
  const slope = graph.mul(sharpness, graph.scalar(0.25, x.type));
  const line = graph.add(graph.mul(x, slope), half);
  return graph.op('Clip', [line, graph.scalar(0, x.type), graph.scalar(1, x.type)]);
}
