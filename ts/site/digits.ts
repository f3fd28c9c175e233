/** The digits that the page offers: of each class the first ten test images, 8 bits a pixel, class by class. */
import type { ImageSet } from '../data/image_set.ts';

export const DIGITS_A_CLASS = 10;
export const DIGIT_PIXELS = 784;

/** @throws when the images do not hold as many of each class. */
export function pickDigits({ images, labels }: ImageSet): Uint8Array {
  const picked = new Uint8Array(10 * DIGITS_A_CLASS * DIGIT_PIXELS);
  for (let digit = 0; digit < 10; digit++) {
    const own = [...labels.keys()].filter((index) => labels[index] === digit).slice(0, DIGITS_A_CLASS);
    if (own.length < DIGITS_A_CLASS) throw new RangeError(`only ${own.length} images of a ${digit}`);
    for (const [k, index] of own.entries()) {
      const pixels = images.subarray(index * DIGIT_PIXELS, (index + 1) * DIGIT_PIXELS);
      picked.set(
        pixels.map((value) => Math.round(255 * value)),
        (digit * DIGITS_A_CLASS + k) * DIGIT_PIXELS,
      );
    }
  }
  return picked;
}

/** All of them, 8 bits a pixel, and after them their labels. */
export function quizFile({ images, labels }: ImageSet): Uint8Array {
  return Uint8Array.from([...images.map((value) => Math.round(255 * value)), ...labels]);
}

/** What quizFile joined. */
export function splitQuizDigits(file: Uint8Array): { pixels: Uint8Array; labels: Uint8Array } {
  const count = file.length / (DIGIT_PIXELS + 1);
  return { pixels: file.subarray(0, count * DIGIT_PIXELS), labels: file.subarray(count * DIGIT_PIXELS) };
}
