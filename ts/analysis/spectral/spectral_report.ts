/** The paper's spectral analysis of a model: a row a layer, the product bound, and what it certifies for each image. */
import { adaptImages } from '../../data/image_layout.ts';
import type { ImageSet } from '../../data/image_set.ts';
import { imageSize } from '../../data/image_set.ts';
import { logitsGraph } from '../../onnx/attack_graph.ts';
import { describeClassifier } from '../../onnx/classifier.ts';
import { type ClassifierOptions, readClassifier } from '../../onnx/read_classifier.ts';
import type { SessionFactory } from '../../runtime/session.ts';
import { plainBytes } from '../model_bytes.ts';
import { type CertifiedExample, certifiedDistortions } from './certified_distortion.ts';
import { type LipschitzLayer, lipschitzBound } from './lipschitz.ts';

export interface SpectralReport {
  layers: LipschitzLayer[];
  /** Of pixels to logits, L2. */
  lipschitz: number;
  /** One an image, in order; empty without images. */
  examples: CertifiedExample[];
  /** Over the images answered rightly; null when there are none. */
  summary: {
    images: number;
    correct: number;
    meanDistortion: number | null;
    meanPairwiseDistortion: number | null;
  };
}

/** `input` is a part of the model: norms are of pixels in [0, 1] to logits. */
export interface SpectralReportOptions extends ClassifierOptions {
  /** Images in pixel space [0, 1], adapted to the model's shape, with their labels. */
  images?: ImageSet;
  /** Runs the model on the images; default ONNX Runtime in Node. */
  createSession?: SessionFactory;
  /** Images a call; default 500. */
  batchSize?: number;
}

/**
 * JSON-ready.
 * @param bytes an ONNX file: a classifier that is one chain of layers.
 * @throws INVALID_ARGUMENT; UNSUPPORTED_OP, INVALID_MODEL as lipschitzBound; MODEL_DATA_MISMATCH when the images do not fit the model.
 */
export async function spectralReport(bytes: Uint8Array, options: SpectralReportOptions = {}): Promise<SpectralReport> {
  const { input, output } = options;
  const { model } = readClassifier(plainBytes(bytes), { input, output });
  const bound = lipschitzBound(model);
  const { imageShape } = describeClassifier(model);
  const images = options.images && adaptImages(options.images, imageShape);
  const examples = images
    ? certifiedDistortions(
        await runLogits(logitsGraph(model), images, options),
        images.labels,
        imageSize(imageShape),
        bound,
      )
    : [];
  const correct = examples.filter(({ margin }) => margin > 0);
  const mean = (of: (example: CertifiedExample) => number | null): number | null => {
    const values = correct.map(of).filter((value) => value !== null);
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  return {
    layers: bound.layers,
    lipschitz: bound.lipschitz,
    examples,
    summary: {
      images: examples.length,
      correct: correct.length,
      meanDistortion: mean(({ distortion }) => distortion),
      meanPairwiseDistortion: mean(({ pairwiseDistortion }) => pairwiseDistortion),
    },
  };
}

/** [count, classes] */
async function runLogits(graph: Uint8Array, images: ImageSet, options: SpectralReportOptions): Promise<Float32Array> {
  const createSession = options.createSession ?? (await import('../../runtime/node_session.ts')).createSession;
  const step = options.batchSize ?? 500;
  const size = imageSize(images.shape);
  await using session = await createSession(graph);
  const parts: Float32Array[] = [];
  for (let start = 0; start < images.count; start += step) {
    const rows = Math.min(step, images.count - start);
    const data = images.images.subarray(start * size, (start + rows) * size);
    const { logits } = await session.run({ image: { data, dims: [rows, ...images.shape] } }, { logits: null });
    if (logits) parts.push(logits.data);
  }
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
