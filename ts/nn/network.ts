/**
 * Layers to graph. The same function builds the training graph, whose parameters are inputs, and the model that is
 * saved, whose parameters are constants.
 */
import { Random } from '../base/random.ts';
import { BlindspotError } from '../errors.ts';
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';
import { drawWeights } from './initializers.ts';
import { activate, attend, normalise, normaliseResponse } from './layer_graphs.ts';
import type { AttentionLayer, ConvLayer, DenseLayer, Layer, LocalFilterLayer, ModelDefinition } from './layers.ts';
import { filterLocally, normaliseContrast, poolL2, windowsOf } from './local_graphs.ts';

/** A weight array or a bias vector, as a model declares it. */
export interface ParameterSpec {
  /** Such as fc1.weight. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Factor of Σw² in the objective: λ/k, k the units of the layer. */
  readonly decay: number;
  /** No gradient moves it: a training step hands on another value (running means of a batch normalisation). */
  readonly running?: true;
  draw(random: Random): Float32Array;
}

export interface PlacedLayer {
  readonly layer: Layer;
  /** fc1, conv2, …; empty for layers without parameters, except dropout. */
  readonly name: string;
  /** Of one image. */
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
}

/** @throws INVALID_MODEL naming the layer that does not fit. */
export function parameterSpecs(model: ModelDefinition): ParameterSpec[] {
  return placeLayers(model).flatMap(({ layer, name, inputShape }) => {
    if (layer.type === 'dense') return denseParameters(layer, name, inputShape[0] as number);
    if (layer.type === 'conv') return convParameters(layer, name, inputShape[0] as number);
    if (layer.type === 'batch-norm') return normParameters(name, inputShape[0] as number);
    if (layer.type === 'local-filter') return localParameters(layer, name, inputShape);
    if (layer.type === 'attention') return attentionParameters(layer, name, inputShape[0] as number);
    return [];
  });
}

/** Dropout masks that the training graph takes, by name: shape of one image's. */
export function dropoutMasks(model: ModelDefinition): { name: string; shape: readonly number[]; rate: number }[] {
  return placeLayers(model).flatMap(({ layer, name, inputShape }) =>
    layer.type === 'dropout' ? [{ name, shape: inputShape, rate: layer.rate }] : [],
  );
}

/** First values of all parameters, in the order of `parameterSpecs`; one random stream a parameter. */
export function drawParameters(specs: readonly ParameterSpec[], seed: number): Float32Array[] {
  // Streams from 2³² on: epochs use those from 0.
  return specs.map((spec, index) => spec.draw(new Random(seed, 2 ** 32 + index)));
}

export interface LayerRange {
  /** Layers from this index on, default 0, and before that one, default all. */
  readonly from?: number;
  readonly to?: number;
  /** Of the nodes' names, for a graph in which the layers stand several times. */
  readonly prefix?: string;
}

/**
 * @param image [N, ...inputShape]; what the first layer of the range takes.
 * @param parameters by name.
 * @param masks by name, [N, ...]: 0 or 1/(1 - rate); without them dropout does nothing, as in the saved model.
 * @param range layers to apply; their names are those they have in the whole model.
 * @param running of a training step: batches are normalised by their own means, and the next values of `running` parameters
 *   are put here by name.
 * @returns what the last of them answers: logits [N, classes], if it is the model's last.
 */
