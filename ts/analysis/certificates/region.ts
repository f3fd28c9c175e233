/**
 * What an adversary may do, and the least that a linear function comes to there: min a·d over ‖d‖ ≤ ε, low ≤ d ≤ high,
 * low ≤ 0 ≤ high.
 */

/** Norms that distances are certified in. */
export const CERTIFIED_NORMS = ['l2', 'linf'] as const;
export type CertifiedNorm = (typeof CERTIFIED_NORMS)[number];

/** An image, and the changes d that leave its pixels in [0, 1] and ‖d‖ within the radius. */
export interface Region {
  /** [n] */
  readonly image: Float64Array;
  /** −image and 1 − image, [n]. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly radius: number;
  readonly norm: CertifiedNorm;
}

/** @param image [n] in [0, 1]. */
export function regionAround(image: ArrayLike<number>, radius: number, norm: CertifiedNorm): Region {
  const pixels = Float64Array.from(image);
  return { image: pixels, low: pixels.map((x) => -x), high: pixels.map((x) => 1 - x), radius, norm };
}

/** No two images are further apart. */
export function diameter(pixels: number, norm: CertifiedNorm): number {
  return norm === 'l2' ? Math.sqrt(pixels) : 1;
}

/**
 * A lower bound of min a·d, exact but for rounding.
 * @param a [n]
 * @param change [n], takes the d at which it is met.
 */
export function leastChange(a: Float64Array, region: Region, change: Float64Array): number {
  return region.norm === 'l2' ? leastInBall(a, region, change) : leastInCube(a, region, change);
}

/** Every element as far as it may go. */
function leastInCube(a: Float64Array, { low, high, radius }: Region, change: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const slope = a[i] as number;
    const d = slope > 0 ? Math.max(low[i] as number, -radius) : slope < 0 ? Math.min(high[i] as number, radius) : 0;
    change[i] = d;
    sum += slope * d;
  }
  return sum;
}

/**
 * By its dual: for every λ ≥ 0, with d(λ) = clip(−a/λ, low, high),
 *     a·d(λ) + ½λ(‖d(λ)‖² − ε²)  ≤  min,
 * with equality where ‖d(λ)‖ = ε. So what is returned is a lower bound whatever λ the iteration has come to. It starts at
 * a λ with ‖d(λ)‖ ≤ ε and solves for the elements that are not at a wall, Σ_free (a/λ)² = ε² − Σ_wall d², until the walls
 * stay the same: more and more elements meet theirs.
 */
function leastInBall(a: Float64Array, { low, high, radius }: Region, change: Float64Array): number {
  const n = a.length;
  change.fill(0);
  let free = 0;
  for (let i = 0; i < n; i++) {
    const slope = a[i] as number;
    if ((slope > 0 ? -(low[i] as number) : (high[i] as number)) > 0) free += slope * slope;
  }
  if (free === 0 || radius === 0) return 0;
  let lambda = Math.sqrt(free) / radius;
  for (let round = 0; round < ROUNDS; round++) {
    let walls = 0;
    free = 0;
    for (let i = 0; i < n; i++) {
      const slope = a[i] as number;
      const wall = slope > 0 ? -(low[i] as number) : (high[i] as number);
      const wanted = Math.abs(slope);
      if (wanted >= lambda * wall) walls += wall * wall;
      else free += wanted * wanted;
    }
    const left = radius * radius - walls;
    // All are at their walls, within the ball: the box alone decides.
    const next = free === 0 || left <= 0 ? 0 : Math.sqrt(free / left);
    if (!(next < lambda * (1 - 1e-12))) break;
    lambda = next;
    if (lambda === 0) break;
  }
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const slope = a[i] as number;
    if (slope === 0) continue;
    const wall = slope > 0 ? -(low[i] as number) : (high[i] as number);
    const length = Math.min(wall, Math.abs(slope) / lambda);
    change[i] = slope > 0 ? -length : length;
    sum -= Math.abs(slope) * length;
    squares += length * length;
  }
  return sum + 0.5 * lambda * (squares - radius * radius);
}

const ROUNDS = 40;
