/** A linear classifier of 4×4 images and images of every class: fast, and its nearest mistakes have a formula. */

import { Random } from '../../base/random.ts';
import type { ImageSet } from '../../data/image_set.ts';
import { GraphBuilder } from '../../onnx/graph_builder.ts';

export const PIXELS = 16;
export const CLASSES = 3;

const weights = (() => {
  const random = new Random(7);
  const drawn = Float64Array.from({ length: PIXELS * CLASSES }, () => random.normal());
  // Without a mean, so that no class is favoured by grey images.
  const mean = (k: number) => drawn.reduce((sum, w, i) => sum + (i % CLASSES === k ? w : 0), 0) / PIXELS;
  const means = Array.from({ length: CLASSES }, (_, k) => mean(k));
  return Float32Array.from(drawn, (w, i) => w - (means[i % CLASSES] as number));
})();

/** Logits of one image, in the order of `classes`. */
export function logitsOf(image: ArrayLike<number>): number[] {
  return Array.from({ length: CLASSES }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < PIXELS; i++) sum += (image[i] as number) * (weights[i * CLASSES + k] as number);
    return Math.fround(sum);
  });
}

export function classOf(image: ArrayLike<number>): number {
  const logits = logitsOf(image);
  return logits.indexOf(Math.max(...logits));
}

/** image [N, 16] → [N, 3]. @param factor scales the weights; NaN makes a model with NaN weights. */
export function linearModel(factor = 1): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder({ name: 'linear' });
  const image = graph.input('image', 'float32', ['N', PIXELS]);
  const matrix = graph.constant(
    weights.map((weight) => weight * factor),
    [PIXELS, CLASSES],
    'weights',
  );
  graph.output(graph.matmul(image, matrix), 'scores');
  return graph.toBytes();
}

/**
 * Images of the classes in turn.
 * @param wrong how many of the first images carry a label that the model does not answer.
 */
export function linearImages(count: number, wrong = 0): ImageSet {
  const random = new Random(11);
  const images = new Float32Array(count * PIXELS);
  for (let index = 0; index < count; index++) {
    const image = images.subarray(index * PIXELS, (index + 1) * PIXELS);
    do for (let i = 0; i < PIXELS; i++) image[i] = 0.2 + 0.6 * random.uniform();
    while (classOf(image) !== index % CLASSES);
  }
  const labels = Int32Array.from({ length: count }, (_, index) => (index + (index < wrong ? 1 : 0)) % CLASSES);
  return { images, shape: [PIXELS], count, labels, source: 'linear images' };
}
