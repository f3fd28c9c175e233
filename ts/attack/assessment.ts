/**
 * From what the shards deliver to examples, while they search on: batch after batch of neighbours, each judged as soon as
 * all of its images are done. Which images share a batch never depends on the shards, so neither do the verdicts.
 */
import { type ImageSet, indexOf } from '../data/image_set.ts';
import { assembleExample } from './assemble.ts';
import { type ClassifiedImages, isMisclassified, type Judge, type JudgedImages } from './judge.ts';
import type { AttackExample } from './result.ts';
import type { ShardBoard } from './shard_board.ts';

export interface Assessed {
  readonly set: ImageSet;
  readonly clean: ClassifiedImages;
  /** [images], -1 for untargeted. */
  readonly targets: Int32Array;
  readonly board: ShardBoard;
}

export class Assessment {
  readonly #judge: Judge;
  readonly #assessed: Assessed;
  readonly #delivered: JudgedImages;
  readonly #examples: AttackExample[] = [];
  /** All images before it are judged. */
  #next = 0;

  constructor(judge: Judge, assessed: Assessed) {
    const { set, targets, board } = assessed;
    this.#judge = judge;
    this.#assessed = assessed;
    this.#delivered = {
      pixels: board.memory.adversarial,
      shape: set.shape,
      labels: set.labels,
      // An image answered wrongly from the start is its own adversarial example only where that is the class to reach.
      targets,
    };
  }

  /** Judges the next batches whose images are all done. */
  async advance(): Promise<void> {
    for (let batch = this.#batch(); batch.length > 0; batch = this.#batch()) {
      if (!batch.every((index) => this.#isDone(index))) return;
      await this.#take(batch);
    }
  }

  /**
   * Judges the other images that are done; the rest were not reached.
   * @returns an example for each image done, in their order.
   */
  async finish(): Promise<AttackExample[]> {
    for (let batch = this.#batch(); batch.length > 0; batch = this.#batch()) await this.#take(batch);
    return this.#examples;
  }

  /** Positions of the next images; empty at the end. */
  #batch(): Int32Array {
    const length = Math.min(this.#judge.rows, this.#assessed.set.count - this.#next);
    return Int32Array.from({ length }, (_, row) => this.#next + row);
  }

  #isDone(index: number): boolean {
    const { set, clean, board } = this.#assessed;
    return board.result(index) !== undefined || isMisclassified(clean, set.labels, index);
  }

  async #take(batch: Int32Array): Promise<void> {
    const { set, clean, targets, board } = this.#assessed;
    const { adversarial, n } = board.memory;
    const done = batch.filter((index) => this.#isDone(index));
    const verdicts = await this.#judge.judge(this.#delivered, done);
    for (const [row, { delivered, quantized }] of verdicts.entries()) {
      const position = done[row] as number;
      this.#examples.push(
        assembleExample({
          position,
          index: indexOf(set, position),
          label: set.labels[position] as number,
          target: targets[position] as number,
          cleanPrediction: clean.predictions[position] as number,
          result: board.result(position),
          verdict: delivered,
          quantized,
          n,
          originals: set.images,
          adversarial,
        }),
      );
    }
    this.#next += batch.length;
  }
}
