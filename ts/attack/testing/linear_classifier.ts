/** A linear classifier of 4×4 images and images of every class: fast, and its nearest mistakes have a formula. */

import type { ImageSet } from '../../data/image_set.ts';
import { Random } from '../../data/random.ts';
import { GraphBuilder } from '../../onnx/graph_builder.ts';

export const PIXELS = 16;
export const CLASSES = 3;

const weights = (() => {
  const random = new Random(7);
  return Float32Array.from({ length: PIXELS * CLASSES }, () => random.normal());
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

/** @param wrong how many of the first images carry a label that the model does not answer. */
export function linearImages(count: number, wrong = 0): ImageSet & { labels: Int32Array } {
  const random = new Random(11);
  const images = Float32Array.from({ length: count * PIXELS }, () => 0.2 + 0.6 * random.uniform());
  const labels = Int32Array.from({ length: count }, (_, index) => {
    const answer = classOf(images.subarray(index * PIXELS, (index + 1) * PIXELS));
    return index < wrong ? (answer + 1) % CLASSES : answer;
  });
  return { images, shape: [PIXELS], count, labels, source: 'linear images' };
}
