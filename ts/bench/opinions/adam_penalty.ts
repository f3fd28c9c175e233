/**
 * A penalty for every weight c, by Adam, with c bisected and the whole repeated from other starts:
 *
 *     minimise ‖r‖² + c·max(0, margin + κ)      (Carlini & Wagner 2017, sections V and VI, objective f₆, here with κ = 0)
 *
 * Points are projected on the box after each step, the third of their ways to keep to it. The first c is that for which both
 * terms weigh the same at the distance that the gradient at the image promises; c grows tenfold while nothing is found.
 */
import { Random } from '../../base/random.ts';
import { Adam } from './adam.ts';
import type { Opinion, Oracle } from './oracle.ts';

export interface AdamPenaltyOptions {
  /** Values of c. */
  readonly weights?: number;
  /** For each. */
  readonly steps?: number;
  /** The first from the image, the others from uniform noise around it. */
  readonly restarts?: number;
}

/** Of the distance expected over √n, a pixel. */
const RATE = 0.5;
const LAST_RATE = 0.02;
/** Of that distance over √n, too. */
const NOISE = 1;

export function adamPenalty({ weights = 7, steps = 150, restarts = 2 }: AdamPenaltyOptions = {}): Opinion {
  return async (oracle, signal) => {
    oracle.forget();
    for (let restart = 0; restart < restarts; restart++) {
      const bracket = await firstBracket(oracle);
      for (let round = 0; round < weights; round++) {
        const random = restart === 0 ? undefined : new Random(restart, round);
        const found = await descend(oracle, bracket.weight, steps, random, signal);
        narrow(bracket, found);
      }
    }
    await oracle.tighten();
    return Float64Array.from(oracle.nearest);
  };
}

interface Bracket {
  readonly weight: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

async function firstBracket(oracle: Oracle): Promise<Bracket> {
  const lengths = await oracle.lengths();
  const weight = lengths.map((length, row) => length ** 2 / Math.max(oracle.margins[row] as number, 1e-30));
  return {
    weight,
    low: new Float64Array(oracle.count),
    high: new Float64Array(oracle.count).fill(Number.POSITIVE_INFINITY),
  };
}

function narrow({ weight, low, high }: Bracket, found: readonly boolean[]): void {
  for (const [row, success] of found.entries()) {
    (success ? high : low)[row] = weight[row] as number;
    const [least, most] = [low[row] as number, high[row] as number];
    if (most === Number.POSITIVE_INFINITY) weight[row] = 10 * least;
    else weight[row] = least === 0 ? most / 10 : Math.sqrt(least * most);
  }
}

/** @returns for each image whether any point was answered wrongly. */
async function descend(
  oracle: Oracle,
  weight: Float64Array,
  steps: number,
  random: Random | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean[]> {
  const { count, n, images, points, gradients } = oracle;
  const lengths = (await oracle.lengths()).map((length) => length / Math.sqrt(n));
  const adam = new Adam(count, n);
  const direction = new Float64Array(count * n);
  const found = Array.from({ length: count }, () => false);
  for (let i = 0; i < points.length; i++) {
    const noise =
      random === undefined ? 0 : NOISE * (lengths[Math.floor(i / n)] as number) * (2 * random.uniform() - 1);
    const start = (images[i] as number) + noise;
    points[i] = Math.min(1, Math.max(0, start));
  }
  for (let step = 0; step < steps; step++) {
    signal?.throwIfAborted();
    await oracle.ask();
    for (let row = 0; row < count; row++) {
      const crossed = oracle.crossed(row);
      if (crossed) found[row] = true;
      const pull = crossed ? 0 : (weight[row] as number);
      for (let i = row * n; i < (row + 1) * n; i++) {
        direction[i] = 2 * ((points[i] as number) - (images[i] as number)) + pull * (gradients[i] as number);
      }
    }
    const rate = RATE * LAST_RATE ** (step / steps);
    adam.step(
      points,
      direction,
      lengths.map((length) => rate * length),
    );
  }
  return found;
}
