/** What judges: class scores for pixels, by one way to run the model or another. */
import type { Session } from '../runtime/session.ts';

export interface Scorer {
  /**
   * @param pixels [rows, ...shape], in [0, 1].
   * @returns logits, [rows, classes].
   */
  score(pixels: Float32Array, rows: number, shape: readonly number[]): Promise<Float32Array>;
}

/** The graph that logitsGraph makes of a model, in float32. */
export class CopyScorer implements Scorer {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async score(pixels: Float32Array, rows: number, shape: readonly number[]): Promise<Float32Array> {
    const { logits } = await this.#session.run({ image: { data: pixels, dims: [rows, ...shape] } }, { logits: null });
    if (logits === undefined) throw new TypeError('the model gave no logits');
    return logits.data;
  }
}
