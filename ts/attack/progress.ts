/** How far an attack is. */
import type { ShardBoard } from './shard_board.ts';

export interface AttackProgress {
  phase: 'searching' | 'judging';
  /** Images. */
  total: number;
  /** Images done, those that were misclassified from the start among them. */
  done: number;
  alreadyMisclassified: number;
  /** Of the images attacked and done, how many have an adversarial example, as the search sees it. */
  succeeded: number;
  /** succeeded over the images attacked and done; null before the first. */
  successRate: number | null;
  meanL2: number | null;
  /** l2 / sqrt(n) (Szegedy et al. 2013). */
  meanDistortion: number | null;
  /** null until it can be told. */
  secondsLeft: number | null;
}

/** Between two reports of a search. */
const TICK_MILLISECONDS = 100;

/** Makes reports from what the board holds. */
export class ProgressTeller {
  readonly #board: ShardBoard;
  readonly #images: number;
  readonly #tell: ((progress: AttackProgress) => void) | undefined;
  readonly #started = performance.now();
  #told = this.#started;

  /** @param images given, those not attacked among them. */
  constructor(board: ShardBoard, images: number, tell: ((progress: AttackProgress) => void) | undefined) {
    this.#board = board;
    this.#images = images;
    this.#tell = tell;
  }

  /** Tells of the search when the last report is a while ago. */
  tick(): void {
    if (performance.now() - this.#told >= TICK_MILLISECONDS) this.tell('searching');
  }

  tell(phase: AttackProgress['phase']): void {
    this.#told = performance.now();
    if (this.#tell === undefined) return;
    const { n, queue } = this.#board.memory;
    const { done, succeeded, distance } = this.#board.tally();
    const alreadyMisclassified = this.#images - queue.length;
    // L2 is the only norm.
    const meanL2 = succeeded === 0 ? null : distance / succeeded;
    const seconds = (performance.now() - this.#started) / 1000;
    this.#tell({
      phase,
      total: this.#images,
      done: alreadyMisclassified + done,
      alreadyMisclassified,
      succeeded,
      successRate: done === 0 ? null : succeeded / done,
      meanL2,
      meanDistortion: meanL2 === null ? null : meanL2 / Math.sqrt(n),
      secondsLeft: done === 0 ? null : (seconds / done) * (queue.length - done),
    });
  }
}
