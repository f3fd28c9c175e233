/** Windows that tile their input: without overlap, padding or leftover. */
import { reshapeTo } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { multiplyDims } from '../shape.ts';
import type { Value } from '../value.ts';
import type { StaticGeometry } from './spatial_window.ts';

export function tiles({ kernel, strides, dilations, padsBegin, inputSize, outputSize }: StaticGeometry): boolean {
  return kernel.every(
    (k, i) =>
      k === strides[i] &&
      (k === 1 || dilations[i] === 1) &&
      padsBegin[i] === 0 &&
      k * (outputSize[i] ?? 0) === inputSize[i],
  );
}

/**
 * combine(full, pooled repeated over its tiles), for full [N, C, …input] and pooled [N, C, …output].
 *
 * Broadcasting repeats along the first axis only: along the last it would go element by element, which takes ONNX
 * Runtime ten times as long on a CPU as the product with a matrix of zeros and ones that repeats there.
 */
export function combineTiles(
  graph: GraphBuilder,
  full: Value,
  pooled: Value,
  geometry: StaticGeometry,
  combine: (full: Value, pooled: Value) => Value,
): Value {
  const { kernel, inputSize, outputSize } = geometry;
  const images = multiplyDims(full.shape[0] ?? 1, full.shape[1] ?? 1);
  const last = kernel.length - 1;
  const size = [...outputSize];
  let repeated = reshapeTo(graph, pooled, [images, ...size]);
  for (let axis = last; axis > 0; axis--) {
    const k = kernel[axis] ?? 1;
    const [before, extent, after] = [size.slice(0, axis), size[axis] ?? 1, size.slice(axis + 1)];
    size[axis] = extent * k;
    if (k === 1) continue;
    if (axis === last) repeated = graph.matmul(repeated, repetition(graph, extent, k, full.type));
    else {
      const open = reshapeTo(graph, repeated, [images, ...before, extent, 1, ...after]);
      const ones = graph.filled(1, [1, ...before.map(() => 1), 1, k, ...after.map(() => 1)], full.type);
      repeated = graph.mul(open, ones);
    }
    repeated = reshapeTo(graph, repeated, [images, ...size]);
  }
  const [first = 1, k = 1] = [outputSize[0], kernel[0]];
  const rest = inputSize.slice(1);
  const combined = combine(
    reshapeTo(graph, full, [images, first, k, ...rest]),
    reshapeTo(graph, repeated, [images, first, 1, ...rest]),
  );
  return reshapeTo(graph, combined, full.shape);
}

/** [extent, extent·k]: column j is one at row ⌊j/k⌋. */
function repetition(graph: GraphBuilder, extent: number, k: number, type: Value['type']): Value {
  const width = extent * k;
  const matrix = new Float64Array(extent * width);
  for (let j = 0; j < width; j++) matrix[Math.floor(j / k) * width + j] = 1;
  return graph.constant(type === 'float64' ? matrix : Float32Array.from(matrix), [extent, width]);
}
