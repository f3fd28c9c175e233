/** The bound of a Conv node: its norm as it is run, beside the paper's circular one. */
import { numberAttribute } from '../../onnx/op_rule.ts';
import { requireStatic, windowGeometry } from '../../onnx/ops/spatial_window.ts';
import type { GraphNode, Value } from '../../onnx/value.ts';
import type { Convolution, Pair2 } from './convolution_geometry.ts';
import { convolutionOperator } from './convolution_operator.ts';
import { circularConvolutionNorm } from './convolution_symbol.ts';
import { type Bound, noRule, requireWeights } from './layer_rule.ts';
import { operatorNorm } from './operator_norm.ts';
import type { ChainLink } from './sequential_chain.ts';

/** @throws UNSUPPORTED_OP for three spatial dimensions or more. */
export function convolutionBound({ node, input }: ChainLink): Bound {
  const { convolution, padsBegin, outputSize } = convolutionOf(node, input);
  const operator = convolutionOperator({ ...convolution, padsBegin, outputSize });
  const { norm, verified } = operatorNorm(operator);
  return { kind: 'convolution', norm, verified, ...circularNorms(convolution), weightShape: weightShapeOf(node) };
}

/** By the paper's formula: Δ⁻¹ and N, and for strided ones as it is printed. */
export function circularNorms(convolution: Convolution): { circular: number; printed: number | null } {
  const isStrided = convolution.strides?.some((stride) => stride > 1) === true;
  return {
    circular: circularConvolutionNorm(convolution).norm,
    printed: isStrided ? circularConvolutionNorm(convolution, { reading: 'printed' }).norm : null,
  };
}

export function weightShapeOf(node: GraphNode): number[] {
  return [...requireWeights(node, 1).shape];
}

/** @throws UNSUPPORTED_OP for three spatial dimensions or more. */
export function convolutionOf(
  node: GraphNode,
  input: Value,
): { convolution: Convolution; padsBegin: Pair2; outputSize: Pair2 } {
  const { numbers, shape } = requireWeights(node, 1);
  const [outputChannels = 0, , ...kernel] = shape;
  if (kernel.length > 2) throw noRule(node, `its kernel has ${kernel.length} dimensions; 1 and 2 are covered`);
  const geometry = requireStatic(node, windowGeometry(node, input.shape, kernel));
  /** One dimension is a plane of height 1. */
  const pair = (sizes: readonly number[]): Pair2 => {
    const [a = 1, b] = sizes;
    return b === undefined ? [1, a] : [a, b];
  };
  const pads = geometry.padsBegin;
  return {
    convolution: {
      weights: numbers,
      outputChannels,
      inputChannels: Number(input.shape[1]),
      kernel: pair(geometry.kernel),
      inputSize: pair(geometry.inputSize),
      strides: pair(geometry.strides),
      dilations: pair(geometry.dilations),
      groups: numberAttribute(node, 'group', 1),
    },
    padsBegin: pads.length === 1 ? [0, pads[0] ?? 0] : pair(pads),
    outputSize: pair(geometry.outputSize),
  };
}
