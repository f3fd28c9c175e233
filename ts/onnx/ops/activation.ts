/** Activation functions. Slopes are written by the output where that saves a function evaluation. */
import { sumToShape } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { nodeError, numberAttribute, type OpRule, requireInput, type VectorJacobianProduct } from '../op_rule.ts';
import { broadcastShapes, sameShape } from '../shape.ts';
import type { Value } from '../value.ts';
import { inferSame, inferSameFloat } from './elementwise.ts';
import { type Rounding, ramp, roundingOf } from './rounded_kinks.ts';
import { softMaximum } from './soft_max_pool.ts';

function activation(attributes: OpRule['attributes'], vjp: VectorJacobianProduct): OpRule {
  return { inputs: [1, 1], attributes, infer: inferSameFloat, vjp };
}

function roundingKinks(
  roundsKinks: 'leads' | 'follows',
  attributes: OpRule['attributes'],
  vjp: VectorJacobianProduct,
): OpRule {
  return { ...activation(attributes, vjp), roundsKinks };
}

/** σ' = σ(1-σ) */
export const SIGMOID = activation({}, ({ graph, cotangent, output }) => {
  const y = output(0);
  return [graph.mul(cotangent, graph.mul(y, graph.sub(graph.scalar(1, y.type), y)))];
});

/** tanh' = 1 - tanh² */
export const TANH = activation({}, ({ graph, cotangent, output }) => {
  const y = output(0);
  return [graph.mul(cotangent, graph.sub(graph.scalar(1, y.type), graph.mul(y, y)))];
});

/** Slope 0 at 0. */
export const RELU = roundingKinks('leads', {}, (context) => {
  const { graph, cotangent, input, output } = context;
  const rounding = roundingOf(context, input(0));
  if (rounding) return [graph.mul(cotangent, ramp(graph, softMaximum(context, input(0)), rounding))];
  const zero = graph.scalar(0, cotangent.type);
  return [graph.where(graph.greater(output(0), zero), cotangent, zero)];
});

export const LEAKY_RELU = roundingKinks('leads', { alpha: 'float' }, (context) => {
  const { graph, node, cotangent, input } = context;
  const alpha = numberAttribute(node, 'alpha', 0.01);
  const { type } = cotangent;
  const rounding = roundingOf(context, input(0));
  if (rounding) {
    const step = graph.mul(ramp(graph, input(0), rounding), graph.scalar(1 - alpha, type));
    return [graph.mul(cotangent, graph.add(step, graph.scalar(alpha, type)))];
  }
  const slope = graph.where(
    graph.greater(input(0), graph.scalar(0, type)),
    graph.scalar(1, type),
    graph.scalar(alpha, type),
  );
  return [graph.mul(cotangent, slope)];
});

/** y = x > 0 ? x : slope·x */
export const PRELU: OpRule = {
  inputs: [2, 2],
  attributes: {},
  infer: (node) => {
    const x = requireInput(node, 0);
    const shape = broadcastShapes(x.shape, requireInput(node, 1).shape);
    if (!shape || !sameShape(shape, x.shape)) throw nodeError(node, 'the slope does not broadcast to the input');
    return inferSameFloat(node);
  },
  vjp: (context) => {
    const { graph, cotangent, input, wants } = context;
    const zero = graph.scalar(0, cotangent.type);
    const positive = graph.greater(input(0), zero);
    const rounding = roundingOf(context, input(0));
    const rounded = (): Value | undefined => {
      if (!rounding) return undefined;
      const rest = graph.sub(graph.scalar(1, cotangent.type), input(1));
      return graph.mul(cotangent, graph.add(input(1), graph.mul(ramp(graph, input(0), rounding), rest)));
    };
    return [
      wants(0) ? (rounded() ?? graph.where(positive, cotangent, graph.mul(cotangent, input(1)))) : undefined,
      wants(1)
        ? sumToShape(graph, graph.where(positive, zero, graph.mul(cotangent, input(0))), input(1).shape)
        : undefined,
    ];
  },
  roundsKinks: 'follows',
};

