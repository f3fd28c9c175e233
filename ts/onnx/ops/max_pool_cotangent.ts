/**
 * Max-pool's backward pass: the cotangent goes to the winner of each window. No operator does it, and no one form
 * runs everywhere (WebGPU has no Indices output), so there are several:
 *   cpu      Indices of the forward pass, laid back by MaxUnpool (windows without overlap) or added up by
 *            ScatterElements; ties: the first element wins;
 *   webgpu, windows that tile the input: compare each element with its window's maximum by broadcasting;
 *   webgpu, otherwise: windows gathered by Slice, compared, and laid back by a fixed transposed convolution.
 * The webgpu forms share the cotangent equally among tied elements: also a subgradient. So do those with rounded kinks
 * (rounded_kinks.ts), where an element's share is its softmax in the window:
 *   windows that tile the input: what belongs to a window is repeated over its tile;
 *   otherwise: windows gathered by Slice, as above.
 */
import { reshapeTo } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import type { VjpContext } from '../op_rule.ts';
import { type Dim, elementCount, multiplyDims, type Shape } from '../shape.ts';
import type { Value } from '../value.ts';
import { transposedConvolution } from './convolution.ts';
import { type Rounding, roundingOf } from './rounded_kinks.ts';
import { type StaticGeometry, span } from './spatial_window.ts';
import { combineTiles, tiles } from './tiles.ts';

/** Below every activation, but finite, so that products with 0 stay 0. */
const BELOW_EVERYTHING = -3e38;

export function maxPoolCotangent(context: VjpContext, geometry: StaticGeometry): Value {
  const rounding = roundingOf(context, context.output(0));
  if (rounding) {
    return tiles(geometry) ? softTiles(context, geometry, rounding) : shareWindows(context, geometry, rounding);
  }
  if (context.target === 'cpu') return scatterToWinners(context, geometry);
  return tiles(geometry) ? compareTiles(context, geometry) : shareWindows(context, geometry);
}

function scatterToWinners({ graph, node, cotangent, input }: VjpContext, geometry: StaticGeometry): Value {
  const x = input(0);
  const [, indices] = graph.ops('MaxPool', [x], 2, node.attributes);
  if (!indices) throw new TypeError('MaxPool made no indices');
  if (x.type === 'float32' && isDisjoint(geometry)) {
    const { kernel, strides } = geometry;
    const attributes = { kernel_shape: kernel, strides };
    return graph.op('MaxUnpool', [cotangent, indices, graph.op('Shape', [x])], attributes);
  }
  const flat = graph.ints([-1]);
  const zero = graph.filled(0, [1], x.type).constant;
  const zeros = graph.op('ConstantOfShape', [graph.op('Shape', [x])], zero ? { value: zero } : {});
  const sums = graph.op(
    'ScatterElements',
    [graph.op('Reshape', [zeros, flat]), graph.op('Reshape', [indices, flat]), graph.op('Reshape', [cotangent, flat])],
    { axis: 0, reduction: 'add' },
  );
  return reshapeTo(graph, sums, x.shape);
}

/** Windows without overlap, so that no element wins twice, and within the input, as MaxUnpool demands. */
function isDisjoint({ kernel, strides, dilations, padsBegin, inputSize, outputSize }: StaticGeometry): boolean {
  return kernel.every((k, i) => {
    const [stride = 1, size = 1, count = 1] = [strides[i], inputSize[i], outputSize[i]];
    const reach = span(k, dilations[i] ?? 1);
    return reach <= stride && padsBegin[i] === 0 && (count - 1) * stride + reach <= size;
  });
}

/** 1 where an element equals its window's maximum. */
function winners(graph: GraphBuilder, elements: Value, maximum: Value): Value {
  const { type } = elements;
  return graph.where(graph.op('Equal', [elements, maximum]), graph.scalar(1, type), graph.scalar(0, type));
}

/** exp((element - maximum)/w): the softmax before it is divided by its sum. */
function softWinners(graph: GraphBuilder, x: Value, difference: Value, { sharpness }: Rounding): Value {
  // Rows are images again while the width, one an image, is multiplied.
  const [batch = 1, ...row] = x.shape;
  const elements = difference.shape.slice(1).reduce<Dim>(multiplyDims, 1);
  const byImage = [batch, multiplyDims(row[0] ?? 1, elements), ...row.slice(1).map(() => 1)];
  const exponents = graph.mul(reshapeTo(graph, difference, byImage), sharpness);
  return reshapeTo(graph, graph.exp(exponents), difference.shape);
}

