/** What a layer's bound is made of, and how a rule refuses a layer. The rules are in layer_bound.ts. */
import { BlindspotError } from '../../errors.ts';
import { tensorNumbers } from '../../onnx/tensor.ts';
import type { GraphNode } from '../../onnx/value.ts';

export type LayerKind = 'dense' | 'convolution' | 'activation' | 'pooling' | 'normalisation' | 'scaling' | 'layout';

export interface LayerBound {
  /** Name of the node in the model. */
  name: string;
  /** ONNX operator. */
  op: string;
  kind: LayerKind;
  /** Of one image. */
  inputShape: number[];
  outputShape: number[];
  /** As in ONNX: [D, C/groups, kernel height, kernel width] of a convolution; null without weights. */
  weightShape: number[] | null;
  /** Lipschitz constant in L2. For dense layers and convolutions as they are run, zero padding included. */
  norm: number;
  /** Whether the norm (times 1 + 1e-6) was proved to be an upper bound; null where it is a closed formula. */
  verified: boolean | null;
  /** Of a convolution: the norm with circular boundary by the paper's formula, Δ⁻¹ and N. */
  circular: number | null;
  /** Of a strided convolution: the formula as the paper prints it, Δ⁻² and N². */
  printed: number | null;
}

/** What a rule finds out; what it leaves out is null. */
export type Bound = Pick<LayerBound, 'kind' | 'norm'> &
  Partial<Pick<LayerBound, 'weightShape' | 'verified' | 'circular' | 'printed'>>;

/** "No Lipschitz bound of Where "mask": reason" */
export function noRule(node: GraphNode, reason: string): BlindspotError {
  return new BlindspotError('UNSUPPORTED_OP', `No Lipschitz bound of ${node.op} "${node.name}": ${reason}`);
}

/** The weights of a node, known when the model is read. */
export function requireWeights(node: GraphNode, i: number): { numbers: ArrayLike<number>; shape: readonly number[] } {
  const tensor = node.inputs[i]?.constant;
  if (!tensor) throw noRule(node, `input ${i} is not a constant but computed from others`);
  return { numbers: tensor.data instanceof Float32Array ? tensor.data : tensorNumbers(tensor), shape: tensor.shape };
}
