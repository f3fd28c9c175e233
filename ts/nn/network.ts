/**
 * Layers to graph. The same function builds the training graph, whose parameters are inputs, and the model that is
 * saved, whose parameters are constants.
 */
import { Random } from '../data/random.ts';
import { BlindspotError } from '../errors.ts';
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';
import { drawWeights } from './initializers.ts';
import type { ConvLayer, DenseLayer, Layer, ModelDefinition } from './layers.ts';

/** A weight array or a bias vector, as a model declares it. */
export interface ParameterSpec {
  /** Such as fc1.weight. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Factor of Σw² in the objective: λ/k, k the units of the layer. */
  readonly decay: number;
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
 * @returns what the last of them answers: logits [N, classes], if it is the model's last.
 */
export function applyLayers(
  graph: GraphBuilder,
  model: ModelDefinition,
  image: Value,
  parameters: ReadonlyMap<string, Value>,
  masks?: ReadonlyMap<string, Value>,
  { from = 0, to, prefix = '' }: LayerRange = {},
): Value {
  const parameter = (name: string): Value => {
    const value = parameters.get(name);
    if (value === undefined) throw new TypeError(`${model.name} has no parameter ${name}`);
    return value;
  };
  let x = image;
  for (const { layer, name } of placeLayers(model).slice(from, to)) {
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
      case 'max-pool':
        x = graph.op('MaxPool', [x], { kernel_shape: [layer.size, layer.size], strides: [layer.size, layer.size] });
        break;
      case 'dropout': {
        const mask = masks?.get(name);
        if (mask !== undefined) x = graph.mul(x, mask);
        break;
      }
      case 'flatten':
        x = graph.op('Flatten', [x], { axis: 1 });
        break;
      case 'sigmoid':
        x = graph.op('Sigmoid', [x]);
        break;
      case 'relu':
        x = graph.op('Relu', [x]);
        break;
      case 'tanh':
        x = graph.op('Tanh', [x]);
        break;
    }
  }
  return x;
}

/** Every layer with its name and shapes. @throws INVALID_MODEL naming the layer that does not fit. */
export function placeLayers(model: ModelDefinition): PlacedLayer[] {
  const counts = { dense: 0, conv: 0, dropout: 0 };
  let inputShape = model.inputShape;
  return model.layers.map((layer, index) => {
    const outputShape = layerOutputShape(layer, inputShape, `${model.name}, layer ${index + 1} (${layer.type})`);
    let name = '';
    if (layer.type === 'dense') name = `fc${++counts.dense}`;
    if (layer.type === 'conv') name = `conv${++counts.conv}`;
    if (layer.type === 'dropout') name = `dropout${++counts.dropout}.mask`;
    const placed: PlacedLayer = { layer, name, inputShape, outputShape };
    inputShape = outputShape;
    return placed;
  });
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
    case 'max-pool': {
      if (shape.length !== 3) throw fail('shape [channels, height, width]');
      const side = (size: number) => Math.floor((size - layer.size) / layer.size) + 1;
      if (side(height) < 1 || side(width) < 1) throw fail(`at least the ${layer.size}×${layer.size} window's size`);
      return [channels, side(height), side(width)];
    }
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

function bias(name: string, units: number): ParameterSpec {
  return { name: `${name}.bias`, shape: [units], decay: 0, draw: () => new Float32Array(units) };
}
