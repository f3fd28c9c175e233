/** The models and images that come with the page, and pictures made fit for a model. */
import { readPictures } from '../data/browser_images.ts';
import type { PictureFitOptions } from '../data/picture_fit.ts';
import { BlindspotError } from '../errors.ts';
import type { InputOptions } from '../onnx/preprocessing.ts';
import { imageLayout, type Picture } from '../report/picture.ts';
import { DIGIT_PIXELS, DIGITS_A_CLASS, splitQuizDigits } from './digits.ts';

export interface SiteModel {
  readonly id: string;
  readonly name: string;
  readonly about: string;
  readonly images: 'digits' | 'photos';
  /** Over a megabyte: fetched only when it is chosen. */
  readonly large?: true;
}

export const MODELS: readonly SiteModel[] = [
  { id: 'fc100-100-10', name: 'FC100-100-10', about: 'two layers of 100 sigmoids, MNIST, 98.1 %', images: 'digits' },
  { id: 'convnet', name: 'Convolutional', about: 'two convolutions, ReLU, MNIST, 99.1 %', images: 'digits' },
  { id: 'fc10', name: 'FC10', about: 'softmax alone, MNIST, 92.7 %', images: 'digits' },
  {
    id: 'ae400-10',
    name: 'AE400-10',
    about: 'softmax on an autoencoder’s codes, MNIST, 97.9 %',
    images: 'digits',
    large: true,
  },
  { id: 'mobilenet', name: 'MobileNet v1 0.25', about: '1,000 classes of ImageNet', images: 'photos' },
];

export const PHOTOS = [
  { id: 'photo-bird', name: 'Chickadee', file: 'data/photos/19_bird.png' },
  { id: 'photo-cat', name: 'Cat', file: 'data/photos/281_cat.png' },
  { id: 'photo-hot-dog', name: 'Hot dog', file: 'data/photos/934_hot_dog.jpg' },
] as const;

/** Three of each class in the picker. */
export const DIGIT_IDS: readonly string[] = Array.from({ length: 30 }, (_, i) => {
  return `digit-${Math.floor(i / 3) * DIGITS_A_CLASS + (i % 3)}`;
});

export function address(path: string): string {
  return new URL(path, document.baseURI).href;
}

/** @throws with what to do, when the file is not there. */
export async function fetched(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(address(path)).catch(() => undefined);
  if (response?.ok === true) return new Uint8Array(await response.arrayBuffer());
  throw new Error(`${path} cannot be fetched${response ? ` (${response.status})` : ''}; reload the page`);
}

let digits: Promise<Uint8Array> | undefined;

/** [784], in [0, 1] */
export async function digitPixels(id: string): Promise<Float32Array> {
  digits ??= fetched('data/digits.bin');
  const all = await digits;
  const index = Number(id.replace('digit-', ''));
  const from = (Number.isInteger(index) && index * DIGIT_PIXELS < all.length ? index : 0) * DIGIT_PIXELS;
  return Float32Array.from(all.subarray(from, from + DIGIT_PIXELS), (value) => value / 255);
}

/** All that come with the page, [count, 784]. */
export async function allDigits(): Promise<Float32Array> {
  digits ??= fetched('data/digits.bin');
  return Float32Array.from(await digits, (value) => value / 255);
}

let quiz: Promise<ReturnType<typeof splitQuizDigits>> | undefined;

/** The digits of the game with units, 8 bits a pixel, and what they are. */
export async function quizDigits(): Promise<ReturnType<typeof splitQuizDigits>> {
  quiz ??= fetched('data/quiz_digits.bin').then(splitQuizDigits);
  // What failed is tried again.
  quiz.catch(() => {
    quiz = undefined;
  });
  return await quiz;
}

/**
 * A picture as a model takes it. One channel: grey, and turned to light on dark where its rim is light, as digits of
 * MNIST are.
 * @throws when the file is no picture, or the model takes none.
 */
export async function picturePixels(
  source: Blob,
  imageShape: readonly number[],
  fit: PictureFitOptions = { resize: true },
): Promise<Float32Array<ArrayBuffer>> {
  const pixels = await readPictures([source], imageShape, fit).catch((error: unknown) => {
    if (!(error instanceof BlindspotError) || error.code !== 'FILE_UNREADABLE') throw error;
    throw new Error('This is no picture that the browser can read; choose a PNG, JPEG or WebP file');
  });
  const { width, height, channels } = imageLayout(imageShape);
  if (channels === 1 && rimIsLight(pixels, width, height)) return pixels.map((value) => 1 - value);
  return pixels;
}

function rimIsLight(pixels: Float32Array, width: number, height: number): boolean {
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue;
      sum += pixels[y * width + x] ?? 0;
      count += 1;
    }
  }
  return sum > 0.5 * count;
}

/** What models want of their pixels, as the page offers it for a file of the user's. */
export const INPUT_CHOICES: readonly { readonly id: string; readonly name: string; readonly input?: InputOptions }[] = [
  { id: 'unit', name: '0 to 1' },
  { id: 'bytes', name: '0 to 255', input: { range: [0, 255] } },
  { id: 'signed', name: '−1 to 1', input: { range: [-1, 1] } },
  { id: 'imagenet', name: 'ImageNet mean and deviation', input: { mean: 'imagenet', std: 'imagenet' } },
];

/** RGBA for a canvas. */
export function toImageData({ width, height, channels, data }: Picture): ImageData {
  const image = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    for (let c = 0; c < 3; c++) image.data[4 * at + c] = data[channels === 3 ? 3 * at + c : at] ?? 0;
    image.data[4 * at + 3] = 255;
  }
  return image;
}
