/**
 * The product bound: the Lipschitz constant of a chain is at most the product of its layers' (Szegedy et al. 2013,
 * section 4.3), L ≤ Π L_k, from pixels to logits in the L2 norm.
 */

import type { Model } from '../../onnx/model.ts';
import { numberAttribute } from '../../onnx/op_rule.ts';
import { readModel } from '../../onnx/read_model.ts';
import { plainBytes } from '../model_bytes.ts';
import { layerBound } from './layer_bound.ts';
import { type LayerBound, requireWeights } from './layer_rule.ts';
import { type ChainLink, sequentialChain } from './sequential_chain.ts';

/** Norms found by iteration come from below, by at most this share (twice it for averages in the plane). */
export const NORM_TOLERANCE = 1e-6;

export interface LipschitzLayer extends LayerBound {
  /** Of the norms up to this layer. */
  product: number;
}

export interface LipschitzBound {
  /** In the model's order. */
  layers: LipschitzLayer[];
  /** Upper bound of ‖z(x) − z(x')‖₂ / ‖x − x'‖₂; norms known to a tolerance are raised by it. */
  lipschitz: number;
  /**
   * How fast the difference of two logits can change, where the model ends in a dense layer: that layer's rows differ by
   * ‖w_k − w_j‖, which takes the place of √2·‖W‖. [classes × classes], row-major, symmetric; null where it does not.
   */
  pairwise: Float64Array | null;
}

/**
 * @param model an ONNX file's bytes, or the model read.
 * @throws UNSUPPORTED_OP when the model is not one chain of layers, or has a layer without a rule; INVALID_MODEL.
 */
export function lipschitzBound(model: Uint8Array | Model): LipschitzBound {
  const chain = sequentialChain(model instanceof Uint8Array ? readModel(plainBytes(model)) : model);
  const layers: LipschitzLayer[] = [];
  let product = 1;
  let upper = 1;
  let upperBeforeLast = 1;
  for (const link of chain) {
    const bound = layerBound(link);
    product *= bound.norm;
    if (bound.kind === 'dense') upperBeforeLast = upper;
    upper *= bound.norm * (bound.verified === null ? 1 : (1 + NORM_TOLERANCE) ** 2);
    layers.push({ ...bound, product });
  }
  return { layers, lipschitz: upper, pairwise: pairwiseBounds(chain, layers, upperBeforeLast) };
}

/** L of the layers before the last one, times ‖w_k − w_j‖ of its columns. */
function pairwiseBounds(chain: readonly ChainLink[], layers: readonly LipschitzLayer[], before: number) {
  const last = layers.findLastIndex((layer) => layer.kind === 'dense');
  const link = chain[last];
  // Behind it only what leaves the differences of logits as they are: a bias, another shape.
  const isEnd = layers.slice(last + 1).every(({ kind, op }) => kind === 'layout' || op === 'Add' || op === 'Sub');
  if (!link || !isEnd || link.output.shape.length !== 2) return null;
  const { numbers, shape } = requireWeights(link.node, 1);
  const isTransposed = numberAttribute(link.node, 'transB', 0) !== 0;
  const [classes = 0, inner = 0] = isTransposed ? shape : [shape[1], shape[0]];
  const weight = (k: number, i: number): number => numbers[isTransposed ? k * inner + i : i * classes + k] as number;
  const alpha = Math.abs(numberAttribute(link.node, 'alpha', 1));
  const bounds = new Float64Array(classes * classes);
  for (let k = 0; k < classes; k++) {
    for (let j = 0; j < k; j++) {
      let square = 0;
      for (let i = 0; i < inner; i++) square += (weight(k, i) - weight(j, i)) ** 2;
      bounds[k * classes + j] = before * alpha * Math.sqrt(square);
      bounds[j * classes + k] = bounds[k * classes + j] as number;
    }
  }
  return bounds;
}