/** `axes` run over the window. */
function share(graph: GraphBuilder, weights: Value, cotangent: Value, axes: readonly number[]): Value {
  return graph.mul(weights, graph.div(cotangent, graph.reduceSum(weights, axes)));
}

function softTiles(
  { graph, cotangent, input, output }: VjpContext,
  geometry: StaticGeometry,
  rounding: Rounding,
): Value {
  const x = input(0);
  const { kernel } = geometry;
  const weights = combineTiles(graph, x, output(0), geometry, (elements, maximum) =>
    softWinners(graph, x, graph.sub(elements, maximum), rounding),
  );
  const mean = graph.op('AveragePool', [weights], { kernel_shape: kernel, strides: kernel });
  const sum = graph.mul(mean, graph.scalar(elementCount(kernel), x.type));
  const shares = graph.div(cotangent, sum);
  return combineTiles(graph, weights, shares, geometry, (weight, repeated) => graph.mul(weight, repeated));
}

function compareTiles({ graph, cotangent, input, output }: VjpContext, geometry: StaticGeometry): Value {
  const x = input(0);
  const { kernel, outputSize } = geometry;
  const images = multiplyDims(x.shape[0] ?? 1, x.shape[1] ?? 1);
  const open: Shape = [images, ...outputSize.flatMap((size) => [size, 1])];
  const tiled: Shape = [images, ...outputSize.flatMap((size, i) => [size, kernel[i] ?? 1])];
  const weights = winners(graph, reshapeTo(graph, x, tiled), reshapeTo(graph, output(0), open));
  const axes = kernel.map((_, i) => 2 * i + 2);
  return reshapeTo(graph, share(graph, weights, reshapeTo(graph, cotangent, open), axes), x.shape);
}

function shareWindows(
  { graph, cotangent, input, output }: VjpContext,
  geometry: StaticGeometry,
  rounding?: Rounding,
): Value {
  const x = input(0);
  const { kernel, strides, dilations, padsBegin, inputSize, outputSize } = geometry;
  const images = multiplyDims(x.shape[0] ?? 1, x.shape[1] ?? 1);
  const axes = kernel.map((_, i) => i + 2);
  const ends = inputSize.map((size, i) => {
    const reach = ((outputSize[i] ?? 1) - 1) * (strides[i] ?? 1) + span(kernel[i] ?? 1, dilations[i] ?? 1);
    return Math.max(0, reach - size - (padsBegin[i] ?? 0));
  });
  let padded = reshapeTo(graph, x, [images, 1, ...inputSize]);
  if ([...padsBegin, ...ends].some((pad) => pad > 0)) {
    const pads = graph.ints([0, 0, ...padsBegin, 0, 0, ...ends]);
    padded = graph.op('Pad', [padded, pads, graph.scalar(BELOW_EVERYTHING, x.type)]);
  }
  const offsets = kernel.reduce<number[][]>(
    (outer, k) => outer.flatMap((offset) => Array.from({ length: k }, (_, j) => [...offset, j])),
    [[]],
  );
  const slices = offsets.map((offset) => {
    const starts = offset.map((j, i) => j * (dilations[i] ?? 1));
    const stops = starts.map((start, i) => start + ((outputSize[i] ?? 1) - 1) * (strides[i] ?? 1) + 1);
    return graph.op('Slice', [padded, graph.ints(starts), graph.ints(stops), graph.ints(axes), graph.ints(strides)]);
  });
  const windows = slices.length === 1 && slices[0] ? slices[0] : graph.op('Concat', slices, { axis: 1 });
  const maximum = reshapeTo(graph, output(0), [images, 1, ...outputSize]);
  const weights = rounding
    ? softWinners(graph, x, graph.sub(windows, maximum), rounding)
    : winners(graph, windows, maximum);
  const shares = share(graph, weights, reshapeTo(graph, cotangent, [images, 1, ...outputSize]), [1]);
  // Channel j of `shares` belongs to offset j: a one-hot kernel puts it back there.
  const count = offsets.length;
  const oneHot = new Float64Array(count * count);
  for (let j = 0; j < count; j++) oneHot[j * count + j] = 1;
  const weight = graph.constant(x.type === 'float64' ? oneHot : Float32Array.from(oneHot), [count, 1, ...kernel]);
  return reshapeTo(graph, transposedConvolution(graph, shares, weight, geometry, 1), x.shape);
}
