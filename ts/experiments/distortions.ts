/** Changes of images that are no search: Gaussian noise, and examples amplified to a given distortion. */

import { Random } from '../base/random.ts';
import { type ImageSet, imageSize } from '../data/image_set.ts';

/**
 * x + ε, ε ~ N(0, stddev²) in each pixel. Not clipped to [0, 1]: the paper's tables give the noise's distortion as its
 * stddev, which clipping would make smaller.
 */
export function withNoise(set: ImageSet, stddev: number, seed: number): ImageSet {
  const random = new Random(seed, Math.round(stddev * 1000));
  const images = Float32Array.from(set.images, (pixel) => pixel + stddev * random.normal());
  return { ...set, images, source: `${set.source} with noise ${stddev}` };
}

/**
 * x + t·(x'−x), t = max(1, d/‖x'−x‖_rms): of distortion d, or as it is where that is more already: amplifying does not
 * mean shrinking. Not clipped, as the paper's formula is not; its own factor,
 * 0.1/‖x'−x‖₂, would make the changes smaller and contradicts its text.
 */
export function amplified(originals: ImageSet, adversarial: ImageSet, distortion: number): ImageSet {
  const size = imageSize(originals.shape);
  const images = new Float32Array(originals.images.length);
  for (let start = 0; start < images.length; start += size) {
    let squares = 0;
    for (let i = start; i < start + size; i++) squares += (pixel(adversarial, i) - pixel(originals, i)) ** 2;
    const factor = Math.max(1, distortion / Math.sqrt(squares / size));
    for (let i = start; i < start + size; i++) {
      images[i] = pixel(originals, i) + factor * (pixel(adversarial, i) - pixel(originals, i));
    }
  }
  return { ...originals, images, source: `${adversarial.source}, amplified to ${distortion}` };
}

/** Mean over the images of the root mean square change. */
export function meanDistortion(originals: ImageSet, changed: ImageSet): number {
  const size = imageSize(originals.shape);
  let sum = 0;
  for (let start = 0; start < originals.images.length; start += size) {
    let squares = 0;
    for (let i = start; i < start + size; i++) squares += (pixel(changed, i) - pixel(originals, i)) ** 2;
    sum += Math.sqrt(squares / size);
  }
  return sum / originals.count;
}

/** What a picture file or a camera would keep of it. */
export function clipped(set: ImageSet): ImageSet {
  return { ...set, images: set.images.map((value) => Math.min(1, Math.max(0, value))) };
}

function pixel(set: ImageSet, index: number): number {
  return set.images[index] as number;
}
