/** Normalisations, written out: subtract a mean, divide by a deviation. */
import { reshapeTo } from '../cotangent_shape.ts';
import { nodeError, numberAttribute, numbersAttribute, requireInput } from '../op_rule.ts';
import type { Value } from '../value.ts';
import {
  axisOf,
  emit,
  type Import,
  type ImportContext,
  knownSize,
  named,
  perChannel,
  without,
} from './import_context.ts';

/** (x − mean) / √(var + ε) over `axes`, per image or less. */
function standardized(context: ImportContext, x: Value, axes: readonly number[], epsilon: number): Value {
  const { graph } = context;
  const centred = graph.sub(x, graph.reduceMean(x, axes));
  const variance = graph.reduceMean(graph.mul(centred, centred), axes);
  return graph.div(centred, graph.sqrt(graph.add(variance, graph.scalar(epsilon, x.type))));
}

/** scale·(x − mean)/√(var + ε) + bias over the axes from `axis` on. */
const layerNormalization: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const axes = [...x.shape.keys()].slice(axisOf(context, numberAttribute(context, 'axis', -1)));
  const scaled = graph.mul(
    standardized(context, x, axes, numberAttribute(context, 'epsilon', 1e-5)),
    requireInput(context, 1),
  );
  const bias = context.inputs[2];
  return bias ? emit(context, 'Add', [scaled, bias], {}) : named(context, scaled);
};

/** scale·x/√(mean x² + ε) over the axes from `axis` on (Zhang & Sennrich 2019). */
const rmsNormalization: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const axes = [...x.shape.keys()].slice(axisOf(context, numberAttribute(context, 'axis', -1)));
  const square = graph.reduceMean(graph.mul(x, x), axes);
  const epsilon = graph.scalar(numberAttribute(context, 'epsilon', 1e-5), x.type);
  const normalized = graph.div(x, graph.sqrt(graph.add(square, epsilon)));
  return emit(context, 'Mul', [normalized, requireInput(context, 1)], {});
};

/** Each channel of each image over its own places. */
const instanceNormalization: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const rank = x.shape.length;
  const axes = [...x.shape.keys()].slice(2);
  const normalized = standardized(context, x, axes, numberAttribute(context, 'epsilon', 1e-5));
  const scaled = graph.mul(normalized, perChannel(context, requireInput(context, 1), rank));
  return emit(context, 'Add', [scaled, perChannel(context, requireInput(context, 2), rank)], {});
};

/** Groups of channels of each image. Scale and bias are one for each group before opset 21, for each channel after. */
const groupNormalization: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const rank = x.shape.length;
  const channels = knownSize(context, 1);
  const groups = numberAttribute(context, 'num_groups', 1);
  if (channels % groups !== 0) throw nodeError(context, `${channels} channels make no ${groups} groups`);
  const spatial = [...x.shape.keys()].slice(2).map((axis) => knownSize(context, axis));
  const grouped = graph.reshape(x, [0, groups, channels / groups, ...spatial]);
  const axes = [...grouped.shape.keys()].slice(2);
  const epsilon = numberAttribute(context, 'epsilon', 1e-5);
  const normalized = standardized(context, grouped, axes, epsilon);
  const affine = (input: number): Value => {
    const value = requireInput(context, input);
    const [size] = value.shape;
    if (size === groups && groups !== channels) {
      return graph.reshape(value, [groups, ...new Array<number>(rank - 1).fill(1)]);
    }
    return graph.reshape(value, [groups, channels / groups, ...new Array<number>(rank - 2).fill(1)]);
  };
  const result = graph.add(graph.mul(normalized, affine(1)), affine(2));
  return named(context, reshapeTo(graph, result, x.shape));
};

/** Over `axes`, without a scale; batch and places by default, which couples the images of a batch. */
const meanVarianceNormalization: Import = (context) => {
  const x = requireInput(context, 0);
  const axes = (numbersAttribute(context, 'axes') ?? [0, 2, 3]).map((axis) => axisOf(context, axis));
  if (axes.includes(0))
    throw nodeError(context, 'couples the images of a batch, so that no image has an answer of its own');
  return named(context, standardized(context, x, axes, 1e-9));
};

/**
 * In inference as it stands. In training mode it takes mean and deviation of what it is given, over all axes but the channels: of weights,
 * which timm standardises so (Qiao et al. 2019), that is a constant; of images, it would couple those of a batch.
 */
const batchNormalization: Import = (context) => {
  if (numberAttribute(context, 'spatial', 1) === 0) throw nodeError(context, 'spatial = 0 is not supported');
  if (numberAttribute(context, 'training_mode', 0) === 0) {
    return emit(context, 'BatchNormalization', context.inputs, without(context.attributes, 'spatial'));
  }
  const { graph } = context;
  const x = requireInput(context, 0);
  if (typeof x.shape[0] !== 'number') {
    throw nodeError(context, 'training mode is not supported; export the model for inference');
  }
  const axes = [...x.shape.keys()].filter((axis) => axis !== 1);
  const normalized = standardized(context, x, axes, numberAttribute(context, 'epsilon', 1e-5));
  const rank = x.shape.length;
  const scaled = graph.mul(normalized, perChannel(context, requireInput(context, 1), rank));
  return emit(context, 'Add', [scaled, perChannel(context, requireInput(context, 2), rank)], {});
};

/** x / |x|_p along one axis, p 1 or 2. */
const lpNormalization: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const axis = axisOf(context, numberAttribute(context, 'axis', -1));
  const p = numberAttribute(context, 'p', 2);
  const norm =
    p === 1 ? graph.reduceSum(graph.op('Abs', [x]), [axis]) : graph.op('ReduceL2', [x], { axes: [axis], keepdims: 1 });
  // Where all is 0, so is the result.
  const zero = graph.op('Equal', [norm, graph.scalar(0, x.type)]);
  return emit(context, 'Div', [x, graph.where(zero, graph.scalar(1, x.type), norm)], {});
};

export const NORMALIZATION_IMPORTS: Readonly<Record<string, Import>> = {
  BatchNormalization: batchNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  LpNormalization: lpNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
  RMSNormalization: rmsNormalization,
  'com.microsoft.LayerNormalization': layerNormalization,
  SimplifiedLayerNormalization: rmsNormalization,
};
