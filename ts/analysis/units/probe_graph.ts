/**
 * The graph that answers, for a batch of images, how strongly each unit and each direction of a layer responds:
 * ⟨φ(x), e_i⟩ and ⟨φ(x), v_k⟩.
 *
 * A layer with space, [N, C, …], has the same feature at every position. Seen by `channels`, a unit is a channel and a
 * direction a vector over channels, and either responds where it does so most: max_p ⟨φ(x)[:, p], v⟩. Seen by
 * `positions`, as the paper's formula has it when taken literally, a unit is one channel at one position, and a direction
 * a vector over all of them.
 */
import { expectOneOf } from '../../base/expect.ts';
import { BlindspotError, invalidArgument } from '../../errors.ts';
import { GraphBuilder } from '../../onnx/graph_builder.ts';
import type { Model } from '../../onnx/model.ts';
import { BATCH, importWithBatch } from '../../onnx/rebatch.ts';
import { elementCount, formatShape, isStatic } from '../../onnx/shape.ts';
import { type IntermediateValue, intermediateValues } from '../../onnx/slice_model.ts';
import type { Value } from '../../onnx/value.ts';

export const LAYER_VIEWS = ['channels', 'positions'] as const;

export type LayerView = (typeof LAYER_VIEWS)[number];

export interface LayerSpace {
  /** The value's name. */
  readonly layer: string;
  /** Of one image. */
  readonly shape: readonly number[];
  readonly view: LayerView;
  /** Dimension of the space whose basis vectors are the units. */
  readonly units: number;
  /** Positions over which the maximum is taken; 1 by `positions`. */
  readonly positions: number;
  /** Values that an image takes in memory while it passes through the model. */
  readonly valuesPerImage: number;
}

/**
 * @param layer name of a value, as intermediateValues lists them.
 * @throws INVALID_ARGUMENT listing the layers there are, or for one that is not [N, units, …] of known sizes.
 */
export function layerSpace(model: Model, layer: string, view: LayerView): LayerSpace {
  expectOneOf('view', view, LAYER_VIEWS);
  const known = intermediateValues(model);
  const value = known.find(({ name }) => name === layer);
  if (!value) throw invalidArgument('layer', `one of ${known.map(({ name }) => name).join(', ')}`, layer);
  const shape = value.shape.slice(1);
  if (shape.length === 0 || !isStatic(shape)) {
    throw invalidArgument(
      'layer',
      'a layer of shape [batch, units, …] with known sizes',
      `${layer} ${formatShape(value.shape)}`,
    );
  }
  const [channels = 1, ...space] = shape;
  const positions = view === 'channels' ? elementCount(space) : 1;
  return {
    layer,
    shape: [...shape],
    view,
    units: view === 'channels' ? channels : elementCount(shape),
    positions,
    valuesPerImage: known.slice(0, known.indexOf(value) + 1).reduce((sum, each) => sum + valueSize(each), 0),
  };
}

function valueSize({ shape }: IntermediateValue): number {
  const image = shape.slice(1);
  return isStatic(image) ? elementCount(image) : 0;
}

/**
 * float32 input `image` [N, …], outputs `natural` [N, chosen.length], `random` [N, directions], and over all values of the
 * layer the means `magnitude` of |φ(x)| and `square` of φ(x)², [N, 1].
 * @param chosen indices of the units.
 * @param directions [count, space.units], row-major.
 */
export function probeGraph(
  model: Model,
  space: LayerSpace,
  chosen: readonly number[],
  directions: Float32Array,
): Uint8Array<ArrayBuffer> {
  const [input, ...others] = model.inputs;
  if (!input || others.length > 0) throw invalidArgument('model', 'a model of one input', model.inputs.length);
  const graph = new GraphBuilder({ name: 'probes' });
  const image = graph.input('image', 'float32', [BATCH, ...input.shape.slice(1)]);
  const value = importWithBatch(graph, model, input.name, image, [space.layer]).get(space.layer);
  if (value?.type !== 'float32' || value.shape[0] !== BATCH) {
    throw new BlindspotError(
      'INVALID_MODEL',
      `Layer "${space.layer}" does not follow the batch of images in float32; export the model with a dynamic batch axis`,
    );
  }
  // [N, units, positions]
  const features = graph.reshape(value, [-1, space.units, space.positions]);
  const isWhole = chosen.length === space.units;
  const units = isWhole ? features : graph.op('Gather', [features, graph.ints(chosen)], { axis: 1 });
  const vectors = graph.constant(directions, [directions.length / space.units, space.units]);
  const projected =
    space.positions === 1
      ? graph.matmul(graph.reshape(features, [-1, space.units]), graph.transpose(vectors, [1, 0]))
      : graph.matmul(vectors, features);
  const strongest = (responses: Value): Value => graph.op('ReduceMax', [responses], { axes: [2], keepdims: 0 });
  graph.output(strongest(units), 'natural');
  graph.output(space.positions === 1 ? projected : strongest(projected), 'random');
  graph.output(graph.reduceMean(graph.reshape(graph.op('Abs', [value]), [0, -1]), [1]), 'magnitude');
  graph.output(graph.reduceMean(graph.reshape(graph.mul(value, value), [0, -1]), [1]), 'square');
  return graph.toBytes();
}
