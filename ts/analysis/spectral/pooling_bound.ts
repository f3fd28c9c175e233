/**
 * Pooling over windows. Max-pooling: each output moves by at most the norm of its window's change, so that the constant
 * is the square root of how many windows an element lies in, 1 when they are disjoint. Averaging is linear and the
 * product of a map for each axis, so that its norm is the product of theirs.
 */
import { numberAttribute, numbersAttribute } from '../../onnx/op_rule.ts';
import { requireStatic, type StaticGeometry, windowGeometry } from '../../onnx/ops/spatial_window.ts';
import type { Bound } from './layer_rule.ts';
import { matrixOperator } from './linear_operator.ts';
import { operatorNorm } from './operator_norm.ts';
import type { ChainLink } from './sequential_chain.ts';

/** Windows of 3 with stride 2 overlap in two at most along each axis: factor 2 in the plane. */
export function maxPoolBound(link: ChainLink): Bound {
  const overlap = axisWindows(link).map(({ windows, inputs }) => {
    const covered = new Float64Array(inputs);
    for (const window of windows) for (const at of window.inside) covered[at] = (covered[at] ?? 0) + 1;
    return Math.max(...covered);
  });
  return { kind: 'pooling', norm: Math.sqrt(overlap.reduce((product, count) => product * count, 1)) };
}

export function averagePoolBound(link: ChainLink): Bound {
  const includesPadding = numberAttribute(link.node, 'count_include_pad', 0) !== 0;
  const norms = axisWindows(link).map(({ windows, inputs }) => {
    const matrix = new Float64Array(windows.length * inputs);
    windows.forEach(({ inside, padded }, row) => {
      for (const at of inside) matrix[row * inputs + at] = 1 / (includesPadding ? padded : inside.length);
    });
    return operatorNorm(matrixOperator(matrix, windows.length, inputs));
  });
  return {
    kind: 'pooling',
    norm: norms.reduce((product, { norm }) => product * norm, 1),
    verified: norms.every(({ verified }) => verified),
  };
}

interface AxisWindow {
  /** Input positions. */
  inside: number[];
  /** How many positions it has with the padding, cut off where the padding ends. */
  padded: number;
}

function axisWindows({ node, input }: ChainLink): { windows: AxisWindow[]; inputs: number }[] {
  const kernel = numbersAttribute(node, 'kernel_shape') ?? [];
  const geometry = requireStatic(node, windowGeometry(node, input.shape, kernel));
  return geometry.inputSize.map((inputs, axis) => ({ inputs, windows: windowsAlong(geometry, axis) }));
}

function windowsAlong(geometry: StaticGeometry, axis: number): AxisWindow[] {
  const of = (
    name: 'kernel' | 'strides' | 'dilations' | 'padsBegin' | 'padsEnd' | 'inputSize' | 'outputSize',
  ): number => geometry[name][axis] ?? 0;
  return Array.from({ length: of('outputSize') }, (_, o) => {
    const positions = Array.from(
      { length: of('kernel') },
      (_unused, k) => o * of('strides') + k * of('dilations') - of('padsBegin'),
    );
    return {
      inside: positions.filter((at) => at >= 0 && at < of('inputSize')),
      padded: positions.filter((at) => at < of('inputSize') + of('padsEnd')).length,
    };
  });
}
