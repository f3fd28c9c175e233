/**
 * Certified distances: for each image a radius within which no change makes the model answer wrongly, by linear
 * relaxation (relaxed_network.ts) with bisection over the radius, beside the product of norms (section 4.3 of the paper).
 * Both hold for the network in real arithmetic; a small margin is kept for the rounding of the float32 model.
 */
import { adaptImages } from '../../data/image_layout.ts';
import { type ImageSet, imageAt, imageSize, validateImages } from '../../data/image_set.ts';
import { describeClassifier } from '../../onnx/classifier.ts';
import { type ClassifierOptions, readClassifier } from '../../onnx/read_classifier.ts';
import { plainBytes } from '../model_bytes.ts';
import { certifiedDistortions } from '../spectral/certified_distortion.ts';
import { lipschitzBound } from '../spectral/lipschitz.ts';
import { chainNetwork } from './chain_network.ts';
import { type ChainNetwork, logitsOf, marginBounds } from './relaxed_network.ts';

export interface Certificate {
  /** Position in the data. */
  readonly index: number;
  readonly label: number;
  readonly prediction: number;
  /** No change with a smaller L2 norm, pixels staying in [0, 1], makes the answer wrong; 0 when it already is. */
  readonly l2: number;
  /** l2/√n, the paper's distortion. */
  readonly distortion: number;
  /** What the product of norms certifies: L2. */
  readonly productL2: number;
}

export interface CertifyOptions extends ClassifierOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of each image when it is done. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

/** Of logits of size 1 and up, relative: what float32 may be off. */
const ROUNDING = 1e-5;
/** The radius is found to this share. */
const TOLERANCE = 1e-3;

/**
 * @param bytes an ONNX classifier (what it wants of its pixels is the option `input`, distances are of pixels in [0, 1]), one chain of dense and convolutional layers with ReLU, sigmoid or tanh.
 * @param data labelled images.
 * @throws INVALID_ARGUMENT; UNSUPPORTED_OP naming a layer without a relaxation; INVALID_MODEL, MODEL_DATA_MISMATCH, INVALID_DATA; the
 *   signal's reason when aborted.
 */
export async function certify(bytes: Uint8Array, data: ImageSet, options: CertifyOptions = {}): Promise<Certificate[]> {
  const { input, output } = options;
  const { model } = readClassifier(plainBytes(bytes), { input, output });
  const { imageShape, classes } = describeClassifier(model);
  const images = adaptImages(data, imageShape);
  validateImages(images, { classes });
  const network = chainNetwork(model);
  const constants = lipschitzBound(model);
  const pixels = imageSize(imageShape);
  const certificates: Certificate[] = [];
  for (let index = 0; index < images.count; index++) {
    // An image may take a second: whoever waits wants to hear, and to be heard.
    await new Promise((resolve) => setTimeout(resolve, 0));
    options.signal?.throwIfAborted();
    const image = imageAt(images, index);
    const label = images.labels[index] as number;
    const logits = logitsOf(network, image);
    const [product] = certifiedDistortions(Float32Array.from(logits), Int32Array.of(label), pixels, constants);
    const productL2 = product?.pairwiseL2 ?? product?.l2 ?? 0;
    const l2 = certifiedRadius(network, image, label, productL2);
    certificates.push({
      index,
      label,
      prediction: logits.indexOf(Math.max(...logits)),
      l2,
      distortion: l2 / Math.sqrt(pixels),
      productL2,
    });
    options.onProgress?.({ done: index + 1, total: images.count });
  }
  return certificates;
}

/**
 * The largest radius that the relaxation certifies, from below; at least `known`, which is certified otherwise.
 * @param image [n] in [0, 1].
 */
export function certifiedRadius(network: ChainNetwork, image: ArrayLike<number>, label: number, known = 0): number {
  const logits = logitsOf(network, image);
  const slack = ROUNDING * (1 + Math.max(...logits.map(Math.abs)));
  const holds = (radius: number): boolean =>
    marginBounds(network, image, label, radius).every((bound, j) => j === label || bound > slack);
  if (!holds(0)) return known;
  // No two images are further apart.
  const most = Math.sqrt(image.length);
  if (known >= most) return known;
  let low = known;
  let high = Math.min(most, known > 0 ? 2 * known : 0.01);
  while (high < most && holds(high)) {
    low = high;
    high = Math.min(most, 2 * high);
  }
  if (high === most && holds(most)) return most;
  while (high - low > TOLERANCE * high) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