/** y = α(eˣ-1) for x < 0, so that y' = y + α */
export const ELU = activation({ alpha: 'float' }, ({ graph, node, cotangent, input, output }) => {
  const { type } = cotangent;
  const slope = graph.add(output(0), graph.scalar(numberAttribute(node, 'alpha', 1), type));
  return [graph.where(graph.greater(input(0), graph.scalar(0, type)), cotangent, graph.mul(cotangent, slope))];
});

/** 1 between two bounds and 0 outside, with ramps at both (or one); 1 at a bound that is not rounded. */
function between(graph: GraphBuilder, x: Value, low: Value | undefined, high: Value | undefined, r: Rounding): Value {
  const inside = low ? graph.sub(graph.scalar(1, x.type), ramp(graph, graph.sub(low, x), r)) : graph.scalar(1, x.type);
  return high ? graph.sub(inside, ramp(graph, graph.sub(x, high), r)) : inside;
}

/** y = max(0, min(1, αx+β)) */
export const HARD_SIGMOID = roundingKinks('follows', { alpha: 'float', beta: 'float' }, (context) => {
  const { graph, node, cotangent, input, output } = context;
  const { type } = cotangent;
  const [alpha, beta] = [numberAttribute(node, 'alpha', 0.2), numberAttribute(node, 'beta', 0.5)];
  const sloped = graph.mul(cotangent, graph.scalar(alpha, type));
  const rounding = alpha > 0 ? roundingOf(context, input(0)) : undefined;
  if (rounding) {
    const bounds = [-beta / alpha, (1 - beta) / alpha].map((at) => graph.scalar(at, type));
    return [graph.mul(sloped, between(graph, input(0), bounds[0], bounds[1], rounding))];
  }
  const zero = graph.scalar(0, type);
  const belowOne = graph.where(graph.op('Less', [output(0), graph.scalar(1, type)]), sloped, zero);
  return [graph.where(graph.greater(output(0), zero), belowOne, zero)];
});

/** y = x·max(0, min(1, x/6+1/2)): slope 0, x/3+1/2, 1; it jumps at -3 and 3. */
export const HARD_SWISH = roundingKinks('follows', {}, (context) => {
  const { graph, cotangent, input } = context;
  const { type } = cotangent;
  const x = input(0);
  const middle = graph.add(graph.mul(x, graph.scalar(1 / 3, type)), graph.scalar(0.5, type));
  const [low, high] = [-3, 3].map((at) => graph.scalar(at, type)) as [Value, Value];
  const rounding = roundingOf(context, x);
  if (rounding) {
    const above = ramp(graph, graph.sub(x, high), rounding);
    const slope = graph.add(graph.mul(middle, between(graph, x, low, high, rounding)), above);
    return [graph.mul(cotangent, slope)];
  }
  const upper = graph.where(graph.op('Less', [x, high]), middle, graph.scalar(1, type));
  const slope = graph.where(graph.greater(x, low), upper, graph.scalar(0, type));
  return [graph.mul(cotangent, slope)];
});

/** log(1+eˣ)' = σ(x) */
export const SOFTPLUS = activation({}, ({ graph, cotangent, input }) => [
  graph.mul(cotangent, graph.op('Sigmoid', [input(0)])),
]);

/** The slope is 1 where nothing was clipped. Bounds are taken as constants of the model. */
export const CLIP: OpRule = {
  inputs: [1, 3],
  attributes: {},
  infer: inferSame,
  vjp: (context) => {
    const { graph, node, cotangent, input, output } = context;
    const rounding = roundingOf(context, input(0));
    if (rounding) return [graph.mul(cotangent, between(graph, input(0), node.inputs[1], node.inputs[2], rounding))];
    const kept = graph.op('Equal', [input(0), output(0)]);
    return [graph.where(kept, cotangent, graph.scalar(0, cotangent.type))];
  },
  roundsKinks: 'follows',
};
