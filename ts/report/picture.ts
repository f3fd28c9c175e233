/**
 * Pictures from tensors: finds out how one image's numbers lie, and makes 8-bit pixels of them; in browsers too.
 * A perturbation is drawn magnified: on one channel by a diverging colour map, on three as colour around mid-grey.
 */
import { invalidArgument } from '../errors.ts';
import { divergingColour } from './colour_map.ts';

/** 8-bit pixels, row-major, channels interleaved. */
export interface Picture {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array;
}

export interface PngOptions {
  /** A picture with a longer side is made smaller. */
  maxSide?: number;
  /** How: 'nearest' keeps the single pixels of a perturbation, which an average would cancel. Default lanczos3. */
  kernel?: 'lanczos3' | 'nearest';
}

/** Makes PNG files of pictures: pixels.ts in Node, canvas_png.ts in browsers. */
export type PngEncoder = (picture: Picture, options?: PngOptions) => Promise<Uint8Array>;

/** Where the value of (channel, row, column) lies: offset = channel·channelStride + (row·width + column)·pixelStride. */
export interface ImageLayout {
  width: number;
  height: number;
  channels: number;
  channelStride: number;
  pixelStride: number;
  /** Values in one image. */
  size: number;
}

/**
 * Reads a shape as a picture: [784], [28, 28], [1, 28, 28], [3, H, W], [H, W, 1 or 3]. A vector is taken as a square,
 * as three square planes when that fits instead, and else as the widest near-square that holds it; other channel
 * counts are shown as the mean over their channels.
 */
export function imageLayout(shape: readonly number[]): ImageLayout {
  const dims = shape.filter((dim, i) => dim !== 1 || i >= shape.length - 2);
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (shape.length === 0 || !Number.isInteger(size) || size < 1) {
    throw invalidArgument('imageShape', 'positive whole dimensions', shape.join(' × '));
  }
  const planar = (channels: number, height: number, width: number): ImageLayout => ({
    width,
    height,
    channels,
    channelStride: height * width,
    pixelStride: 1,
    size,
  });
  if (shape.filter((dim) => dim !== 1).length <= 1) return vectorLayout(size, planar);
  const [a = 1, b = 1, c = 1] = dims;
  if (dims.length === 2) return planar(1, a, b);
  const interleaved = dims.length === 3 && (c === 3 || c === 1) && a !== 3;
  if (interleaved) return { width: b, height: a, channels: c, channelStride: 1, pixelStride: c, size };
  const height = dims.at(-2) ?? 1;
  const width = dims.at(-1) ?? 1;
  return planar(size / (height * width), height, width);
}

function vectorLayout(n: number, planar: (c: number, h: number, w: number) => ImageLayout): ImageLayout {
  const side = Math.round(Math.sqrt(n));
  if (side * side === n) return planar(1, side, side);
  const third = Math.round(Math.sqrt(n / 3));
  if (3 * third * third === n) return planar(3, third, third);
  let height = Math.floor(Math.sqrt(n));
  while (n % height !== 0) height -= 1;
  return planar(1, height, n / height);
}

/** Pixels in [0, 1] as 8 bits, rounded and clipped as a saved image would be. */
export function toPicture(image: Float32Array, layout: ImageLayout): Picture {
  return draw(layout, (pixel, channel) => (image[offset(layout, pixel, channel)] ?? 0) * 255);
}

/** Largest magnified change that can be shown: colour images have the room from mid-grey to black or white. */
export function perturbationRange(layout: ImageLayout): number {
  return layout.channels === 3 ? 0.5 : 1;
}

/** (changed − original)·magnification, cut off at ±`perturbationRange`: three channels around mid-grey, else colours. */
export function perturbationPicture(
  original: Float32Array,
  changed: Float32Array,
  layout: ImageLayout,
  magnification: number,
): Picture {
  const change = (pixel: number, channel: number): number => {
    const at = offset(layout, pixel, channel);
    return ((changed[at] ?? 0) - (original[at] ?? 0)) * magnification;
  };
  if (layout.channels === 3) return draw(layout, (pixel, channel) => 127.5 + 255 * change(pixel, channel));
  const pixels = layout.width * layout.height;
  const data = new Uint8Array(3 * pixels);
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    let sum = 0;
    for (let channel = 0; channel < layout.channels; channel += 1) sum += change(pixel, channel);
    data.set(divergingColour(sum / layout.channels), 3 * pixel);
  }
  return { width: layout.width, height: layout.height, channels: 3, data };
}

function offset(layout: ImageLayout, pixel: number, channel: number): number {
  return channel * layout.channelStride + pixel * layout.pixelStride;
}

function draw(layout: ImageLayout, level: (pixel: number, channel: number) => number): Picture {
  const channels = layout.channels === 3 ? 3 : 1;
  const pixels = layout.width * layout.height;
  const averaged = layout.channels / channels;
  const data = new Uint8Array(pixels * channels);
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      let sum = 0;
      for (let k = 0; k < averaged; k += 1) sum += level(pixel, channel + k);
      const rounded = Math.round(sum / averaged);
      data[pixel * channels + channel] = Number.isNaN(rounded) ? 0 : Math.min(255, Math.max(0, rounded));
    }
  }
  return { width: layout.width, height: layout.height, channels, data };
}
