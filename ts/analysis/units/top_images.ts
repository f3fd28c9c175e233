/** The images that move each probe most, kept while images stream by: memory of probes × top, whatever the images. */
import { BlindspotError } from '../../errors.ts';

export class TopImages {
  readonly probes: number;
  readonly top: number;
  /** [probes, top], descending; what is not filled yet is −∞. */
  readonly #values: Float64Array;
  readonly #images: Int32Array;
  readonly #lowest: Float64Array;
  readonly #highest: Float64Array;
  readonly #order: Uint32Array;

  /**
   * @param order rank of each image among images of equal response, a permutation: data sorted by class would else give
   *   a unit that is silent on most images a pure top for nothing.
   */
  constructor(probes: number, top: number, order: Uint32Array) {
    this.probes = probes;
    this.top = top;
    this.#order = order;
    this.#values = new Float64Array(probes * top).fill(Number.NEGATIVE_INFINITY);
    this.#images = new Int32Array(probes * top).fill(-1);
    this.#lowest = new Float64Array(probes).fill(Number.POSITIVE_INFINITY);
    this.#highest = new Float64Array(probes).fill(Number.NEGATIVE_INFINITY);
  }

  /**
   * @param responses [images, probes], row-major.
   * @param first index of the first image among them.
   * @throws NOT_FINITE when a response is not a finite number.
   */
  add(responses: Float32Array, first: number): void {
    const count = responses.length / this.probes;
    for (let row = 0, at = 0; row < count; row++) {
      for (let probe = 0; probe < this.probes; probe++, at++) {
        const value = responses[at] as number;
        if (!Number.isFinite(value)) {
          throw new BlindspotError('NOT_FINITE', `The layer answers ${value} to image ${first + row}`);
        }
        if (value < (this.#lowest[probe] as number)) this.#lowest[probe] = value;
        if (value > (this.#highest[probe] as number)) this.#highest[probe] = value;
        // Most images end here.
        if (value >= (this.#values[(probe + 1) * this.top - 1] as number)) this.#insert(probe, value, first + row);
      }
    }
  }

  /** Whether the probe answered all images alike. */
  isConstant(probe: number): boolean {
    return this.#lowest[probe] === this.#highest[probe];
  }

  /** The images, strongest response first; fewer than `top` when there were fewer. */
  of(probe: number): { index: number; activation: number }[] {
    const result: { index: number; activation: number }[] = [];
    for (let at = probe * this.top; at < (probe + 1) * this.top; at++) {
      const index = this.#images[at] as number;
      if (index >= 0) result.push({ index, activation: this.#values[at] as number });
    }
    return result;
  }

  #insert(probe: number, value: number, image: number): void {
    const start = probe * this.top;
    let at = start + this.top - 1;
    if (!this.#precedes(value, image, at)) return;
    for (; at > start && this.#precedes(value, image, at - 1); at--) {
      this.#values[at] = this.#values[at - 1] as number;
      this.#images[at] = this.#images[at - 1] as number;
    }
    this.#values[at] = value;
    this.#images[at] = image;
  }

  #precedes(value: number, image: number, at: number): boolean {
    const other = this.#values[at] as number;
    if (value !== other) return value > other;
    const place = this.#images[at] as number;
    return place < 0 || (this.#order[image] as number) < (this.#order[place] as number);
  }
}
