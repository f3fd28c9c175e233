/**
 * Max-pool's backward pass: the cotangent goes to the winner of each window. No operator does it, and no one form
 * runs everywhere (WebGPU has no Indices output), so there are several:
 *   cpu      Indices of the forward pass, laid back by MaxUnpool (windows without overlap) or added up by
 *            ScatterElements; ties: the first element wins;
 *   webgpu, windows that tile the input: compare each element with its window's maximum by broadcasting;
 *   webgpu, otherwise: windows gathered by Slice, compared, and laid back by a fixed transposed convolution.
 * The webgpu forms share the cotangent equally among tied elements: also a subgradient.
 */
import { reshapeTo } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import type { VjpContext } from '../op_rule.ts';
import { multiplyDims, type Shape } from '../shape.ts';
import type { Value } from '../value.ts';
import { transposedConvolution } from './convolution.ts';
import { type StaticGeometry, span } from './spatial_window.ts';

/** Below every activation, but finite, so that products with 0 stay 0. */
const BELOW_EVERYTHING = -3e38;

export function maxPoolCotangent(context: VjpContext, geometry: StaticGeometry): Value {
  if (context.target === 'cpu') return scatterToWinners(context, geometry);
  return tiles(geometry) ? compareTiles(context, geometry) : compareWindows(context, geometry);
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

/** Windows without overlap, padding or leftover. */
function tiles({ kernel, strides, dilations, padsBegin, inputSize, outputSize }: StaticGeometry): boolean {
  return kernel.every(
    (k, i) =>
      k === strides[i] &&
      (k === 1 || dilations[i] === 1) &&
      padsBegin[i] === 0 &&
      k * (outputSize[i] ?? 0) === inputSize[i],
  );
}

/** `winners` is 1 where an element equals its window's maximum; `axes` run over the window. */
function shareAmongWinners(graph: GraphBuilder, equal: Value, cotangent: Value, axes: readonly number[]): Value {
  const { type } = cotangent;
  const winners = graph.where(equal, graph.scalar(1, type), graph.scalar(0, type));
  return graph.mul(winners, graph.div(cotangent, graph.reduceSum(winners, axes)));
}

function compareTiles({ graph, cotangent, input, output }: VjpContext, geometry: StaticGeometry): Value {
  const x = input(0);
  const { kernel, outputSize } = geometry;
  const images = multiplyDims(x.shape[0] ?? 1, x.shape[1] ?? 1);
  const open: Shape = [images, ...outputSize.flatMap((size) => [size, 1])];
  const tiled: Shape = [images, ...outputSize.flatMap((size, i) => [size, kernel[i] ?? 1])];
  const equal = graph.op('Equal', [reshapeTo(graph, x, tiled), reshapeTo(graph, output(0), open)]);
  const axes = kernel.map((_, i) => 2 * i + 2);
  return reshapeTo(graph, shareAmongWinners(graph, equal, reshapeTo(graph, cotangent, open), axes), x.shape);
}

function compareWindows({ graph, cotangent, input, output }: VjpContext, geometry: StaticGeometry): Value {
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
  const equal = graph.op('Equal', [windows, reshapeTo(graph, output(0), [images, 1, ...outputSize])]);
  const shares = shareAmongWinners(graph, equal, reshapeTo(graph, cotangent, [images, 1, ...outputSize]), [1]);
  // Channel j of `shares` belongs to offset j: a one-hot kernel puts it back there.
  const count = offsets.length;
  const oneHot = new Float64Array(count * count);
  for (let j = 0; j < count; j++) oneHot[j * count + j] = 1;
  const weight = graph.constant(x.type === 'float64' ? oneHot : Float32Array.from(oneHot), [count, 1, ...kernel]);
  return reshapeTo(graph, transposedConvolution(graph, shares, weight, geometry, 1), x.shape);
}
