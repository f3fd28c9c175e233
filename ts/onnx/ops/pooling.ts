/** Pooling over windows. Max-pool's backward pass is in max_pool_cotangent.ts. */
import { reshapeTo } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import {
  type NodeContext,
  nodeError,
  numberAttribute,
  type OpRule,
  requireConstantNumbers,
  requireInput,
} from '../op_rule.ts';
import { type Dim, elementCount, isStatic, multiplyDims } from '../shape.ts';
import type { Value } from '../value.ts';
import { transposedConvolution } from './convolution.ts';
import { maxPoolCotangent } from './max_pool_cotangent.ts';
import { poolGeometry, requireStatic, type StaticGeometry, WINDOW_ATTRIBUTES } from './spatial_window.ts';
import { tiles } from './tiles.ts';

function pooledShape(node: NodeContext): Dim[] {
  const { shape } = requireInput(node, 0);
  return [...shape.slice(0, 2), ...poolGeometry(node).outputSize];
}

export const MAX_POOL: OpRule = {
  inputs: [1, 1],
  outputs: [1, 2],
  attributes: { ...WINDOW_ATTRIBUTES, ceil_mode: 'int', storage_order: 'int' },
  infer: (node) => {
    const shape = pooledShape(node);
    return [
      { type: requireInput(node, 0).type, shape },
      { type: 'int64', shape },
    ];
  },
  vjp: (context) => [maxPoolCotangent(context, requireStatic(context.node, poolGeometry(context.node)))],
  roundsKinks: 'leads',
};

/** How many elements each window averages, [1, 1, ...output]; one number when it is the same everywhere. */
export function windowCounts(geometry: StaticGeometry, includePad: boolean): number | Float64Array {
  const { kernel, strides, dilations, padsBegin, padsEnd, inputSize, outputSize } = geometry;
  const perAxis = outputSize.map((size, i) => {
    const [k = 1, stride = 1, dilation = 1, begin = 0, end = 0, extent = 1] = [
      kernel[i],
      strides[i],
      dilations[i],
      padsBegin[i],
      padsEnd[i],
      inputSize[i],
    ];
    const low = includePad ? -begin : 0;
    const high = includePad ? extent + end : extent;
    return Array.from({ length: size }, (_, o) => {
      let count = 0;
      for (let j = 0; j < k; j++) {
        const at = o * stride + j * dilation - begin;
        if (at >= low && at < high) count += 1;
      }
      return count;
    });
  });
  const counts = perAxis.reduce<number[]>((outer, axis) => outer.flatMap((a) => axis.map((b) => a * b)), [1]);
  const [first = 1] = counts;
  return counts.every((count) => count === first) ? first : Float64Array.from(counts);
}

/** [N, C, o₁, o₂] ⊗ constant → [N, C, o₁·k₁, o₂·k₂], each element repeated over its tile and scaled. */
function spreadOverTiles(graph: GraphBuilder, value: Value, geometry: StaticGeometry, scale: number): Value {
  const { kernel, inputSize, outputSize } = geometry;
  const [batch = 1, channels = 1] = value.shape;
  const open = reshapeTo(graph, value, [batch, channels, ...outputSize.flatMap((size) => [size, 1])]);
  const tile = graph.filled(scale, [1, 1, ...kernel.flatMap((k) => [1, k])], value.type);
  return reshapeTo(graph, graph.mul(open, tile), [batch, channels, ...inputSize]);
}

export const AVERAGE_POOL: OpRule = {
  inputs: [1, 1],
  attributes: {
    auto_pad: 'string',
    kernel_shape: 'ints',
    pads: 'ints',
    strides: 'ints',
    ceil_mode: 'int',
    count_include_pad: 'int',
  },
  infer: (node) => [{ type: requireInput(node, 0).type, shape: pooledShape(node) }],
  vjp: ({ graph, node, cotangent, input }) => {
    const x = input(0);
    const geometry = requireStatic(node, poolGeometry(node));
    const counts = windowCounts(geometry, numberAttribute(node, 'count_include_pad', 0) !== 0);
    if (typeof counts === 'number' && tiles(geometry)) return [spreadOverTiles(graph, cotangent, geometry, 1 / counts)];
    // Channels become images, so that one small kernel serves them all.
    const { kernel, inputSize, outputSize } = geometry;
    const images = multiplyDims(x.shape[0] ?? 1, x.shape[1] ?? 1);
    let shared = reshapeTo(graph, cotangent, [images, 1, ...outputSize]);
    if (typeof counts !== 'number') {
      const inverse = counts.map((count) => 1 / count);
      const data = x.type === 'float64' ? inverse : Float32Array.from(inverse);
      shared = graph.mul(shared, graph.constant(data, [1, 1, ...outputSize]));
    }
    const weight = graph.filled(typeof counts === 'number' ? 1 / counts : 1, [1, 1, ...kernel], x.type);
    return [
      reshapeTo(graph, transposedConvolution(graph, shared, weight, geometry, 1), [
        ...x.shape.slice(0, 2),
        ...inputSize,
      ]),
    ];
  },
};

/** [N, C, ...] → [N, C, 1, ...]: the mean over space. */
export const GLOBAL_AVERAGE_POOL: OpRule = {
  inputs: [1, 1],
  attributes: {},
  infer: (node) => {
    const { type, shape } = requireInput(node, 0);
    return [{ type, shape: shape.map((dim, i) => (i < 2 ? dim : 1)) }];
  },
  vjp: ({ graph, node, cotangent, input }) => {
    const spatial = input(0).shape.slice(2);
    if (!isStatic(spatial)) throw nodeError(node, 'to differentiate, the height and width must be known');
    const share = graph.filled(1 / elementCount(spatial), [1, 1, ...spatial], cotangent.type);
    return [graph.mul(cotangent, share)];
  },
};

/** Values put where a max-pool without overlap found them, zeros elsewhere; also made by max-pool's backward pass. */
export const MAX_UNPOOL: OpRule = {
  inputs: [3, 3],
  attributes: { kernel_shape: 'ints', pads: 'ints', strides: 'ints' },
  infer: (node) => {
    const shape = node.inputs[2]?.content ?? requireConstantNumbers(node, 2, 'the output shape');
    return [{ type: requireInput(node, 0).type, shape }];
  },
  vjp: ({ graph, cotangent, input }) => [
    graph.op('Gather', [graph.reshape(cotangent, [-1]), input(1)], { axis: 0 }),
    undefined,
    undefined,
  ],
};
