/**
 * What the shards of one attack share: the images, the queue, and a place for each result. A shard takes the next
 * image whenever a lane is free, so no shard waits while another has work. Every image is searched by its index in the
 * data set, its label, target and seed, so neither the shard that takes it nor the other images make a difference.
 *
 * All of it is numbers in (shared) memory: with worker threads the same board lies in every thread, no message carries
 * an image, and the counters are changed by Atomics.
 */
import { LaneStatus } from '../kernel/abi.generated.ts';

const Control = { NEXT: 0, DONE: 1, STOP: 2, SIZE: 3 } as const;
const Field = { DISTANCE: 0, EVALUATIONS: 1, KKT_RESIDUAL: 2, STARTS: 3, SLOPE: 4, SIZE: 5 } as const;

/** Sent to worker threads as it is. */
export interface BoardMemory {
  /** Pixels of an image. */
  readonly n: number;
  /** [images, n] */
  readonly images: Float32Array;
  /** [images] */
  readonly labels: Int32Array;
  /** [images], -1 for untargeted. */
  readonly targets: Int32Array;
  /** Image that lies across the boundary, [images], for the search to go towards where all else fails; -1: none known. */
  readonly across: Int32Array;
  /** Positions of the images to attack. */
  readonly queue: Int32Array;
  /** Index of each image in its data set, ascending, [images]: the id of its search. */
  readonly indices: Int32Array;
  readonly control: Int32Array;
  /** LaneStatus of each image, [images]; 0 until it is done. Written last. */
  readonly statuses: Int32Array;
  /** [images, Field.SIZE] */
  readonly fields: Float64Array;
  /** [images, n]; the original where nothing was found. */
  readonly adversarial: Float32Array;
}

/** What a board is made of. */
export type BoardInput = Omit<BoardMemory, 'across' | 'indices' | 'control' | 'statuses' | 'fields' | 'adversarial'> &
  Partial<Pick<BoardMemory, 'across' | 'indices'>>;

/** A result without its pixels, which are in `adversarial`. */
export interface BoardResult {
  readonly status: LaneStatus;
  /** In the norm of the search. */
  readonly distance: number;
  readonly evaluations: number;
  readonly kktResidual: number;
  readonly starts: number;
  readonly slope: number;
}

/** What a search delivers of an image: by its id, with the pixels. */
export interface Delivery extends BoardResult {
  readonly id: number;
  /** [n] */
  readonly example: Float32Array;
}

export interface BoardTally {
  readonly done: number;
  readonly succeeded: number;
  /** Sum over those that succeeded. */
  readonly distance: number;
}

const SUCCESSES: ReadonlySet<number> = new Set([LaneStatus.CONVERGED, LaneStatus.BUDGET, LaneStatus.STALLED]);

export class ShardBoard {
  readonly memory: BoardMemory;

  /** By id. */
  readonly #positions: ReadonlyMap<number, number>;

  constructor(memory: BoardMemory) {
    this.memory = memory;
    this.#positions = new Map(Array.from(memory.queue, (position) => [memory.indices[position] as number, position]));
  }

