/**
 * What a second opinion asks of a model: the hard margin and the gradient of the smoothed margin at one point an image, by
 * the same gradient graph that the search runs. Untargeted.
 *
 *     margin = z_k − max_{j≠k} z_j, negative where the model answers otherwise than k
 *     s      = z_k − τ·log Σ_{j≠k} exp(z_j/τ), whose gradient is answered, τ a fiftieth of the image's own margin
 *
 * s goes with the cross-entropy at temperature τ, log(1 + exp(−s/τ)): its gradient is −σ(−s/τ)/τ·∇s, so both point the same
 * way, and ∇s does not vanish where the model is sure.
 */
import { type ImageSet, imageSize } from '../../data/image_set.ts';
import { flushTinyWeights } from '../../model/flush_tiny_weights.ts';
import { attackGraph } from '../../onnx/attack_graph.ts';
import { describeClassifier } from '../../onnx/classifier.ts';
import { readClassifier } from '../../onnx/read_classifier.ts';
import { createSession } from '../../runtime/node_session.ts';
import type { Session, Tensor } from '../../runtime/session.ts';

/** An independent attack: the L2 norm that it reaches for each image, infinite where it finds nothing. */
export type Opinion = (oracle: Oracle, signal?: AbortSignal) => Promise<Float64Array>;

/** τ, of the margin at the image, and the least of it. */
const TEMPERATURE = 0.02;
const LEAST_TEMPERATURE = 1e-9;
/** Of the largest logit: a margin that batches of other sizes agree on. */
const RESOLUTION = 1e-6;
/** Bounds on the distance that a gradient may promise. */
const NEAR = 0.01;
const FAR = 3;

export class Oracle implements AsyncDisposable {
  readonly count: number;
  /** Pixels of an image. */
  readonly n: number;
  /** [count, n] */
  readonly images: Float32Array;
  /** Where the images are to be asked about; [count, n], written by the caller. */
  readonly points: Float32Array;
  /** [count], at the points last asked about. */
  readonly margins: Float64Array;
  /** [count, n], of s. */
  readonly gradients: Float32Array;
  /** The nearest wrong answers since `forget`: [count] and [count, n]. */
  readonly nearest: Float64Array;
  /** Calls of ask, which is evaluations of an image. */
  asked = 0;
  readonly #found: Float32Array;
  readonly #labels: Int32Array;
  readonly #classes: number;
  readonly #session: Session;
  readonly #feeds: Readonly<Record<string, Tensor>>;
  readonly #fetches: Readonly<Record<string, Tensor>>;

