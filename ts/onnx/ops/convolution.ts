/**
 * Convolution and its adjoint. With y = conv(x, w):
 *   x̄ = convTranspose(ȳ, w), the same geometry, with the leftover of the stride as output padding;
 *   w̄ = conv of x by ȳ with batch and channels exchanged, strides and dilations exchanged;
 *   b̄ = Σ ȳ over batch and space.
 * And the other way round for y = convTranspose(x, w), since it is the adjoint of conv in x.
 */
import { reshapeTo } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import {
  type NodeContext,
  nodeError,
  numberAttribute,
  type OpRule,
  requireInput,
  stringAttribute,
  type VjpContext,
} from '../op_rule.ts';
import { type Dim, divideDims, elementCount, multiplyDims, type Shape } from '../shape.ts';
import { type Tensor, transposeTensor } from '../tensor.ts';
import type { GraphNode, Value } from '../value.ts';
import {
  requireStatic,
  type StaticGeometry,
  span,
  WINDOW_ATTRIBUTES,
  type WindowGeometry,
  windowAxes,
  windowGeometry,
} from './spatial_window.ts';

/** Input channels from which a mirrored convolution beats ConvTranspose on ONNX Runtime's CPU. */
const MIRROR_CHANNELS = 16;

function attributesOf(geometry: WindowGeometry, group: number): Record<string, number | number[]> {
  const { kernel, strides, dilations, padsBegin, padsEnd } = geometry;
  return { kernel_shape: kernel, strides, dilations, pads: [...padsBegin, ...padsEnd], group };
}

function kernelOf(node: NodeContext | GraphNode): number[] {
  const spatial = requireInput(node, 1).shape.slice(2);
  return spatial.map((size) => {
    if (typeof size !== 'number') throw nodeError(node, 'the kernel size must be known');
    return size;
  });
}

function convGeometry(node: NodeContext | GraphNode): WindowGeometry {
  return windowGeometry(node, requireInput(node, 0).shape, kernelOf(node));
}

function spatialAxes(shape: Shape): number[] {
  return [...shape.keys()].slice(2);
}

/** The adjoint of conv(·, weight) for an input of the geometry's input size. */
export function transposedConvolution(
  graph: GraphBuilder,
  cotangent: Value,
  weight: Value,
  geometry: StaticGeometry,
  group: number,
): Value {
  const { kernel, strides, dilations, padsBegin, padsEnd, inputSize, outputSize } = geometry;
  const leftover = inputSize.map((size, i) => {
    const made = ((outputSize[i] ?? 1) - 1) * (strides[i] ?? 1) + span(kernel[i] ?? 1, dilations[i] ?? 1);
    return size - (made - (padsBegin[i] ?? 0) - (padsEnd[i] ?? 0));
  });
  // Ceil mode may overhang the padding: the surplus is cut off as padding at the end.
  const cut = padsEnd.map((pad, i) => pad + Math.max(0, -(leftover[i] ?? 0)));
  const outputPadding = leftover.map((rest) => Math.max(0, rest));
  return graph.op('ConvTranspose', [cotangent, weight], {
    ...attributesOf({ ...geometry, padsEnd: cut }, group),
    output_padding: outputPadding.some((pad) => pad > 0) ? outputPadding : undefined,
  });
}

function inputCotangent(context: VjpContext, geometry: StaticGeometry, group: number): Value {
  const { graph, cotangent, target } = context;
  const weight = context.input(1);
  const [outputs, perGroup] = weight.shape;
  // ONNX Runtime 1.30's WebGPU ConvTranspose answers wrongly for groups of one channel made from several.
  if (target === 'webgpu' && group > 1 && perGroup === 1 && outputs !== group) {
    return ungroupedConvolution(graph, cotangent, weight, geometry, group);
  }
  const mirrored = group === 1 ? mirroredConvolution(graph, cotangent, weight, geometry) : undefined;
  return mirrored ?? transposedConvolution(graph, cotangent, weight, geometry, group);
}

/** The adjoint of a grouped convolution, group by group. */
function ungroupedConvolution(
  graph: GraphBuilder,
  cotangent: Value,
  weight: Value,
  geometry: StaticGeometry,
  group: number,
): Value {
  const cotangents = graph.ops('Split', [cotangent], group, { axis: 1 });
  const weights = graph.ops('Split', [weight], group, { axis: 0 });
  const parts = cotangents.map((part, i) => transposedConvolution(graph, part, weights[i] ?? weight, geometry, 1));
  return graph.op('Concat', parts, { axis: 1 });
}

