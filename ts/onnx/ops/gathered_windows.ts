/** The windows of a pool side by side, whatever their overlap and padding: by Slice, and back by a transposed convolution. */
import { reshapeTo } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { multiplyDims } from '../shape.ts';
import type { Value } from '../value.ts';
import { transposedConvolution } from './convolution.ts';
import { type StaticGeometry, span } from './spatial_window.ts';

/** Below every activation, but finite, so that products with 0 stay 0. */
const BELOW_EVERYTHING = -3e38;

/** [N, C, …input] → [N·C, elements of a window, …output]; what lies in the padding is below everything. */
export function gatherWindows(graph: GraphBuilder, x: Value, geometry: StaticGeometry): Value {
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
  return slices.length === 1 && slices[0] ? slices[0] : graph.op('Concat', slices, { axis: 1 });
}

/** The adjoint: windows as above, added up in the shape of x. */
export function layWindows(graph: GraphBuilder, windows: Value, x: Value, geometry: StaticGeometry): Value {
  // Channel j belongs to offset j: a one-hot kernel puts it back there.
  const count = geometry.kernel.reduce((product, k) => product * k, 1);
  const oneHot = new Float64Array(count * count);
  for (let j = 0; j < count; j++) oneHot[j * count + j] = 1;
  const data = x.type === 'float64' ? oneHot : Float32Array.from(oneHot);
  const weight = graph.constant(data, [count, 1, ...geometry.kernel]);
  return reshapeTo(graph, transposedConvolution(graph, windows, weight, geometry, 1), x.shape);
}

/** [N, C, …output] → [N·C, 1, …output] */
export function oneChannel(graph: GraphBuilder, value: Value, { outputSize }: StaticGeometry): Value {
  return reshapeTo(graph, value, [multiplyDims(value.shape[0] ?? 1, value.shape[1] ?? 1), 1, ...outputSize]);
}
