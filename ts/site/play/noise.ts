/** Gaussian noise of a given length around an image, and how long it has to be before it fools. */
import { Random } from '../../base/random.ts';
import type { Engine } from '../engine/engine.ts';
import { answerOf, concatenated } from './vectors.ts';

export interface NoiseReport {
  readonly draws: number;
  /** Of so many draws as long as the smallest change, how many change the answer. */
  readonly fooled: number;
  /** The first of the draws, cut off to [0, 1]. */
  readonly example: Float32Array<ArrayBuffer>;
  /** Times the smallest change at which half of the draws fool; null where none of those tried does. */
  readonly factor: number | null;
}

const FACTORS = [1, 2, 4, 8, 16, 32, 64] as const;

export async function tryNoise(
  engine: Engine,
  model: string,
  { image, length, answer, draws }: { image: Float32Array; length: number; answer: number; draws: number },
): Promise<NoiseReport> {
  const random = new Random(5);
  let fooled = 0;
  let example = image.slice();
  for (const factor of FACTORS) {
    const images = Array.from({ length: draws }, () => noisy(image, factor * length, random));
    const probabilities = await engine.score(model, concatenated(images), draws);
    const classes = probabilities.length / draws;
    const wrong = images.filter(
      (_, row) => answerOf(probabilities.subarray(row * classes, (row + 1) * classes)) !== answer,
    );
    if (factor === 1) {
      fooled = wrong.length;
      example = images[0] ?? example;
    }
    if (wrong.length >= draws / 2) return { draws, fooled, example, factor };
  }
  return { draws, fooled, example, factor: null };
}

function noisy(image: Float32Array, length: number, random: Random): Float32Array<ArrayBuffer> {
  const noise = Float64Array.from(image, () => random.normal());
  const scale = length / Math.hypot(...noiseBlocks(noise));
  return Float32Array.from(image, (value, i) => Math.min(1, Math.max(0, value + scale * (noise[i] as number))));
}

/** Lengths of blocks: an image has more numbers than a call may have arguments. */
function noiseBlocks(noise: Float64Array): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < noise.length; at += 1024) lengths.push(Math.hypot(...noise.subarray(at, at + 1024)));
  return lengths;
}
