/**
 * A kernel in TypeScript for tests of what stands above it: each lane steps to the plane that the model's linearisation
 * has, and a thousandth further, until the hard margin is negative (DeepFool's idea). It keeps the contract of `Search`.
 */
import { LaneStatus } from '../../kernel/abi.generated.ts';
import type { Kernel, Minimizer, Search, SearchOptions, SearchResult } from '../../kernel/kernel.ts';
import { completeSearchOptions } from '../../kernel/options.ts';
import { hardMargin } from '../judge.ts';

export interface DoubleBehaviour {
  /** Claims success at once, with the image as it was. */
  lies?: boolean;
  /** Gives its memory a new place before each ask, as a growing WebAssembly memory does. */
  moves?: boolean;
  /** Answers from ask are recorded here. */
  counts?: number[];
}

interface Lane {
  readonly id: number;
  readonly image: Float32Array;
  readonly label: number;
  readonly target: number;
  readonly y: Float32Array;
  evaluations: number;
  status: LaneStatus;
  margin: number;
}

const MOST_EVALUATIONS = 60;

export function doubleKernel(behaviour: DoubleBehaviour = {}): Kernel {
  return {
    name: 'wasm',
    instructionSet: 'scalar',
    useInstructionSet: () => undefined,
    createMinimizer: (): Minimizer => {
      throw new Error('the double only searches');
    },
    createSearch: (options) => new SearchDouble(options, behaviour),
    searchBytes: ({ lanes, n }) => lanes * n * 100,
  };
}

class SearchDouble implements Search {
  readonly options: Required<SearchOptions>;
  points: Float32Array;
  gradients: Float32Array;
  oneHot: Float32Array;
  logits: Float32Array;
  sign: Float32Array;
  temperature: Float32Array;
  smoothing: Float32Array;
  readonly #behaviour: DoubleBehaviour;
  readonly #lanes: Lane[] = [];
  #asked: Lane[] = [];
  #disposed = false;

  constructor(options: SearchOptions, behaviour: DoubleBehaviour) {
    this.options = completeSearchOptions(options);
    this.#behaviour = behaviour;
    const { lanes, n, classes } = this.options;
    this.points = new Float32Array(lanes * n);
    this.gradients = new Float32Array(lanes * n);
    this.oneHot = new Float32Array(lanes * classes);
    this.logits = new Float32Array(lanes * classes);
    this.sign = new Float32Array(lanes);
    this.temperature = new Float32Array(lanes);
    this.smoothing = new Float32Array(lanes);
  }

  get freeLanes(): number {
    return this.options.lanes - this.#lanes.length;
  }

  submit(id: number, image: Float32Array, label: number, target: number): void {
    if (this.freeLanes === 0) throw new Error('no lane is free');
    const status = this.#behaviour.lies === true ? LaneStatus.CONVERGED : LaneStatus.RUNNING;
    const copy = image.slice();
    this.#lanes.push({ id, image: copy, label, target, y: copy.slice(), evaluations: 0, status, margin: -1 });
  }

  ask(): number {
    if (this.#disposed) throw new Error('disposed');
    if (this.#behaviour.moves === true) this.#move();
    this.#asked = this.#lanes.filter(({ status }) => status === LaneStatus.RUNNING);
    const { n, classes } = this.options;
    for (const [row, { y, label, target }] of this.#asked.entries()) {
      this.points.set(y, row * n);
      this.oneHot.fill(0, row * classes, (row + 1) * classes);
      this.oneHot[row * classes + (target < 0 ? label : target)] = 1;
      this.sign[row] = target < 0 ? -1 : 1;
      this.temperature[row] = 1e-3;
    }
    this.#behaviour.counts?.push(this.#asked.length);
    return this.#asked.length;
  }

  tell(): void {
    const { n, classes, confidence } = this.options;
    for (const [row, lane] of this.#asked.entries()) {
      lane.evaluations += 1;
      lane.margin = hardMargin(this.logits, row * classes, classes, lane.label, lane.target);
      if (Number.isNaN(lane.margin)) lane.status = LaneStatus.NOT_FINITE;
      else if (lane.margin < -confidence) lane.status = LaneStatus.CONVERGED;
      else if (lane.evaluations === MOST_EVALUATIONS) lane.status = LaneStatus.FAILED;
      else this.#step(lane, this.gradients.subarray(row * n, (row + 1) * n));
    }
  }

  take(): SearchResult | undefined {
    const place = this.#lanes.findIndex(({ status }) => status !== LaneStatus.RUNNING);
    const [lane] = place < 0 ? [] : this.#lanes.splice(place, 1);
    if (lane === undefined) return undefined;
    const found = lane.status === LaneStatus.CONVERGED;
    return {
      id: lane.id,
      status: lane.status,
      distance: found ? Math.hypot(...lane.y.map((value, i) => value - (lane.image[i] as number))) : Number.NaN,
      norm: 'l2',
      margin: lane.margin,
      prediction: 0,
      cleanPrediction: 0,
      evaluations: lane.evaluations,
      kktResidual: found ? 0.5 : Number.NaN,
      slope: 1,
      starts: 1,
      example: found ? lane.y.slice() : lane.image.slice(),
    };
  }

  dispose(): void {
    this.#disposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #step({ y, margin }: Lane, gradient: Float32Array): void {
    const squared = gradient.reduce((sum, g) => sum + g * g, 0);
    const length = (margin + 1e-3) / squared;
    for (let i = 0; i < y.length; i++) {
      y[i] = Math.min(1, Math.max(0, (y[i] as number) - length * (gradient[i] as number)));
    }
  }

  #move(): void {
    this.points = this.points.slice();
    this.gradients = this.gradients.slice();
    this.oneHot = this.oneHot.slice();
    this.logits = this.logits.slice();
    this.sign = this.sign.slice();
    this.temperature = this.temperature.slice();
    this.smoothing = this.smoothing.slice();
  }
}
