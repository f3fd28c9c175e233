/** The largest radius that the relaxation of a network certifies around an image. */
import type { Kernel } from '../../kernel/kernel.ts';
import { optimizedBounder } from './optimized_slopes.ts';
import { type CertifiedNorm, diameter, regionAround } from './region.ts';
import { type ChainNetwork, logitsOf, marginBounds, plainBounder } from './relaxed_network.ts';

/** Of logits of size 1 and up, relative: what float32 may be off. */
const ROUNDING = 1e-5;
/** Radii are found to these shares: with the lines of the least area, and with the best ones, which take longer. */
const TOLERANCE = 1e-3;
const OPTIMIZED_TOLERANCE = 3e-3;

export interface RadiusOptions {
  /** @default 'l2' */
  readonly norm?: CertifiedNorm;
  /** A radius that is certified otherwise; the result is at least this. */
  readonly known?: number;
  /** Chooses the lines of every bound by minimising; without it, they are those of the least area. */
  readonly kernel?: Kernel | undefined;
}

/** @param image [n] in [0, 1]. */
export function certifiedRadius(
  network: ChainNetwork,
  image: ArrayLike<number>,
  label: number,
  { norm = 'l2', known = 0, kernel }: RadiusOptions = {},
): number {
  const logits = logitsOf(network, image);
  const slack = ROUNDING * (1 + Math.max(...logits.map(Math.abs)));
  const smallest = (margins: Float64Array): number => Math.min(...margins.filter((_, j) => j !== label)) - slack;
  const answer = logits[label] as number;
  const margin = smallest(logits.map((z) => answer - z));
  const most = diameter(image.length, norm);
  if (!(margin > 0) || known >= most) return known;
  const boundBy = (radius: number, best: Kernel | undefined): number => {
    const region = regionAround(image, radius, norm);
    const least = best === undefined ? plainBounder(network, region) : optimizedBounder(network, region, best);
    return smallest(marginBounds(network, label, least));
  };
  const plainRadius = largestRadius(
    (radius) => boundBy(radius, undefined),
    { radius: known, bound: known === 0 ? margin : undefined },
    { first: 2 * known || most / 1000, growth: 2, most, tolerance: TOLERANCE },
  );
  if (kernel === undefined || plainRadius >= most) return plainRadius;
  return largestRadius(
    (radius) => boundBy(radius, kernel),
    { radius: plainRadius, bound: undefined },
    { first: 1.1 * plainRadius, growth: 1.2, most, tolerance: OPTIMIZED_TOLERANCE },
  );
}

interface Reach {
  /** The first radius tried. */
  readonly first: number;
  /** From one to the next, until one fails. */
  readonly growth: number;
  readonly most: number;
  readonly tolerance: number;
}

/**
 * Where a falling function of the radius meets zero, from below, by the secant kept within a bracket.
 * @param start a radius that is certified, and the bound there if it is known.
 */
function largestRadius(
  boundAt: (radius: number) => number,
  start: { readonly radius: number; readonly bound: number | undefined },
  { first, growth, most, tolerance }: Reach,
): number {
  let low = { radius: start.radius, bound: start.bound ?? Number.NaN };
  let high = { radius: Math.min(most, Math.max(first, 1e-9)), bound: Number.NaN };
  for (;;) {
    high.bound = boundAt(high.radius);
    if (!(high.bound > 0)) break;
    if (high.radius === most) return most;
    low = high;
    high = { radius: Math.min(most, growth * high.radius), bound: Number.NaN };
  }
  let side = 1;
  let halving = false;
  while (high.radius - low.radius > tolerance * high.radius) {
    const width = high.radius - low.radius;
    const share = low.bound / (low.bound - high.bound);
    // A little beyond the secant's zero, on the side where nothing has been met lately.
    const wanted = halving || !(share > 0 && share < 1) ? 0.5 : share + (side * 0.4 * tolerance * high.radius) / width;
    const radius = low.radius + width * Math.min(0.95, Math.max(0.05, wanted));
    const bound = boundAt(radius);
    if (bound > 0) {
      low = { radius, bound };
      side = 1;
    } else {
      high = { radius, bound };
      side = -1;
    }
    halving = high.radius - low.radius > 0.5 * width;
  }
  return low.radius;
}
