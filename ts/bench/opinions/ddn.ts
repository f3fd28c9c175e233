/**
 * Decoupled direction and norm (Rony, Hafemann, Oliveira, Ben Ayed, Sabourin & Granger, CVPR 2019, algorithm 1).
 *
 *     δ ← δ + α·g/‖g‖, g the gradient of the cross-entropy;   ε ← (1 ∓ γ)·ε, smaller where x̃ is answered wrongly
 *     x̃ ← clip(x + ε·δ/‖δ‖), α falls by a cosine to a hundredth
 *
 * ε and α both start with 1 there. That may be too long or too short for an image, so that several starts are made.
 */
import { type Opinion, type Oracle, rowNorm } from './oracle.ts';

const GAMMA = 0.05;
const LAST_STEP = 0.01;

export interface DdnOptions {
  readonly radii?: readonly number[];
  /** For each radius. */
  readonly steps?: number;
}

export function ddn({ radii = [0.1, 0.5, 2], steps = 200 }: DdnOptions = {}): Opinion {
  return async (oracle, signal) => {
    oracle.forget();
    for (const radius of radii) await descend(oracle, radius, steps, signal);
    await oracle.tighten();
    return Float64Array.from(oracle.nearest);
  };
}

async function descend(oracle: Oracle, radius: number, steps: number, signal: AbortSignal | undefined): Promise<void> {
  const { count, n, images, points, gradients } = oracle;
  const change = new Float64Array(count * n);
  const radii = new Float64Array(count).fill(radius);
  points.set(images);
  for (let step = 0; step < steps; step++) {
    signal?.throwIfAborted();
    await oracle.ask();
    const length = radius * (LAST_STEP + (1 - LAST_STEP) * 0.5 * (1 + Math.cos((Math.PI * step) / steps)));
    for (let row = 0; row < count; row++) {
      const slope = rowNorm(gradients, row, n);
      // Down the margin is up the cross-entropy.
      const factor = slope > 0 && Number.isFinite(slope) ? length / slope : 0;
      for (let i = row * n; i < (row + 1) * n; i++)
        change[i] = (change[i] as number) - factor * (gradients[i] as number);
      radii[row] = (radii[row] as number) * (oracle.crossed(row) ? 1 - GAMMA : 1 + GAMMA);
      const norm = rowNorm(change, row, n);
      const stretch = norm > 0 ? (radii[row] as number) / norm : 0;
      for (let i = row * n; i < (row + 1) * n; i++) {
        const moved = Math.min(1, Math.max(0, (images[i] as number) + stretch * (change[i] as number)));
        points[i] = moved;
        change[i] = moved - (images[i] as number);
      }
    }
  }
}
