/**
 * Max-pool's backward pass: the cotangent goes to the winner of each window. No operator does it, and no one form
 * runs everywhere (WebGPU has no Indices output), so there are several:
 *   cpu      Indices of the forward pass, laid back by MaxUnpool (windows without overlap) or added up by
 *            ScatterElements; ties: the first element wins;
 *   webgpu, windows that tile the input: compare each element with its window's maximum by broadcasting;
 *   webgpu, otherwise: windows gathered by Slice, compared, and laid back by a fixed transposed convolution.
 * The webgpu forms share the cotangent equally among tied elements: also a subgradient. With rounded kinks it is shared by
 * a softmax (soft_max_pool.ts).
 */
import { reshapeTo } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import type { VjpContext } from '../op_rule.ts';
import { multiplyDims, type Shape } from '../shape.ts';
import type { Value } from '../value.ts';
import { gatherWindows, layWindows, oneChannel } from './gathered_windows.ts';
import { softMaxPoolCotangent } from './soft_max_pool.ts';
import { type StaticGeometry, span } from './spatial_window.ts';
import { tiles } from './tiles.ts';

export function maxPoolCotangent(context: VjpContext, geometry: StaticGeometry): Value {
  const rounded = softMaxPoolCotangent(context);
  if (rounded) return rounded;
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

/** 1 where an element equals its window's maximum. */
function winners(graph: GraphBuilder, elements: Value, maximum: Value): Value {
  const { type } = elements;
  return graph.where(graph.op('Equal', [elements, maximum]), graph.scalar(1, type), graph.scalar(0, type));
}

/** `axes` run over the window. */
function share(graph: GraphBuilder, weights: Value, cotangent: Value, axes: readonly number[]): Value {
  return graph.mul(weights, graph.div(cotangent, graph.reduceSum(weights, axes)));
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

function compareWindows({ graph, cotangent, input, output }: VjpContext, geometry: StaticGeometry): Value {
  const x = input(0);
  const weights = winners(graph, gatherWindows(graph, x, geometry), oneChannel(graph, output(0), geometry));
  return layWindows(graph, share(graph, weights, oneChannel(graph, cotangent, geometry), [1]), x, geometry);
}