  private constructor(session: Session, set: ImageSet, classes: number) {
    const { count, shape } = set;
    this.count = count;
    this.n = imageSize(shape);
    this.images = set.images;
    this.points = Float32Array.from(set.images);
    this.margins = new Float64Array(count);
    this.gradients = new Float32Array(count * this.n);
    this.nearest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    this.#found = new Float32Array(count * this.n);
    this.#labels = set.labels;
    this.#classes = classes;
    this.#session = session;
    const oneHot = new Float32Array(count * classes);
    for (const [row, label] of set.labels.entries()) oneHot[row * classes + label] = 1;
    const column = (value: number): Tensor => ({ data: new Float32Array(count).fill(value), dims: [count, 1] });
    this.#feeds = {
      image: { data: this.points, dims: [count, ...shape] },
      one_hot: { data: oneHot, dims: [count, classes] },
      sign: column(-1),
      temperature: column(1),
    };
    this.#fetches = {
      logits: { data: new Float32Array(count * classes), dims: [count, classes] },
      gradient: { data: this.gradients, dims: [count, ...shape] },
    };
  }

  /** @param images in the model's shape. */
  static async create(bytes: Uint8Array, images: ImageSet): Promise<Oracle> {
    const { model } = readClassifier(bytes);
    const session = await createSession(attackGraph(flushTinyWeights(model)));
    const oracle = new Oracle(session, images, describeClassifier(model).classes);
    await oracle.ask();
    const { data } = oracle.#feeds['temperature'] as Tensor;
    for (const [row, margin] of oracle.margins.entries()) data[row] = Math.max(LEAST_TEMPERATURE, TEMPERATURE * margin);
    return oracle;
  }

  /** Asks about `points`, all inside [0, 1]. */
  async ask(): Promise<void> {
    this.asked += 1;
    await this.#session.run(this.#feeds, this.#fetches);
    for (let row = 0; row < this.count; row++) {
      const { margin, least } = this.#margin(row);
      this.margins[row] = margin;
      if (margin < -least) this.#keep(row);
    }
  }

  /** Whether the point of that image, as last asked about, is answered wrongly. */
  crossed(row: number): boolean {
    return (this.margins[row] as number) < 0;
  }

  /** Of the point from the image, L2. */
  distance(row: number): number {
    let sum = 0;
    for (let i = row * this.n; i < (row + 1) * this.n; i++) {
      sum += ((this.points[i] as number) - (this.images[i] as number)) ** 2;
    }
    return Math.sqrt(sum);
  }

  /** Class answered, [count]; ask first. */
  predictions(): Int32Array {
    return Int32Array.from({ length: this.count }, (_, row) => {
      const z = this.#logits(row);
      return z.indexOf(Math.max(...z));
    });
  }

  /**
   * A length for the steps of each image, [count]: the distance of its nearest wrong answer; before there is one, the distance
   * that the gradient at the image promises, in bounds.
   */
  async lengths(): Promise<Float64Array> {
    this.points.set(this.images);
    await this.ask();
    return this.nearest.map((nearest, row) => {
      if (Number.isFinite(nearest)) return nearest;
      const promised = (this.margins[row] as number) / rowNorm(this.gradients, row, this.n);
      return promised >= NEAR ? Math.min(promised, FAR) : promised > 0 ? NEAR : FAR;
    });
  }

  forget(): void {
    this.nearest.fill(Number.POSITIVE_INFINITY);
  }

  /** Bisects between each image and the nearest found: what every attack may do at its end. */
  async tighten(steps = 14): Promise<void> {
    const across = Float32Array.from(this.#found);
    const low = new Float64Array(this.count);
    const high = new Float64Array(this.count).fill(1);
    for (let step = 0; step < steps; step++) {
      for (let row = 0; row < this.count; row++) {
        const share = Number.isFinite(this.nearest[row] as number)
          ? 0.5 * ((low[row] as number) + (high[row] as number))
          : 0;
        for (let i = row * this.n; i < (row + 1) * this.n; i++) {
          this.points[i] = (this.images[i] as number) + share * ((across[i] as number) - (this.images[i] as number));
        }
      }
      await this.ask();
      for (let row = 0; row < this.count; row++) {
        const middle = 0.5 * ((low[row] as number) + (high[row] as number));
        (this.crossed(row) ? high : low)[row] = middle;
      }
    }
  }

  release(): Promise<void> {
    return this.#session.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  #logits(row: number): Float32Array {
    return (this.#fetches['logits'] as Tensor).data.subarray(row * this.#classes, (row + 1) * this.#classes);
  }

  #margin(row: number): { margin: number; least: number } {
    const z = this.#logits(row);
    const label = this.#labels[row] as number;
    let other = Number.NEGATIVE_INFINITY;
    let size = 0;
    for (const [j, value] of z.entries()) {
      if (j !== label) other = Math.max(other, value);
      size = Math.max(size, Math.abs(value));
    }
    return { margin: (z[label] as number) - other, least: RESOLUTION * size };
  }

  #keep(row: number): void {
    const l2 = this.distance(row);
    if (!(l2 < (this.nearest[row] as number))) return;
    this.nearest[row] = l2;
    this.#found.set(this.points.subarray(row * this.n, (row + 1) * this.n), row * this.n);
  }
}

/** √Σv² over one row. */
export function rowNorm(values: ArrayLike<number>, row: number, n: number): number {
  let sum = 0;
  for (let i = row * n; i < (row + 1) * n; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
}