export function applyLayers(
  graph: GraphBuilder,
  model: ModelDefinition,
  image: Value,
  parameters: ReadonlyMap<string, Value>,
  masks?: ReadonlyMap<string, Value>,
  { from = 0, to, prefix = '' }: LayerRange = {},
  running?: Map<string, Value>,
): Value {
  const parameter = (name: string): Value => {
    const value = parameters.get(name);
    if (value === undefined) throw new TypeError(`${model.name} has no parameter ${name}`);
    return value;
  };
  let x = image;
  const skipped: Value[] = [];
  for (const { layer, name, inputShape } of placeLayers(model).slice(from, to)) {
    switch (layer.type) {
      case 'dense':
        x = graph.op('Gemm', [x, parameter(`${name}.weight`), parameter(`${name}.bias`)], {}, { name: prefix + name });
        break;
      case 'conv':
        x = graph.op(
          'Conv',
          [x, parameter(`${name}.weight`), parameter(`${name}.bias`)],
          {
            kernel_shape: [layer.kernel, layer.kernel],
            strides: [layer.stride, layer.stride],
            pads: [layer.padding, layer.padding, layer.padding, layer.padding],
          },
          { name: prefix + name },
        );
        break;
      case 'max-pool': {
        const { size, stride = size } = layer;
        x = graph.op('MaxPool', [x], { kernel_shape: [size, size], strides: [stride, stride] });
        break;
      }
      case 'response-norm':
        x = normaliseResponse(graph, x, layer, Number(inputShape[0]));
        break;
      case 'local-filter':
        x = filterLocally(graph, x, parameter(`${name}.weight`), layer, inputShape);
        break;
      case 'l2-pool':
        x = poolL2(graph, x, layer);
        break;
      case 'contrast-norm':
        x = normaliseContrast(graph, x, layer, inputShape);
        break;
      case 'average-pool':
        x = graph.op('AveragePool', [x], { kernel_shape: [layer.size, layer.size], strides: [layer.size, layer.size] });
        break;
      case 'global-max-pool':
        x = graph.reduceMax(x, [2, 3], false);
        break;
      case 'global-average-pool':
        x = graph.reduceMean(x, [2, 3], false);
        break;
      case 'batch-norm':
        x = normalise(graph, x, (part) => parameter(`${name}.${part}`), {
          name: prefix + name,
          next: running && ((part, value) => running.set(`${name}.${part}`, value)),
        });
        break;
      case 'attention':
        x = attend(graph, x, inputShape, layer.width, (part) => parameter(`${name}.${part}`));
        break;
      case 'skip-start':
        skipped.push(x);
        break;
      case 'skip-end':
        x = graph.add(skipped.pop() as Value, x);
        break;
      case 'dropout': {
        const mask = masks?.get(name);
        if (mask !== undefined) x = graph.mul(x, mask);
        break;
      }
      case 'flatten':
        x = graph.op('Flatten', [x], { axis: 1 });
        break;
      default:
        x = activate(graph, x, layer.type);
    }
  }
  return x;
}

/** Every layer with its name and shapes. @throws INVALID_MODEL naming the layer that does not fit. */
export function placeLayers(model: ModelDefinition): PlacedLayer[] {
  const counts = { dense: 0, conv: 0, dropout: 0, norm: 0, attention: 0, local: 0 };
  let inputShape = model.inputShape;
  const skipped: (readonly number[])[] = [];
  const layers = model.layers.map((layer, index) => {
    const where = `${model.name}, layer ${index + 1} (${layer.type})`;
    const outputShape = layerOutputShape(layer, inputShape, where);
    if (layer.type === 'skip-start') skipped.push(inputShape);
    if (layer.type === 'skip-end') checkSkip(skipped.pop(), inputShape, where);
    let name = '';
    if (layer.type === 'dense') name = `fc${++counts.dense}`;
    if (layer.type === 'conv') name = `conv${++counts.conv}`;
    if (layer.type === 'batch-norm') name = `norm${++counts.norm}`;
    if (layer.type === 'local-filter') name = `local${++counts.local}`;
    if (layer.type === 'attention') name = `attention${++counts.attention}`;
    if (layer.type === 'dropout') name = `dropout${++counts.dropout}.mask`;
    const placed: PlacedLayer = { layer, name, inputShape, outputShape };
    inputShape = outputShape;
    return placed;
  });
  if (skipped.length > 0) throw new BlindspotError('INVALID_MODEL', `${model.name}: a skip-start has no skip-end`);
  return layers;
}

function checkSkip(from: readonly number[] | undefined, to: readonly number[], where: string): void {
  if (from === undefined) throw new BlindspotError('INVALID_MODEL', `${where}: there is no skip-start before it`);
  if (from.join() === to.join()) return;
  throw new BlindspotError(
    'INVALID_MODEL',
    `${where}: expected an input of the shape that was skipped, [${from.join(', ')}], but received [${to.join(', ')}]`,
  );
}

