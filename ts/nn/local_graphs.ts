/**
 * What a stage of Le et al. 2012 ("Building high-level features using large scale unsupervised learning", section 3) computes:
 * local filters with weights of their own at every place, L2 pooling, local subtractive and divisive contrast normalisation.
 */
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import { tensorFromNumbers } from '../onnx/tensor.ts';
import type { Value } from '../onnx/value.ts';
import type { ContrastNormLayer, L2PoolLayer, LocalFilterLayer } from './layers.ts';

/** ε under the root of pooling and of the penalty on pooled responses; Le et al. do not give theirs. */
const POOL_EPSILON = 1e-2;

/** Where the windows of a layer lie in its input of [channels, height, width]. */
export interface Windows {
  /** Rows and columns of places. */
  readonly rows: number;
  readonly columns: number;
  /** Values in a window: channels·kernel². */
  readonly size: number;
}

export function windowsOf(
  { kernel, stride }: Pick<LocalFilterLayer, 'kernel' | 'stride'>,
  [channels = 0, height = 0, width = 0]: readonly number[],
): Windows {
  const along = (side: number) => Math.floor((side - kernel) / stride) + 1;
  return { rows: along(height), columns: along(width), size: channels * kernel ** 2 };
}

/**
 * h = W₁ᵀx, place by place.
 * @param x [N, channels, height, width].
 * @param weight [places, channels·kernel², maps], places by rows.
 * @returns [N, maps, rows, columns].
 */
export function filterLocally(
  graph: GraphBuilder,
  x: Value,
  weight: Value,
  layer: LocalFilterLayer,
  shape: readonly number[],
): Value {
  const { rows, columns, size } = windowsOf(layer, shape);
  const [channels = 0] = shape;
  // Windows by a convolution with one-hot kernels: its adjoint is one, too, where that of Gather adds element by element.
  const windows = graph.op('Conv', [x, oneHotKernels(graph, x, channels, layer.kernel)], {
    kernel_shape: [layer.kernel, layer.kernel],
    strides: [layer.stride, layer.stride],
    group: channels,
  });
  const byPlace = graph.transpose(graph.reshape(windows, [0, size, rows * columns]), [2, 0, 1]);
  const responses = graph.transpose(graph.matmul(byPlace, weight), [1, 2, 0]);
  return graph.reshape(responses, [0, layer.maps, rows, columns]);
}

/**
 * W₂h: every response puts its window back, and windows that overlap add up.
 * @param responses [N, maps, rows, columns].
 * @param weight [places, maps, channels·kernel²].
 * @returns [N, channels, height, width]; 0 where no window lies.
 */
export function reconstructLocally(
  graph: GraphBuilder,
  responses: Value,
  weight: Value,
  layer: LocalFilterLayer,
  shape: readonly number[],
): Value {
  const { rows, columns, size } = windowsOf(layer, shape);
  const { kernel, stride, maps } = layer;
  const [channels = 0, height = 0, width = 0] = shape;
  const byPlace = graph.transpose(graph.reshape(responses, [0, maps, rows * columns]), [2, 0, 1]);
  const windows = graph.transpose(graph.matmul(byPlace, weight), [1, 2, 0]);
  const rest = [height - (rows - 1) * stride - kernel, width - (columns - 1) * stride - kernel];
  return graph.op(
    'ConvTranspose',
    [graph.reshape(windows, [0, size, rows, columns]), oneHotKernels(graph, responses, channels, kernel)],
    {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      group: channels,
      output_padding: rest.some((side) => side > 0) ? rest : undefined,
    },
  );
}

/** [channels·kernel², 1, kernel, kernel]: channel c·kernel² + j of a convolution in `channels` groups is pixel j of c's window. */
function oneHotKernels(graph: GraphBuilder, { type }: Value, channels: number, kernel: number): Value {
  const area = kernel ** 2;
  const data = new Float64Array(channels * area * area);
  for (let row = 0; row < channels * area; row++) data[row * area + (row % area)] = 1;
  return graph.tensor(tensorFromNumbers(type, data, [channels * area, 1, kernel, kernel]));
}

/**
 * √(ε + Σ x²), the sum over a window of one map.
 * @param x [N, maps, height, width].
 */
export function poolL2(graph: GraphBuilder, x: Value, { size, stride }: L2PoolLayer): Value {
  const means = graph.op('AveragePool', [graph.mul(x, x)], { kernel_shape: [size, size], strides: [stride, stride] });
  return graph.sqrt(graph.add(graph.mul(means, graph.scalar(size ** 2)), graph.scalar(POOL_EPSILON)));
}

/**
 * g = x − Σ G·x, then g/max(c, √(Σ G·g²)): both sums over a window of all maps, G Gaussian with a sum of 1. At the border the
 * part of G that lies inside is scaled up to that sum.
 * @param x [N, maps, height, width].
 */
export function normaliseContrast(
  graph: GraphBuilder,
  x: Value,
  { size, floor }: ContrastNormLayer,
  [maps = 0, height = 0, width = 0]: readonly number[],
): Value {
  const line = gaussian(size);
  const pads = [(size - 1) / 2, (size - 1) / 2, (size - 1) / 2, (size - 1) / 2];
  const kernel = Float64Array.from({ length: maps * size ** 2 }, (_, i) => {
    return ((line[i % size] as number) * (line[Math.floor(i / size) % size] as number)) / maps;
  });
  const weight = graph.tensor(tensorFromNumbers(x.type, kernel, [1, maps, size, size]));
  const [down, across] = [inside(line, height), inside(line, width)];
  const share = Float64Array.from({ length: height * width }, (_, i) => {
    return 1 / ((down[Math.floor(i / width)] as number) * (across[i % width] as number));
  });
  const scale = graph.tensor(tensorFromNumbers(x.type, share, [1, 1, height, width]));
  const average = (value: Value) =>
    graph.mul(graph.op('Conv', [value, weight], { kernel_shape: [size, size], pads }), scale);
  const centred = graph.sub(x, average(x));
  const variance = average(graph.mul(centred, centred));
  return graph.div(centred, graph.sqrt(graph.op('Max', [variance, graph.scalar(floor ** 2)])));
}

/** Of standard deviation size/4, cut off at the window and with a sum of 1. */
function gaussian(size: number): number[] {
  const values = Array.from({ length: size }, (_, i) => Math.exp(-8 * ((i - (size - 1) / 2) / size) ** 2));
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

/** How much of the window lies inside, at each of `length` places. */
function inside(line: readonly number[], length: number): number[] {
  const half = (line.length - 1) / 2;
  return Array.from({ length }, (_, at) =>
    line.reduce((sum, value, i) => (at + i - half >= 0 && at + i - half < length ? sum + value : sum), 0),
  );
}
