/**
 * Certified distances: for each image a radius within which no change makes the model answer wrongly, by linear
 * relaxation (relaxed_network.ts) with a search over the radius, beside the product of norms (section 4.3 of the paper).
 * Both hold for the network in real arithmetic; a small margin is kept for the rounding of the float32 model.
 */
import { expectOneOf } from '../../base/expect.ts';
import { adaptImages } from '../../data/image_layout.ts';
import { type ImageSet, imageAt, imageSize, validateImages } from '../../data/image_set.ts';
import { BlindspotError } from '../../errors.ts';
import type { KernelChoice } from '../../kernel/load_kernel.ts';
import { loadKernel } from '../../kernel/load_kernel_node.ts';
import { describeClassifier } from '../../onnx/classifier.ts';
import type { Model } from '../../onnx/model.ts';
import { type ClassifierOptions, readClassifier } from '../../onnx/read_classifier.ts';
import { plainBytes } from '../model_bytes.ts';
import { certifiedDistortions } from '../spectral/certified_distortion.ts';
import { lipschitzBound } from '../spectral/lipschitz.ts';
import { certifiedRadius } from './certified_radius.ts';
import { chainNetwork } from './chain_network.ts';
import { CERTIFIED_NORMS, type CertifiedNorm } from './region.ts';
import { logitsOf } from './relaxed_network.ts';

export interface Certificate {
  /** Position in the data. */
  readonly index: number;
  readonly label: number;
  readonly prediction: number;
  /** No change with a smaller norm, pixels staying in [0, 1], makes the answer wrong; 0 when it already is. */
  readonly distance: number;
  readonly norm: CertifiedNorm;
  /** What the product of norms certifies, in the same norm; null where a layer has no norm. */
  readonly productOfNorms: number | null;
}

export interface CertifyOptions extends ClassifierOptions {
  /** The norm of distances: 'l2' (default) or 'linf', the largest change of a pixel. */
  readonly norm?: CertifiedNorm | undefined;
  /**
   * Slopes of the lines that stand for activations: 'fixed', those of the least area (default), or 'optimized' for each
   * bound, by L-BFGS-B: tighter, most of all for ReLU, and some ten times as long.
   */
  readonly slopes?: 'optimized' | 'fixed' | undefined;
  /** For optimised slopes: 'auto' (default), 'native' or 'wasm'. */
  readonly kernel?: KernelChoice | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of each image when it is done. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

/**
 * @param bytes an ONNX classifier (what it wants of its pixels is the option `input`, distances are of pixels in [0, 1]), one chain of dense,
 *   convolutional, pooling and normalising layers with ReLU, leaky ReLU, sigmoid or tanh.
 * @param data labelled images.
 * @throws INVALID_ARGUMENT; KERNEL_UNAVAILABLE; UNSUPPORTED_OP naming a layer without a relaxation; INVALID_MODEL, MODEL_DATA_MISMATCH, INVALID_DATA; the
 *   signal's reason when aborted.
 */
export async function certify(bytes: Uint8Array, data: ImageSet, options: CertifyOptions = {}): Promise<Certificate[]> {
  const { input, output, norm = 'l2', slopes = 'fixed' } = options;
  expectOneOf('norm', norm, CERTIFIED_NORMS);
  expectOneOf('slopes', slopes, ['optimized', 'fixed']);
  const kernel = slopes === 'optimized' ? await loadKernel(options.kernel) : undefined;
  const { model } = readClassifier(plainBytes(bytes), { input, output });
  const { imageShape, classes } = describeClassifier(model);
  const images = adaptImages(data, imageShape);
  validateImages(images, { classes });
  const network = chainNetwork(model);
  const constants = normsOf(model);
  const pixels = imageSize(imageShape);
  const certificates: Certificate[] = [];
  for (let index = 0; index < images.count; index++) {
    // An image may take seconds: whoever waits wants to hear, and to be heard.
    await new Promise((resolve) => setTimeout(resolve, 0));
    options.signal?.throwIfAborted();
    const image = imageAt(images, index);
    const label = images.labels[index] as number;
    const logits = logitsOf(network, image);
    const productOfNorms = constants === undefined ? null : byProduct(constants, logits, label, pixels, norm);
    certificates.push({
      index,
      label,
      prediction: logits.indexOf(Math.max(...logits)),
      distance: certifiedRadius(network, image, label, { norm, known: productOfNorms ?? 0, kernel }),
      norm,
      productOfNorms,
    });
    options.onProgress?.({ done: index + 1, total: images.count });
  }
  return certificates;
}

type Constants = ReturnType<typeof lipschitzBound>;

/** Undefined where there is a relaxation of a layer but no norm. */
function normsOf(model: Model): Constants | undefined {
  try {
    return lipschitzBound(model);
  } catch (error) {
    if (error instanceof BlindspotError && error.code === 'UNSUPPORTED_OP') return undefined;
    throw error;
  }
}

/** ‖r‖₂ ≤ √n·‖r‖∞, so that what holds no mistake in L2 holds none in L∞ up to its √n-th part. */
function byProduct(constants: Constants, logits: Float64Array, label: number, pixels: number, norm: CertifiedNorm) {
  const [product] = certifiedDistortions(Float32Array.from(logits), Int32Array.of(label), pixels, constants);
  const l2 = product?.pairwiseL2 ?? product?.l2 ?? 0;
  return norm === 'l2' ? l2 : l2 / Math.sqrt(pixels);
}
