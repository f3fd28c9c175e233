/**
 * A pool of adversarial examples of one layer's inputs, a random part of which is replaced again and again by examples
 * for the network as it is by then (Szegedy et al. 2013, section 4.2).
 */
import { attack } from '../attack/attack.ts';
import type { Random } from '../base/random.ts';

export interface PoolOptions {
  /** Values of one example. */
  readonly size: number;
  readonly capacity: number;
  /** Largest distortion of an example, in mean distortions of the first ones. */
  readonly reach: number;
}

/** Enough to come near the boundary: these examples are for learning, not for measuring. */
const EVALUATIONS = 12;

export class AdversarialPool {
  readonly #size: number;
  readonly #capacity: number;
  readonly #examples: Float32Array;
  readonly #labels: Int32Array;
  #count = 0;
  #distortion = 0;
  readonly #reach: number;
  /** The largest distortion admitted; 0 until the first examples are known. */
  #limit = 0;

  constructor({ size, capacity, reach }: PoolOptions) {
    this.#reach = reach;
    this.#size = size;
    this.#capacity = capacity;
    this.#examples = new Float32Array(capacity * size);
    this.#labels = new Int32Array(capacity);
  }

  /** Examples held. */
  get count(): number {
    return this.#count;
  }

  /** Mean over the examples that came last; 0 before the first. */
  get distortion(): number {
    return this.#distortion;
  }

  /**
   * Adds the nearest mistakes of the network on these inputs, in place of random others once the pool is full. Inputs that
   * it answers wrongly as they are stay as they are: they are their own mistakes. Examples beyond the
   * reach are left out: pushed on without end, the boundary would leave room for no other class.
   * @param model ONNX file of the layers above: inputs [N, size] in [0, 1].
   * @param inputs [n, size], in [0, 1] but for rounding; labels [n].
   */
  async replace(
    model: Uint8Array,
    inputs: Float32Array,
    labels: Int32Array,
    random: Random,
    signal: AbortSignal,
  ): Promise<void> {
    // A sigmoid of ONNX Runtime may come out as 1 and a unit in the last place.
    const images = inputs.map((value) => Math.min(1, Math.max(0, value)));
    const data = { images, labels, shape: [this.#size] };
    const { summary, examples, adversarial } = await attack(model, data, {
      maxEvaluations: EVALUATIONS,
      workers: 1,
      seed: random.uint32(),
      signal,
    });
    signal.throwIfAborted();
    this.#distortion = summary.meanDistortion ?? 0;
    if (this.#limit === 0) this.#limit = this.#reach * this.#distortion;
    for (const [row, { success, label, distortion }] of examples.entries()) {
      if (!success || (distortion ?? 0) > this.#limit) continue;
      const place = this.#count < this.#capacity ? this.#count++ : random.below(this.#capacity);
      this.#examples.set(adversarial.subarray(row * this.#size, (row + 1) * this.#size), place * this.#size);
      this.#labels[place] = label;
    }
  }

  /**
   * Random examples of the pool, as many as the arrays hold.
   * @param examples [rows, size]; oneHot [rows, classes], written.
   */
  draw(examples: Float32Array, oneHot: Float32Array, random: Random): void {
    const rows = examples.length / this.#size;
    const classes = oneHot.length / rows;
    oneHot.fill(0);
    for (let row = 0; row < rows; row++) {
      const place = random.below(this.#count);
      examples.set(this.#examples.subarray(place * this.#size, (place + 1) * this.#size), row * this.#size);
      oneHot[row * classes + (this.#labels[place] as number)] = 1;
    }
  }
}
