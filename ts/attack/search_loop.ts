/**
 * One shard: kernel and session in turn, until the queue is empty and every lane has ended.
 *
 *     submit images to free lanes → ask → run the model on rows [0, count) → tell → take what has ended → …
 *
 * The session reads its inputs from the kernel's memory and writes its outputs there, so a step copies nothing, and
 * its tensors are made once for each count: with all lanes busy that is once.
 */
import type { Search } from '../kernel/kernel.ts';
import type { Session, Tensor } from '../runtime/session.ts';
import type { ShardBoard } from './shard_board.ts';

export interface Shard {
  readonly search: Search;
  /** Of attackGraph: image, one_hot, sign, temperature, smoothing if the search can use it → logits, gradient. */
  readonly session: Session;
  /** Of one image. */
  readonly imageShape: readonly number[];
  readonly board: ShardBoard;
  /** Called about every 100 ms, between two steps. */
  readonly onTick?: () => void | Promise<void>;
}

const TICK_MILLISECONDS = 100;

/** Ends when the board is stopped, too; the images under way are then dropped. */
export async function runShard({ search, session, imageShape, board, onTick }: Shard): Promise<void> {
  const tensors = new StepTensors(search, imageShape);
  let queued = true;
  let ticked = performance.now();
  while (!board.stopped) {
    while (queued && search.freeLanes > 0) {
      const index = board.next();
      if (index === undefined) queued = false;
      else
        search.submit(board.id(index), board.image(index), board.label(index), board.target(index), board.start(index));
    }
    const count = search.ask();
    if (count > 0) {
      const { feeds, fetches } = tensors.rows(count);
      await session.run(feeds, fetches);
      search.tell();
    }
    let taken = 0;
    for (let result = search.take(); result !== undefined; result = search.take()) {
      board.deliver(result);
      taken += 1;
    }
    if (count === 0 && taken === 0) return;
    if (onTick !== undefined && performance.now() - ticked > TICK_MILLISECONDS) {
      await onTick();
      ticked = performance.now();
    }
  }
}

interface Step {
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly fetches: Readonly<Record<string, Tensor>>;
}

/** Views over the first rows of the kernel's memory, as tensors. */
class StepTensors {
  readonly #search: Search;
  readonly #imageShape: readonly number[];
  readonly #steps = new Map<number, Step>();
  #points: Float32Array | undefined;

  constructor(search: Search, imageShape: readonly number[]) {
    this.#search = search;
    this.#imageShape = imageShape;
  }

  rows(count: number): Step {
    // WebAssembly memory moves when someone else's handle makes it grow: the kernel then answers another view.
    if (this.#points !== this.#search.points) {
      this.#steps.clear();
      this.#points = this.#search.points;
    }
    let step = this.#steps.get(count);
    if (step === undefined) {
      step = this.#make(count);
      this.#steps.set(count, step);
    }
    return step;
  }

  #make(count: number): Step {
    const { points, oneHot, sign, temperature, smoothing, logits, gradients, options } = this.#search;
    const rows = (data: Float32Array, shape: readonly number[]): Tensor => {
      const size = shape.reduce((product, dim) => product * dim, count);
      return { data: data.subarray(0, size), dims: [count, ...shape] };
    };
    return {
      feeds: {
        image: rows(points, this.#imageShape),
        one_hot: rows(oneHot, [options.classes]),
        sign: rows(sign, [1]),
        temperature: rows(temperature, [1]),
        ...(options.smoothable ? { smoothing: rows(smoothing, [1]) } : {}),
      },
      fetches: { logits: rows(logits, [options.classes]), gradient: rows(gradients, this.#imageShape) },
    };
  }
}