/**
 * With unit strides the adjoint is itself a convolution, by the mirrored kernel with the channels exchanged. With a
 * constant weight and enough channels, ONNX Runtime's CPU runs that up to 1.7 times as fast as ConvTranspose (64
 * channels, 3×3); with few channels it is slower. Undefined where it does not apply.
 */
function mirroredConvolution(
  graph: GraphBuilder,
  cotangent: Value,
  weight: Value,
  geometry: StaticGeometry,
): Value | undefined {
  const { kernel, strides, dilations, padsBegin, padsEnd } = geometry;
  const [, channels = 1] = weight.shape;
  if (!weight.constant || Number(channels) < MIRROR_CHANNELS || strides.some((stride) => stride !== 1))
    return undefined;
  const rest = (pads: number[]): number[] => pads.map((pad, i) => span(kernel[i] ?? 1, dilations[i] ?? 1) - 1 - pad);
  const mirroredPads = [...rest(padsBegin), ...rest(padsEnd)];
  if (mirroredPads.some((pad) => pad < 0)) return undefined;
  const mirrored = graph.tensor(mirrorKernel(weight.constant));
  const attributes = attributesOf({ ...geometry, padsBegin: rest(padsBegin), padsEnd: rest(padsEnd) }, 1);
  return graph.op('Conv', [cotangent, mirrored], attributes);
}

/** [M, C, ...kernel] → [C, M, ...kernel], each kernel read backwards. */
function mirrorKernel(weight: Tensor): Tensor {
  const [outputs = 1, inputs = 1, ...kernel] = weight.shape;
  const exchanged = transposeTensor(
    weight,
    [...weight.shape.keys()].map((axis) => (axis < 2 ? 1 - axis : axis)),
  );
  const size = elementCount(kernel);
  for (let i = 0; i < outputs * inputs; i++) exchanged.data.subarray(i * size, (i + 1) * size).reverse();
  return exchanged;
}

/**
 * The cotangent of the weight of y = conv(x, w): [M, C/g, ...kernel].
 * Group by group, output channel m sees the C/g channels of its group as a batch and the N images as channels.
 */
function weightCotangent(
  graph: GraphBuilder,
  x: Value,
  cotangent: Value,
  geometry: StaticGeometry,
  group: number,
): Value {
  const { kernel, strides, dilations, padsBegin, inputSize, outputSize } = geometry;
  const [batch = 1, channels = 1] = x.shape;
  const spatial = spatialAxes(x.shape);
  const swap = [1, 0, ...spatial];
  let images: Value;
  if (group === 1) {
    images = graph.transpose(x, swap);
  } else {
    const perGroup: Dim = divideDims(channels, group) ?? 1;
    const grouped = reshapeTo(graph, x, [batch, group, perGroup, ...x.shape.slice(2)]);
    const exchanged = graph.transpose(grouped, [2, 1, 0, ...spatial.map((axis) => axis + 1)]);
    images = graph.reshape(exchanged, [Number(perGroup), -1, ...inputSize]);
  }
  const ends = inputSize.map((size, i) => {
    const stride = strides[i] ?? 1;
    const needed = span(kernel[i] ?? 1, dilations[i] ?? 1) + ((outputSize[i] ?? 1) - 1) * stride;
    return needed - size - (padsBegin[i] ?? 0);
  });
  // Input beyond the last window (negative padding) makes the result longer than the kernel: cut.
  const result = graph.op('Conv', [images, graph.transpose(cotangent, swap)], {
    kernel_shape: outputSize,
    strides: dilations,
    dilations: strides,
    pads: [...padsBegin, ...ends.map((end) => Math.max(0, end))],
    group,
  });
  const tooLong = spatial.filter((axis, i) => result.shape[axis] !== kernel[i]);
  if (tooLong.length === 0) return graph.transpose(result, swap);
  const starts = tooLong.map(() => 0);
  const stops = tooLong.map((axis) => kernel[axis - 2] ?? 1);
  const exact = graph.op('Slice', [result, graph.ints(starts), graph.ints(stops), graph.ints(tooLong)]);
  return graph.transpose(exact, swap);
}

