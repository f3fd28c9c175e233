/**
 * What an attack has found so far, kept as it goes: an attack that was killed and is started again takes it up and searches
 * only the rest. Every image is searched by its own index and seed, so the result is that of an undisturbed run.
 */
import { LaneStatus } from '../kernel/abi.generated.ts';
import type { Delivery, ShardBoard } from './shard_board.ts';

export interface AttackJournal {
  /** What an earlier run of the same attack had found; pixels of `n` values each. */
  restore(n: number): Iterable<Delivery>;
  /** Keeps more of it, all or nothing of each result. */
  record(results: readonly Delivery[]): void;
}

/** Puts what the journal holds on the board, and keeps what is added to it. */
export class JournalKeeper {
  readonly #journal: AttackJournal;
  readonly #board: ShardBoard;
  /** Positions of the images that are not in it yet, by the ids of their searches. */
  readonly #waiting: Map<number, number>;

  constructor(journal: AttackJournal, board: ShardBoard) {
    this.#journal = journal;
    this.#board = board;
    this.#waiting = new Map(Array.from(board.memory.queue, (position) => [board.id(position), position]));
    for (const result of journal.restore(board.memory.n)) {
      if (this.#waiting.delete(result.id)) board.deliver(result);
    }
  }

  /** Records what was delivered since the last call. */
  keep(): void {
    const { n, adversarial } = this.#board.memory;
    const found: Delivery[] = [];
    for (const [id, position] of this.#waiting) {
      const result = this.#board.result(position);
      if (result === undefined || result.status === LaneStatus.RUNNING) continue;
      const example = adversarial.slice(position * n, (position + 1) * n);
      found.push({ ...result, id, example });
    }
    if (found.length === 0) return;
    this.#journal.record(found);
    for (const { id } of found) this.#waiting.delete(id);
  }
}
