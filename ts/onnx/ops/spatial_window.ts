/**
 * Geometry of sliding windows (convolution and pooling), per spatial axis: output o covers the input positions
 * o·stride + k·dilation - padBegin for k in 0..kernel-1.
 */
import {
  type NodeContext,
  nodeError,
  numberAttribute,
  numbersAttribute,
  requireInput,
  stringAttribute,
} from '../op_rule.ts';
import type { Dim, Shape } from '../shape.ts';
import type { GraphNode } from '../value.ts';

export interface WindowGeometry {
  kernel: number[];
  strides: number[];
  dilations: number[];
  padsBegin: number[];
  padsEnd: number[];
  inputSize: Dim[];
  outputSize: Dim[];
}

/** A geometry whose sizes are all known, which differentiation needs. */
export interface StaticGeometry extends WindowGeometry {
  inputSize: number[];
  outputSize: number[];
}

export const WINDOW_ATTRIBUTES = {
  auto_pad: 'string',
  dilations: 'ints',
  kernel_shape: 'ints',
  pads: 'ints',
  strides: 'ints',
} as const;

export function windowAxes(node: NodeContext | GraphNode, name: string, rank: number, fallback: number): number[] {
  const values = numbersAttribute(node, name) ?? new Array<number>(rank).fill(fallback);
  if (values.length !== rank) throw nodeError(node, `expected ${rank} ${name} but received ${values.length}`);
  return [...values];
}

/** Elements that a dilated kernel spans. */
export function span(kernel: number, dilation: number): number {
  return (kernel - 1) * dilation + 1;
}

/** @param inputShape [N, C, ...spatial] */
export function windowGeometry(
  node: NodeContext | GraphNode,
  inputShape: Shape,
  kernel: readonly number[],
): WindowGeometry {
  const inputSize = inputShape.slice(2);
  const rank = inputSize.length;
  if (rank === 0 || kernel.length !== rank)
    throw nodeError(node, `a kernel of rank ${kernel.length} does not suit the input`);
  const strides = windowAxes(node, 'strides', rank, 1);
  const dilations = windowAxes(node, 'dilations', rank, 1);
  const pads = numbersAttribute(node, 'pads') ?? new Array<number>(2 * rank).fill(0);
  if (pads.length !== 2 * rank) throw nodeError(node, `expected ${2 * rank} pads but received ${pads.length}`);
  const padsBegin = pads.slice(0, rank);
  const padsEnd = pads.slice(rank);
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  const ceil = numberAttribute(node, 'ceil_mode', 0) !== 0;
  const outputSize = inputSize.map((size, i): Dim => {
    const stride = strides[i] ?? 1;
    const reach = span(kernel[i] ?? 1, dilations[i] ?? 1);
    if (typeof size === 'string') {
      if (autoPad.startsWith('SAME')) throw nodeError(node, `auto_pad ${autoPad} needs a known size, not ${size}`);
      return `${node.name.replaceAll('*', '_')}.${i}`;
    }
    if (autoPad === 'VALID') {
      padsBegin[i] = 0;
      padsEnd[i] = 0;
    } else if (autoPad.startsWith('SAME')) {
      const total = Math.max((Math.ceil(size / stride) - 1) * stride + reach - size, 0);
      const small = Math.floor(total / 2);
      padsBegin[i] = autoPad === 'SAME_UPPER' ? small : total - small;
      padsEnd[i] = total - (padsBegin[i] ?? 0);
    }
    const begin = padsBegin[i] ?? 0;
    const room = size + begin + (padsEnd[i] ?? 0) - reach;
    if (room < 0)
      throw nodeError(node, `the kernel spans ${reach}, more than the padded input along spatial axis ${i}`);
    const count = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    // A last window that ceil_mode would start in the padding alone is dropped.
    return ceil && (count - 1) * stride >= size + begin ? count - 1 : count;
  });
  return { kernel: [...kernel], strides, dilations, padsBegin, padsEnd, inputSize, outputSize };
}

export function requireStatic(node: GraphNode, geometry: WindowGeometry): StaticGeometry {
  const isNumber = (size: Dim): size is number => typeof size === 'number';
  const { inputSize, outputSize } = geometry;
  if (!inputSize.every(isNumber) || !outputSize.every(isNumber)) {
    throw nodeError(node, 'to differentiate, the height and width must be known');
  }
  return { ...geometry, inputSize, outputSize };
}

/** Of a pooling node. */
export function poolGeometry(node: NodeContext | GraphNode): WindowGeometry {
  const kernel = numbersAttribute(node, 'kernel_shape');
  if (!kernel) throw nodeError(node, 'kernel_shape is missing');
  return windowGeometry(node, requireInput(node, 0).shape, kernel);
}
