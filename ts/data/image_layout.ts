/**
 * Fits images to the shape that a model takes. Grey images may be [n], [H, W], [1, H, W] or [H, W, 1], all the same
 * numbers in the same order; colour images [3, H, W] and [H, W, 3] are transposed.
 */
import { BlindspotError } from '../errors.ts';
import { type ImageSet, imageSize } from './image_set.ts';

/** How the pixels of a shape lie. `planar` is [C, H, W], `interleaved` [H, W, C]. */
export interface ImageLayout {
  readonly order: 'planar' | 'interleaved';
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Reads [C, H, W], [H, W, C] (C of 1 or 3), [H, W] or a square [n]; undefined for anything else. [3, H, 3] is planar.
 */
export function imageLayout(shape: readonly number[]): ImageLayout | undefined {
  const [a = 0, b = 0, c = 0] = shape;
  const isChannels = (size: number) => size === 1 || size === 3;
  if (shape.length === 3 && isChannels(a)) return { order: 'planar', channels: a, height: b, width: c };
  if (shape.length === 3 && isChannels(c)) return { order: 'interleaved', channels: c, height: a, width: b };
  if (shape.length === 2) return { order: 'planar', channels: 1, height: a, width: b };
  const side = Math.sqrt(a);
  if (shape.length === 1 && Number.isInteger(side)) return { order: 'planar', channels: 1, height: side, width: side };
  return undefined;
}

/**
 * The set in the shape `wanted`; without a copy where the order of the pixels is the same.
 * @throws MODEL_DATA_MISMATCH with both shapes.
 */
export function adaptImages(set: ImageSet, wanted: readonly number[]): ImageSet {
  if (sameShape(set.shape, wanted)) return set;
  if (imageSize(set.shape) === imageSize(wanted)) {
    // A flat image has no order of its own: it is taken to be in the model's.
    if (set.shape.length === 1) return { ...set, shape: [...wanted] };
    // A model of flat images with axes of length 1 around them, [784, 1] say, takes them as one of [784] does.
    const flat = wanted.filter((size) => size !== 1);
    if (flat.length === 1 && wanted.length > 1) return { ...adaptImages(set, flat), shape: [...wanted] };
    const from = imageLayout(set.shape);
    const to = wanted.length === 1 ? from : imageLayout(wanted);
    const sameSize = from !== undefined && to !== undefined && from.height === to.height && from.width === to.width;
    if (sameSize && from.channels === to.channels) {
      if (from.channels === 1) return { ...set, shape: [...wanted] };
      if (wanted.length === 3 && from.order !== to.order) {
        return { ...set, shape: [...wanted], images: transpose(set, from) };
      }
    }
  }
  throw new BlindspotError(
    'MODEL_DATA_MISMATCH',
    `The model takes images of shape [${wanted.join(', ')}] but ${set.source} has [${set.shape.join(', ')}]`,
  );
}

function transpose(set: ImageSet, from: ImageLayout): Float32Array {
  const { channels, order } = from;
  const area = from.height * from.width;
  const [pixelStep, channelStep] = order === 'planar' ? [1, area] : [channels, 1];
  const [newPixelStep, newChannelStep] = order === 'planar' ? [channels, 1] : [1, area];
  const result = new Float32Array(set.images.length);
  for (let base = 0; base < result.length; base += channels * area) {
    for (let channel = 0; channel < channels; channel++) {
      for (let pixel = 0; pixel < area; pixel++) {
        const value = set.images[base + channel * channelStep + pixel * pixelStep] as number;
        result[base + channel * newChannelStep + pixel * newPixelStep] = value;
      }
    }
  }
  return result;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
