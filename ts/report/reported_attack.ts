/** What a report is made of: results, and the pixels of the examples that it shows, wherever they are. */
import type { AttackExample, AttackOutcome, AttackResults } from '../attack/result.ts';
import { imageSize } from '../data/image_set.ts';
import { invalidArgument } from '../errors.ts';

/** An image before and after. */
export interface ImagePair {
  original: Float32Array;
  adversarial: Float32Array;
}

/** Pixels of some examples, in their order: those of a large attack are not in memory. */
export type ExamplePixels = (examples: readonly AttackExample[]) => Promise<ImagePair[]>;

export interface ReportedAttack extends AttackResults {
  imageShape: number[];
  pixels: ExamplePixels;
}

/** @throws {BlindspotError} INVALID_ARGUMENT when the pixels do not fit the shape and the number of examples. */
export function reported(outcome: AttackOutcome): ReportedAttack {
  const { summary, examples, imageShape } = outcome;
  const size = imageSize(imageShape);
  const expected = examples.length * size;
  for (const name of ['originals', 'adversarial'] as const) {
    const { length } = outcome[name];
    if (length === expected) continue;
    throw invalidArgument(name, `${examples.length} × ${size} = ${expected} values`, length);
  }
  const places = new Map(examples.map((example, place) => [example, place]));
  const pair = (example: AttackExample): ImagePair => {
    const start = (places.get(example) ?? 0) * size;
    return {
      original: outcome.originals.subarray(start, start + size),
      adversarial: outcome.adversarial.subarray(start, start + size),
    };
  };
  return { summary, examples, imageShape, pixels: async (some) => some.map(pair) };
}
