/**
 * Primal-dual gradient descent (Matyasko & Chau, "PDPGD: Primal-Dual Proximal Gradient Descent Adversarial Attack", 2021,
 * section 3): the saddle point of
 *
 *     L(r, λ) = λ₀·‖r‖ + λ₁·softplus(−constraint),   λ on the simplex,
 *
 * by Adam on r and multiplicative ascent on λ: where the point is not across the boundary λ₁ grows, else it shrinks, by a
 * factor that falls from step to step. The multipliers used are a running mean. Here the constraint is the smoothed margin over
 * its own slope, a distance, so that the multipliers mean the same for every network; steps are in proportion to the distance
 * expected, and what a first pass finds is the second one's.
 */
import { Adam } from './adam.ts';
import { type Opinion, type Oracle, rowNorm } from './oracle.ts';

const FIRST_SHARE = 0.01;
const LEAST_SHARE = 1e-6;
const MEMORY = 0.9;
const PASSES = 2;
/** Of the distance expected over √n, a pixel. */
const RATE = 3;
const LAST_RATE = 0.01;
const DUAL_RATE = 0.1;
const LAST_DUAL_RATE = 0.1;

/** @param options `steps`: of a pass. */
export function pdgd({ steps = 300 }: { readonly steps?: number } = {}): Opinion {
  return async (oracle, signal) => {
    oracle.forget();
    for (let pass = 0; pass < PASSES; pass++) await descend(oracle, steps, signal);
    await oracle.tighten();
    return Float64Array.from(oracle.nearest);
  };
}

async function descend(oracle: Oracle, steps: number, signal: AbortSignal | undefined): Promise<void> {
  const { count, n, images, points, gradients } = oracle;
  const lengths = await oracle.lengths();
  const adam = new Adam(count, n);
  const direction = new Float64Array(count * n);
  const logit = new Float64Array(count).fill(Math.log(FIRST_SHARE));
  const share = new Float64Array(count).fill(FIRST_SHARE);
  for (let step = 0; step < steps; step++) {
    signal?.throwIfAborted();
    await oracle.ask();
    const part = step / steps;
    const dual = DUAL_RATE * LAST_DUAL_RATE ** part;
    for (let row = 0; row < count; row++) {
      logit[row] = (logit[row] as number) + (oracle.crossed(row) ? -dual : dual);
      const wanted = 1 / (1 + Math.exp(-(logit[row] as number)));
      share[row] = Math.max(LEAST_SHARE, MEMORY * (share[row] as number) + (1 - MEMORY) * wanted);
      const slope = rowNorm(gradients, row, n);
      const usable = slope > 0 && Number.isFinite(slope);
      const outside = (oracle.margins[row] as number) / (usable ? slope * (lengths[row] as number) : 1);
      // The derivative of softplus, by its argument.
      const pull = usable ? (share[row] as number) / (1 + Math.exp(-outside)) / slope : 0;
      const norm = oracle.distance(row);
      const back = norm > 0 ? (1 - (share[row] as number)) / norm : 0;
      for (let i = row * n; i < (row + 1) * n; i++) {
        direction[i] = back * ((points[i] as number) - (images[i] as number)) + pull * (gradients[i] as number);
      }
    }
    adam.step(
      points,
      direction,
      lengths.map((length) => (RATE * LAST_RATE ** part * length) / Math.sqrt(n)),
    );
  }
}