  /**
   * @param shared for worker threads: everything is copied into shared memory. Otherwise the images are not copied.
   */
  static create(input: BoardInput, shared: boolean): ShardBoard {
    const bytes = (size: number): ArrayBufferLike => (shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size));
    const integers = (length: number) => new Int32Array(bytes(4 * length));
    const floats = (length: number) => new Float32Array(bytes(4 * length));
    const placeInts = (values: Int32Array) => (shared ? copyInto(integers(values.length), values) : values);
    const placeFloats = (values: Float32Array) => (shared ? copyInto(floats(values.length), values) : values);
    const { n, images, labels, targets, queue } = input;
    const across = input.across ?? new Int32Array(labels.length).fill(-1);
    const indices = input.indices ?? Int32Array.from(labels.keys());
    return new ShardBoard({
      n,
      images: placeFloats(images),
      labels: placeInts(labels),
      targets: placeInts(targets),
      across: placeInts(across),
      queue: placeInts(queue),
      indices: placeInts(indices),
      control: integers(Control.SIZE),
      statuses: integers(labels.length),
      fields: new Float64Array(bytes(8 * Field.SIZE * labels.length)),
      adversarial: copyInto(floats(images.length), images),
    });
  }

  /**
   * One of `parts` of what is left of the queue, for a worker without shared memory: copies of its images, and after them
   * of those that lie across the boundary from them.
   */
  part(part: number, parts: number): BoardInput {
    const { n, queue, labels, targets, indices, across } = this.memory;
    const left = queue.filter((position) => this.result(position) === undefined);
    const own = left.filter((_, place) => place % parts === part);
    const others = [...new Set(Array.from(own, (position) => across[position] as number))].filter((at) => at >= 0);
    const all = [...own, ...others];
    const images = new Float32Array(all.length * n);
    for (const [row, position] of all.entries()) images.set(this.image(position), row * n);
    const pick = (values: Int32Array) => Int32Array.from(all, (position) => values[position] as number);
    const placeOf = new Map(others.map((position, place) => [position, own.length + place]));
    return {
      ...{ n, images, labels: pick(labels), targets: pick(targets), indices: pick(indices) },
      across: Int32Array.from(all, (position, row) =>
        row < own.length ? (placeOf.get(across[position] as number) ?? -1) : -1,
      ),
      queue: Int32Array.from(own.keys()),
    };
  }

  /** Position of the next image to attack, those left out that are done already; undefined when none is left. */
  next(): number | undefined {
    for (;;) {
      const index = this.memory.queue[Atomics.add(this.memory.control, Control.NEXT, 1)];
      if (index === undefined || Atomics.load(this.memory.statuses, index) === LaneStatus.RUNNING) return index;
    }
  }

  /** What the search of the image at this position is known by. */
  id(index: number): number {
    return this.memory.indices[index] as number;
  }

  /** The pixels at `index`: a view. */
  image(index: number): Float32Array {
    return this.memory.images.subarray(index * this.memory.n, (index + 1) * this.memory.n);
  }

  label(index: number): number {
    return this.memory.labels[index] as number;
  }

  target(index: number): number {
    return this.memory.targets[index] as number;
  }

  /** The pixels of an image across the boundary, if one is known: a view. */
  start(index: number): Float32Array | undefined {
    const at = this.memory.across[index] as number;
    return at < 0 ? undefined : this.image(at);
  }

  /** Keeps a result by its id. */
  deliver(result: Delivery): void {
    const { n, adversarial, fields, statuses, control } = this.memory;
    const index = this.#positions.get(result.id);
    if (index === undefined) throw new TypeError(`no image has the id ${result.id}`);
    adversarial.set(result.example, index * n);
    const row = index * Field.SIZE;
    fields[row + Field.DISTANCE] = result.distance;
    fields[row + Field.EVALUATIONS] = result.evaluations;
    fields[row + Field.KKT_RESIDUAL] = result.kktResidual;
    fields[row + Field.STARTS] = result.starts;
    fields[row + Field.SLOPE] = result.slope;
    Atomics.store(statuses, index, result.status);
    Atomics.add(control, Control.DONE, 1);
  }

  /** undefined until the image is done. */
  result(index: number): BoardResult | undefined {
    const status = Atomics.load(this.memory.statuses, index) as LaneStatus;
    if (status === LaneStatus.RUNNING) return undefined;
    const field = (at: number) => this.memory.fields[index * Field.SIZE + at] as number;
    return {
      status,
      distance: field(Field.DISTANCE),
      evaluations: field(Field.EVALUATIONS),
      kktResidual: field(Field.KKT_RESIDUAL),
      starts: field(Field.STARTS),
      slope: field(Field.SLOPE),
    };
  }

  /** Images done. */
  get done(): number {
    return Atomics.load(this.memory.control, Control.DONE);
  }

  tally(): BoardTally {
    let done = 0;
    let succeeded = 0;
    let distance = 0;
    for (const index of this.memory.queue) {
      const status = Atomics.load(this.memory.statuses, index);
      if (status === LaneStatus.RUNNING) continue;
      done += 1;
      if (!SUCCESSES.has(status)) continue;
      succeeded += 1;
      distance += this.memory.fields[index * Field.SIZE + Field.DISTANCE] as number;
    }
    return { done, succeeded, distance };
  }

  /** Asks every shard to end before its next evaluation. */
  stop(): void {
    Atomics.store(this.memory.control, Control.STOP, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.memory.control, Control.STOP) === 1;
  }
}

function copyInto<A extends Int32Array | Float32Array>(place: A, values: A): A {
  place.set(values);
  return place;
}
