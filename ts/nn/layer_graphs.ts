/** What the layers compute that take more than one operator. */
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';
import type { ActivationLayer, ResponseNormLayer } from './layers.ts';

const LEAK = 0.1;

export function activate(graph: GraphBuilder, x: Value, type: ActivationLayer['type']): Value {
  switch (type) {
    case 'sigmoid':
      return graph.op('Sigmoid', [x]);
    case 'relu':
      return graph.op('Relu', [x]);
    case 'tanh':
      return graph.op('Tanh', [x]);
    case 'leaky-relu':
      return graph.op('LeakyRelu', [x], { alpha: LEAK });
    case 'relu6':
      return graph.op('Clip', [x, graph.scalar(0), graph.scalar(6)]);
    default: {
      const erf = graph.op('Erf', [graph.mul(x, graph.scalar(Math.SQRT1_2))]);
      return graph.mul(graph.mul(x, graph.scalar(0.5)), graph.add(erf, graph.scalar(1)));
    }
  }
}

/** Added to a variance, as in ONNX by default. */
const EPSILON = 1e-5;
/** Share of the old running mean that is kept at a step. */
const MEMORY = 0.9;

/**
 * scale·(x − mean)/√(variance + ε) + shift, of each channel.
 *
 * @param x [N, channels] or [N, channels, height, width].
 * @param options `next`: while training, takes the running means after this batch; mean and variance are then the batch's.
 */
export function normalise(
  graph: GraphBuilder,
  x: Value,
  parameter: (part: string) => Value,
  options: { name: string; next: ((part: string, value: Value) => unknown) | undefined },
): Value {
  const [scale, shift, mean, variance] = ['scale', 'shift', 'mean', 'variance'].map(parameter) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const { name, next } = options;
  if (next === undefined) {
    return graph.op('BatchNormalization', [x, scale, shift, mean, variance], { epsilon: EPSILON }, { name });
  }
  const axes = x.shape.length === 4 ? [0, 2, 3] : [0];
  const channels = Number(x.shape[1]);
  const beside = (value: Value) => graph.reshape(value, [1, channels, ...axes.slice(1).map(() => 1)]);
  const batchMean = graph.reduceMean(x, axes);
  const centred = graph.sub(x, batchMean);
  const batchVariance = graph.reduceMean(graph.mul(centred, centred), axes);
  const follow = (old: Value, seen: Value) =>
    graph.add(
      graph.mul(old, graph.scalar(MEMORY)),
      graph.mul(graph.reshape(seen, [channels]), graph.scalar(1 - MEMORY)),
    );
  next('mean', follow(mean, batchMean));
  next('variance', follow(variance, batchVariance));
  const unit = graph.div(centred, graph.sqrt(graph.add(batchVariance, graph.scalar(EPSILON))));
  return graph.add(graph.mul(unit, beside(scale)), beside(shift));
}

/** @param x [N, channels, height, width]. */
export function attend(
  graph: GraphBuilder,
  x: Value,
  [channels = 0, height = 0, width = 0]: readonly number[],
  keys: number,
  parameter: (part: string) => Value,
): Value {
  const places = graph.transpose(graph.reshape(x, [0, channels, height * width]), [0, 2, 1]);
  const [query, key, value] = ['query', 'key', 'value'].map((part) => graph.matmul(places, parameter(part))) as [
    Value,
    Value,
    Value,
  ];
  const products = graph.mul(graph.matmul(query, graph.transpose(key, [0, 2, 1])), graph.scalar(1 / Math.sqrt(keys)));
  const seen = graph.matmul(graph.op('Softmax', [products], { axis: -1 }), value);
  return graph.add(x, graph.reshape(graph.transpose(seen, [0, 2, 1]), [0, channels, height, width]));
}

/**
 * Local response normalisation, by operators that every provider has: the sum over neighbouring channels is a convolution
 * with ones around the diagonal, the power an exponential of a logarithm.
 * @param x [N, channels, height, width].
 */
export function normaliseResponse(
  graph: GraphBuilder,
  x: Value,
  { size, alpha, beta, bias }: ResponseNormLayer,
  channels: number,
): Value {
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const near = Float32Array.from({ length: channels * channels }, (_, i) => {
    const offset = (i % channels) - Math.floor(i / channels);
    return Number(offset >= -before && offset <= after);
  });
  const weights = graph.constant(near, [channels, channels, 1, 1]);
  const sums = graph.op('Conv', [graph.mul(x, x), weights], { kernel_shape: [1, 1] });
  const logarithm = graph.log(graph.add(graph.mul(sums, graph.scalar(alpha / size)), graph.scalar(bias)));
  return graph.mul(x, graph.exp(graph.mul(logarithm, graph.scalar(-beta))));
}
