/**
 * Other images of the data that the model answers otherwise lie across the boundary by construction: starting points that
 * cost nothing, for images where no descent finds one.
 */
import { type ImageSet, imageSize, indexOf } from '../data/image_set.ts';
import { UNTARGETED } from './targets.ts';

/** Images compared with each; the nearest of them is taken. */
const COMPARED = 8;

/**
 * @param predictions of the images as they are, [images].
 * @param targets [images], -1 for untargeted.
 * @param queue images to attack.
 * @returns for each image the position of one that lies across, -1 where the data holds none: [images].
 */
export function chooseStarts(
  set: ImageSet,
  predictions: Int32Array,
  targets: Int32Array,
  queue: Int32Array,
): Int32Array {
  const starts = new Int32Array(set.count).fill(-1);
  const size = imageSize(set.shape);
  const lists = new Map<number, number[]>();
  for (const [index, prediction] of predictions.entries()) {
    if (prediction < 0) continue;
    const list = lists.get(prediction);
    if (list) list.push(index);
    else lists.set(prediction, [index]);
  }
  const classes = [...lists.keys()].sort((a, b) => a - b);
  for (const index of queue) {
    const target = targets[index] as number;
    const others = target === UNTARGETED ? classes.filter((name) => name !== set.labels[index]) : [target];
    let nearest = Number.POSITIVE_INFINITY;
    for (let k = 0; k < COMPARED && others.length > 0; k++) {
      // One of each class in turn, from places that differ from image to image and not with the call.
      const list = lists.get(others[k % others.length] as number) ?? [];
      const candidate = list[(indexOf(set, index) + Math.floor(k / others.length)) % Math.max(1, list.length)];
      if (candidate === undefined) continue;
      const distance = squaredDistance(set.images, index * size, candidate * size, size);
      if (distance >= nearest) continue;
      nearest = distance;
      starts[index] = candidate;
    }
  }
  return starts;
}

function squaredDistance(images: Float32Array, a: number, b: number, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) sum += ((images[a + i] as number) - (images[b + i] as number)) ** 2;
  return sum;
}
