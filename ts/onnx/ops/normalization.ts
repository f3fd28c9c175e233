/** Batch normalisation (inference) and local response normalisation. */
import { reshapeTo } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { nodeError, numberAttribute, type OpRule, requireInput } from '../op_rule.ts';
import { elementCount, isStatic } from '../shape.ts';
import { tensorNumbers } from '../tensor.ts';
import type { Value } from '../value.ts';
import { inferSameFloat } from './elementwise.ts';

/** y = scale·(x - mean)/√(var + ε) + bias, each of the four [C], along axis 1. */
export const BATCH_NORMALIZATION: OpRule = {
  inputs: [5, 5],
  attributes: { epsilon: 'float', momentum: 'float', training_mode: 'int' },
  infer: (node) => {
    if (numberAttribute(node, 'training_mode', 0)) {
      throw nodeError(node, 'training mode is not supported; export the model for inference');
    }
    const channels = requireInput(node, 0).shape[1];
    for (let i = 1; i < 5; i++) {
      const { shape } = requireInput(node, i);
      if (shape.length !== 1 || shape[0] !== channels) throw nodeError(node, `input ${i} must be [${channels}]`);
    }
    return inferSameFloat(node);
  },
  vjp: ({ graph, node, cotangent, input, wants }) => {
    const x = input(0);
    const { type } = x;
    const epsilon = numberAttribute(node, 'epsilon', 1e-5);
    const perChannel = [1, Number(x.shape[1]), ...x.shape.slice(2).map(() => 1)];
    const others = [...x.shape.keys()].filter((axis) => axis !== 1);
    const result: (Value | undefined)[] = [];
    const [scale, mean, variance] = [input(1), input(3), input(4)];
    const inverse = inverseDeviation(graph, variance, epsilon);
    const factor = constantProduct(graph, scale, inverse);
    const along = (value: Value): Value => reshapeTo(graph, value, perChannel);
    if (wants(0)) result[0] = graph.mul(cotangent, along(factor));
    if (![1, 2, 3, 4].some(wants)) return result;
    const biasCotangent = graph.reduceSum(cotangent, others, false);
    result[2] = biasCotangent;
    if (wants(3)) result[3] = graph.neg(graph.mul(biasCotangent, factor));
    if (wants(1) || wants(4)) {
      const normal = graph.mul(graph.sub(x, along(mean)), along(inverse));
      const scaleCotangent = graph.reduceSum(graph.mul(cotangent, normal), others, false);
      result[1] = scaleCotangent;
      const slope = graph.mul(graph.mul(scale, graph.mul(inverse, inverse)), graph.scalar(-0.5, type));
      if (wants(4)) result[4] = graph.mul(scaleCotangent, slope);
    }
    return result;
  },
};

/** (var + ε)^-½, computed once when var is a weight. */
function inverseDeviation(graph: GraphBuilder, variance: Value, epsilon: number): Value {
  const { constant, type } = variance;
  if (!constant) return graph.op('Reciprocal', [graph.sqrt(graph.add(variance, graph.scalar(epsilon, type)))]);
  const values = tensorNumbers(constant).map((value) => 1 / Math.sqrt(value + epsilon));
  return graph.constant(type === 'float64' ? Float64Array.from(values) : Float32Array.from(values), constant.shape);
}

function constantProduct(graph: GraphBuilder, a: Value, b: Value): Value {
  if (!a.constant || !b.constant) return graph.mul(a, b);
  const right = tensorNumbers(b.constant);
  const values = tensorNumbers(a.constant).map((value, i) => value * (right[i] ?? 0));
  return graph.constant(a.type === 'float64' ? Float64Array.from(values) : Float32Array.from(values), a.constant.shape);
}

/**
 * y = x·s^-β with s = bias + α/size·Σ x² over a window of channels. With P the windowed mean over channels,
 * x̄ = ȳ·s^-β - 2αβ·x·P'(ȳ·x·s^(-β-1)), where P' is the adjoint of P.
 */
export const LRN: OpRule = {
  inputs: [1, 1],
  attributes: { alpha: 'float', beta: 'float', bias: 'float', size: 'int' },
  infer: inferSameFloat,
  vjp: ({ graph, node, cotangent, input }) => {
    const x = input(0);
    const { type } = x;
    const alpha = numberAttribute(node, 'alpha', 1e-4);
    const beta = numberAttribute(node, 'beta', 0.75);
    const size = numberAttribute(node, 'size', 1);
    const before = Math.floor((size - 1) / 2);
    const after = size - 1 - before;
    const scalar = (value: number): Value => graph.scalar(value, type);
    const squares = channelMean(graph, graph.mul(x, x), size, before, after);
    const s = graph.add(graph.mul(squares, scalar(alpha)), scalar(numberAttribute(node, 'bias', 1)));
    const direct = graph.mul(cotangent, graph.op('Pow', [s, scalar(-beta)]));
    const crossed = channelMean(graph, graph.mul(graph.div(direct, s), x), size, after, before);
    return [graph.sub(direct, graph.mul(graph.mul(x, scalar(2 * alpha * beta)), crossed))];
  },
};

/** The sum over a window of `size` channels, divided by size whatever the border cuts off. */
function channelMean(graph: GraphBuilder, value: Value, size: number, before: number, after: number): Value {
  const [batch = 1, channels = 1, ...spatial] = value.shape;
  if (!isStatic(spatial)) throw new TypeError('LRN needs known sizes');
  const image = reshapeTo(graph, value, [batch, 1, channels, elementCount(spatial)]);
  const pads = [before, 0, after, 0];
  const mean = graph.op('AveragePool', [image], {
    kernel_shape: [size, 1],
    strides: [1, 1],
    pads,
    count_include_pad: 1,
  });
  return reshapeTo(graph, mean, value.shape);
}