/** x [N, C, ...], w [M, C/g, ...], b [M] → [N, M, ...] */
export const CONV: OpRule = {
  inputs: [2, 3],
  attributes: { ...WINDOW_ATTRIBUTES, group: 'int' },
  infer: (node) => {
    const x = requireInput(node, 0);
    const w = requireInput(node, 1);
    const group = numberAttribute(node, 'group', 1);
    if (x.type !== w.type) throw nodeError(node, `operands differ in type: ${x.type} and ${w.type}`);
    if (x.shape.length < 3 || x.shape.length !== w.shape.length)
      throw nodeError(node, 'input and weight must both be [.., .., spatial…]');
    const [, channels = 1] = x.shape;
    const [outputs = 1, perGroup = 1] = w.shape;
    if (channels !== multiplyDims(perGroup, group) || divideDims(outputs, group) === undefined) {
      throw nodeError(node, `${channels} channels do not suit a weight of ${perGroup} in each of ${group} groups`);
    }
    const bias = node.inputs[2];
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outputs))
      throw nodeError(node, `the bias must be [${outputs}]`);
    return [{ type: x.type, shape: [x.shape[0] ?? 1, outputs, ...convGeometry(node).outputSize] }];
  },
  vjp: (context) => {
    const { graph, node, cotangent, input, wants } = context;
    const geometry = requireStatic(node, convGeometry(node));
    const group = numberAttribute(node, 'group', 1);
    return [
      wants(0) ? inputCotangent(context, geometry, group) : undefined,
      wants(1) ? weightCotangent(graph, input(0), cotangent, geometry, group) : undefined,
      wants(2) ? graph.reduceSum(cotangent, [0, ...spatialAxes(cotangent.shape)], false) : undefined,
    ];
  },
};

/** The convolution that y = convTranspose(x, w) is the adjoint of: it maps the shape of y to the shape of x. */
function adjointGeometry(node: NodeContext | GraphNode): WindowGeometry {
  const outputSize = requireInput(node, 0).shape.slice(2);
  const kernel = kernelOf(node);
  const rank = outputSize.length;
  if (kernel.length !== rank) throw nodeError(node, 'weight and input differ in rank');
  if (node.attributes['output_shape'] || stringAttribute(node, 'auto_pad', 'NOTSET') !== 'NOTSET') {
    throw nodeError(node, 'output_shape and auto_pad are not supported; give pads and output_padding');
  }
  const strides = windowAxes(node, 'strides', rank, 1);
  const dilations = windowAxes(node, 'dilations', rank, 1);
  const outputPadding = windowAxes(node, 'output_padding', rank, 0);
  const pads = windowAxes(node, 'pads', 2 * rank, 0);
  const padsBegin = pads.slice(0, rank);
  const padsEnd = pads.slice(rank);
  const inputSize = outputSize.map((size, i): Dim => {
    if (typeof size === 'string') return `${node.name.replaceAll('*', '_')}.${i}`;
    const full = (size - 1) * (strides[i] ?? 1) + span(kernel[i] ?? 1, dilations[i] ?? 1) + (outputPadding[i] ?? 0);
    return full - (padsBegin[i] ?? 0) - (padsEnd[i] ?? 0);
  });
  return { kernel, strides, dilations, padsBegin, padsEnd, inputSize, outputSize };
}

/** x [N, C, ...], w [C, M/g, ...], b [M] → [N, M, ...] */
export const CONV_TRANSPOSE: OpRule = {
  inputs: [2, 3],
  attributes: { ...WINDOW_ATTRIBUTES, group: 'int', output_padding: 'ints', output_shape: 'ints' },
  infer: (node) => {
    const x = requireInput(node, 0);
    const w = requireInput(node, 1);
    const group = numberAttribute(node, 'group', 1);
    if (x.type !== w.type) throw nodeError(node, `operands differ in type: ${x.type} and ${w.type}`);
    if (x.shape[1] !== w.shape[0])
      throw nodeError(node, `${x.shape[1]} channels do not suit a weight of ${w.shape[0]}`);
    const perGroup = w.shape[1];
    if (typeof perGroup !== 'number') throw nodeError(node, 'the numbers of channels must be known');
    return [{ type: x.type, shape: [x.shape[0] ?? 1, perGroup * group, ...adjointGeometry(node).inputSize] }];
  },
  vjp: ({ graph, node, cotangent, input, wants }) => {
    const geometry = requireStatic(node, adjointGeometry(node));
    const group = numberAttribute(node, 'group', 1);
    return [
      wants(0) ? graph.op('Conv', [cotangent, input(1)], attributesOf(geometry, group)) : undefined,
      wants(1) ? weightCotangent(graph, cotangent, input(0), geometry, group) : undefined,
      wants(2) ? graph.reduceSum(cotangent, [0, ...spatialAxes(cotangent.shape)], false) : undefined,
    ];
  },
};
