/**
 * The user's own file in plain ONNX Runtime: its bytes as they are, its input in its own type and batch, its scores as it
 * gives them. A claim about a model is a claim about this, not about the graph that the search runs on.
 */
import { applyPixelMap } from '../onnx/preprocessing.ts';
import type { Classifier } from '../onnx/read_classifier.ts';
import type { Session } from '../runtime/session.ts';
import type { Scorer } from './scorer.ts';

/** The smallest float32 above 0, for the logarithm of a probability that is none. */
const LEAST_PROBABILITY = 2 ** -149;

export class OriginalScorer implements Scorer {
  readonly #session: Session;
  readonly #source: Classifier['source'];
  readonly #batch: number | undefined;

  constructor(session: Session, source: Classifier['source']) {
    this.#session = session;
    this.#source = source;
    const batch = source.input.shape[0];
    this.#batch = typeof batch === 'number' ? batch : source.alone ? 1 : undefined;
  }

  async score(pixels: Float32Array, rows: number): Promise<Float32Array> {
    const size = pixels.length / rows;
    const wanted = applyPixelMap(this.#source.pixels, pixels);
    const batch = this.#batch ?? rows;
    const parts: Float32Array[] = [];
    for (let start = 0; start < rows; start += batch) {
      const count = Math.min(batch, rows - start);
      let data = wanted.subarray(start * size, (start + count) * size);
      if (count < batch) {
        // A batch that is fixed in the file is filled up with the last image.
        const full = new Float32Array(batch * size);
        for (let row = 0; row < batch; row++) {
          const from = Math.min(row, count - 1) * size;
          full.set(data.subarray(from, from + size), row * size);
        }
        data = full;
      }
      const scores = await this.#run(data, batch);
      parts.push(scores.subarray(0, (scores.length / batch) * count));
    }
    return this.#logits(parts.length === 1 ? (parts[0] as Float32Array) : concatenated(parts));
  }

  async #run(data: Float32Array, batch: number): Promise<Float32Array> {
    const { input, output } = this.#source;
    const dims = [batch, ...input.shape.slice(1).map(Number)];
    const scores = (await this.#session.run({ [input.name]: { data, dims } }, { [output]: null }))[output];
    if (scores === undefined) throw new TypeError('the model gave no scores');
    return scores.data;
  }

  /** Logarithms of probabilities differ as logits do. */
  #logits(scores: Float32Array): Float32Array {
    const logarithm = (probability: number): number => Math.log(Math.max(probability, LEAST_PROBABILITY));
    switch (this.#source.kind) {
      case 'scores':
        return scores;
      case 'probabilities':
        return scores.map((value) => (Number.isNaN(value) ? value : logarithm(value)));
      case 'one-score':
        return twoClasses(scores, (value) => value);
      case 'one-probability':
        return twoClasses(scores, (value) => (Number.isNaN(value) ? value : logarithm(value) - logarithm(1 - value)));
    }
  }
}

function twoClasses(scores: Float32Array, logit: (score: number) => number): Float32Array {
  const pairs = new Float32Array(2 * scores.length);
  for (const [row, score] of scores.entries()) pairs[2 * row + 1] = logit(score);
  return pairs;
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