function layerOutputShape(layer: Layer, shape: readonly number[], where: string): readonly number[] {
  const [channels = 0, height = 0, width = 0] = shape;
  const fail = (expected: string) =>
    new BlindspotError(
      'INVALID_MODEL',
      `${where}: expected an input of ${expected} but received [${shape.join(', ')}]`,
    );
  switch (layer.type) {
    case 'dense':
      if (shape.length !== 1) throw fail('shape [n]; put flatten before it');
      return [layer.units];
    case 'conv': {
      if (shape.length !== 3) throw fail('shape [channels, height, width]');
      const side = (size: number) => Math.floor((size + 2 * layer.padding - layer.kernel) / layer.stride) + 1;
      if (side(height) < 1 || side(width) < 1) throw fail(`at least the ${layer.kernel}×${layer.kernel} kernel's size`);
      return [layer.filters, side(height), side(width)];
    }
    case 'local-filter': {
      if (shape.length !== 3) throw fail('shape [channels, height, width]');
      const { rows, columns } = windowsOf(layer, shape);
      if (rows < 1 || columns < 1) throw fail(`at least the ${layer.kernel}×${layer.kernel} window's size`);
      return [layer.maps, rows, columns];
    }
    case 'max-pool':
    case 'l2-pool':
    case 'average-pool': {
      if (shape.length !== 3) throw fail('shape [channels, height, width]');
      const stride = (layer.type === 'average-pool' ? undefined : layer.stride) ?? layer.size;
      const side = (size: number) => Math.floor((size - layer.size) / stride) + 1;
      if (side(height) < 1 || side(width) < 1) throw fail(`at least the ${layer.size}×${layer.size} window's size`);
      return [channels, side(height), side(width)];
    }
    case 'global-max-pool':
    case 'global-average-pool':
      if (shape.length !== 3) throw fail('shape [channels, height, width]');
      return [channels];
    case 'response-norm':
    case 'contrast-norm':
    case 'attention':
      if (shape.length !== 3) throw fail('shape [channels, height, width]');
      return shape;
    case 'flatten':
      return [shape.reduce((product, size) => product * size, 1)];
    default:
      return shape;
  }
}

function denseParameters(layer: DenseLayer, name: string, inputs: number): ParameterSpec[] {
  const shape = [inputs, layer.units];
  return [
    {
      name: `${name}.weight`,
      shape,
      decay: layer.weightDecay / layer.units,
      draw: (random) => drawWeights(layer.initializer, shape, inputs, layer.units, random),
    },
    bias(name, layer.units),
  ];
}

function convParameters(layer: ConvLayer, name: string, channels: number): ParameterSpec[] {
  const shape = [layer.filters, channels, layer.kernel, layer.kernel];
  const area = layer.kernel ** 2;
  return [
    {
      name: `${name}.weight`,
      shape,
      decay: layer.weightDecay / layer.filters,
      draw: (random) => drawWeights(layer.initializer, shape, channels * area, layer.filters * area, random),
    },
    bias(name, layer.filters),
  ];
}

/** [places, values of a window, filters], of unit length on average. */
function localParameters(layer: LocalFilterLayer, name: string, inputShape: readonly number[]): ParameterSpec[] {
  const { rows, columns, size } = windowsOf(layer, inputShape);
  const shape = [rows * columns, size, layer.maps];
  const draw = (random: Random) => drawWeights({ kind: 'xavier-normal', gain: 1 }, shape, size, size, random);
  return [{ name: `${name}.weight`, shape, decay: 0, draw }];
}

/** Scale and shift are learnt, mean and variance follow the batches. */
function normParameters(name: string, channels: number): ParameterSpec[] {
  const filled = (part: string, value: number): ParameterSpec => ({
    name: `${name}.${part}`,
    shape: [channels],
    decay: 0,
    ...(part === 'mean' || part === 'variance' ? { running: true as const } : {}),
    draw: () => new Float32Array(channels).fill(value),
  });
  return [filled('scale', 1), filled('shift', 0), filled('mean', 0), filled('variance', 1)];
}

function attentionParameters({ width }: AttentionLayer, name: string, channels: number): ParameterSpec[] {
  const matrix = (part: string, units: number): ParameterSpec => ({
    name: `${name}.${part}`,
    shape: [channels, units],
    decay: 0,
    draw: (random) => drawWeights({ kind: 'xavier-normal', gain: 1 }, [channels, units], channels, units, random),
  });
  return [matrix('query', width), matrix('key', width), matrix('value', channels)];
}

function bias(name: string, units: number): ParameterSpec {
  return { name: `${name}.bias`, shape: [units], decay: 0, draw: () => new Float32Array(units) };
}
