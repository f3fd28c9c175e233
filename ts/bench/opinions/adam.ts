/** Adam (Kingma & Ba 2015) on points of many images at once. */

const FIRST = 0.9;
const SECOND = 0.999;
const EPSILON = 1e-12;

export class Adam {
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  #steps = 0;

  readonly #n: number;

  /** @param n values of an image. */
  constructor(count: number, n: number) {
    this.#n = n;
    this.#mean = new Float64Array(count * n);
    this.#square = new Float64Array(count * n);
  }

  /** values ← values − rate·m̂/(√v̂ + ε), entry by entry, kept in [0, 1]. @param rates of each image. */
  step(values: Float32Array, gradient: ArrayLike<number>, rates: Float64Array): void {
    this.#steps += 1;
    const first = 1 - FIRST ** this.#steps;
    const second = 1 - SECOND ** this.#steps;
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i] as number;
      const mean = FIRST * (this.#mean[i] as number) + (1 - FIRST) * g;
      const square = SECOND * (this.#square[i] as number) + (1 - SECOND) * g * g;
      this.#mean[i] = mean;
      this.#square[i] = square;
      const rate = rates[Math.floor(i / this.#n)] as number;
      const moved = (values[i] as number) - (rate * (mean / first)) / (Math.sqrt(square / second) + EPSILON);
      values[i] = Math.min(1, Math.max(0, moved));
    }
  }
}
