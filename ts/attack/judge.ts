/**
 * The verdict on delivered pixels, by the plain model: never the search's own word. It is given twice, for the float32
 * pixels and for what is left of them after rounding to 8 bits, as a saved PNG holds them.
 *
 *     hard margin   untargeted: z_label - max_{j≠label} z_j     targeted: max_{j≠target} z_j - z_target
 *     adversarial   ⇔ margin < 0 and every pixel in [0, 1]
 */

import type { Scorer } from '../model/scorer.ts';
import { largest } from '../nn/evaluate.ts';
import { UNTARGETED } from './targets.ts';

export interface Verdict {
  /** Class answered; -1 when a logit is NaN. */
  readonly prediction: number;
  readonly margin: number;
  readonly success: boolean;
}

/** Of the pixels as they are, and rounded to 8 bits. */
export interface Verdicts {
  readonly delivered: Verdict;
  readonly quantized: Verdict;
}

export interface JudgedImages {
  /** [images, n], row-major. */
  readonly pixels: Float32Array;
  /** Of one image. */
  readonly shape: readonly number[];
  /** [images] */
  readonly labels: Int32Array;
  /** [images], -1 for untargeted. */
  readonly targets: Int32Array;
}

export interface ClassifiedImages {
  /** Class answered, [images]; -1 when a logit is NaN. */
  readonly predictions: Int32Array;
  /** Class of the smallest logit but the label, [images]. */
  readonly leastLikely: Int32Array;
}

/** A model that answers NaN is not misclassified but broken: the search says so. */
export function isMisclassified({ predictions }: ClassifiedImages, labels: Int32Array, index: number): boolean {
  const prediction = predictions[index] as number;
  return prediction >= 0 && prediction !== labels[index];
}

/** Runs the plain model over images, a batch at a time. */
export class Judge {
  /** Images a batch. */
  readonly rows: number;
  readonly #scorer: Scorer;
  readonly #classes: number;
  #place = new Float32Array();

  constructor(scorer: Scorer, classes: number, rows: number) {
    this.#scorer = scorer;
    this.#classes = classes;
    this.rows = rows;
  }

  /** What the model answers to the images as they are. */
  async classify(images: Pick<JudgedImages, 'pixels' | 'shape' | 'labels'>): Promise<ClassifiedImages> {
    const { labels } = images;
    const predictions = new Int32Array(labels.length);
    const leastLikely = new Int32Array(labels.length);
    for (const { batch, pixels } of this.#batches(images, allOf(labels))) {
      const logits = await this.#scorer.score(pixels, batch.length, images.shape);
      for (const [row, index] of batch.entries()) {
        predictions[index] = answered(logits, row * this.#classes, this.#classes, labels[index] as number);
        leastLikely[index] = smallestBut(labels[index] as number, logits, row * this.#classes, this.#classes);
      }
    }
    return { predictions, leastLikely };
  }

  /**
   * @param indices images to judge.
   * @returns those of one index after the other, in their order.
   */
  async judge(images: JudgedImages, indices: Int32Array): Promise<Verdicts[]> {
    const { shape, labels, targets } = images;
    const verdicts: Verdicts[] = [];
    for (const { batch, pixels } of this.#batches(images, indices)) {
      const size = pixels.length / batch.length;
      const boxed = Array.from(batch, (_, row) => inBox(pixels, row * size, size));
      const delivered = await this.#scorer.score(pixels, batch.length, shape);
      roundTo8Bits(pixels);
      const quantized = await this.#scorer.score(pixels, batch.length, shape);
      for (const [row, index] of batch.entries()) {
        const verdict = (logits: Float32Array, inside: boolean): Verdict => {
          const start = row * this.#classes;
          const margin = hardMargin(logits, start, this.#classes, labels[index] as number, targets[index] as number);
          const prediction = answered(logits, start, this.#classes, labels[index] as number);
          return { prediction, margin, success: margin < 0 && inside };
        };
        // Rounding to 8 bits stays in the box.
        verdicts.push({ delivered: verdict(delivered, boxed[row] as boolean), quantized: verdict(quantized, true) });
      }
    }
    return verdicts;
  }

  /** Each with a copy of its pixels, the caller's until the next. */
  *#batches(
    { pixels, labels }: Pick<JudgedImages, 'pixels' | 'labels'>,
    indices: Int32Array,
  ): Generator<{ batch: Int32Array; pixels: Float32Array }> {
    const size = pixels.length / labels.length;
    const length = Math.min(this.rows, indices.length) * size;
    if (this.#place.length < length) this.#place = new Float32Array(length);
    const place = this.#place;
    for (let start = 0; start < indices.length; start += this.rows) {
      const batch = indices.subarray(start, start + this.rows);
      for (const [row, index] of batch.entries()) {
        place.set(pixels.subarray(index * size, (index + 1) * size), row * size);
      }
      yield { batch, pixels: place.subarray(0, batch.length * size) };
    }
  }
}

/**
 * The class of the largest logit; of equal ones the label, which is no mistake then, else the first. -1 when one is NaN.
 */
function answered(logits: Float32Array, start: number, classes: number, label: number): number {
  const first = largest(logits, start, classes);
  return first >= 0 && logits[start + label] === logits[start + first] ? label : first;
}

/** To the nearest of 256 levels, in place: what an 8-bit file gives back. */
export function roundTo8Bits(pixels: Float32Array): void {
  // Math.round is several times slower, and the same where a product of 24 by 8 bits is exact.
  for (let i = 0; i < pixels.length; i++) pixels[i] = Math.floor((pixels[i] as number) * 255 + 0.5) / 255;
}

/** NaN when a logit is. */
export function hardMargin(
  logits: Float32Array,
  start: number,
  classes: number,
  label: number,
  target: number,
): number {
  const chosen = target === UNTARGETED ? label : target;
  let others = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < classes; j++) {
    const value = logits[start + j] as number;
    if (Number.isNaN(value)) return Number.NaN;
    if (j !== chosen && value > others) others = value;
  }
  const own = logits[start + chosen] as number;
  return target === UNTARGETED ? own - others : others - own;
}

/** |a - b|₂ of image `index`, summed in double. */
export function distance(a: Float32Array, b: Float32Array, index: number, size: number): number {
  let sum = 0;
  for (let i = index * size; i < (index + 1) * size; i++) {
    const change = (a[i] as number) - (b[i] as number);
    sum += change * change;
  }
  return Math.sqrt(sum);
}

function inBox(pixels: Float32Array, start: number, size: number): boolean {
  for (let i = start; i < start + size; i++) {
    const value = pixels[i] as number;
    // Written so that NaN fails it too.
    if (!(value >= 0 && value <= 1)) return false;
  }
  return true;
}

function smallestBut(label: number, logits: Float32Array, start: number, classes: number): number {
  let best = label === 0 ? 1 : 0;
  for (let j = 0; j < classes; j++) {
    if (j !== label && (logits[start + j] as number) < (logits[start + best] as number)) best = j;
  }
  return best;
}

function allOf(values: Int32Array): Int32Array {
  return Int32Array.from(values, (_, index) => index);
}
