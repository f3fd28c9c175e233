/**
 * The least value of a linear function on what an adversary may do: min a·d over ‖d‖₂ ≤ ε, low ≤ d ≤ high, low ≤ 0 ≤ high.
 *
 * By its dual: for every λ ≥ 0, with d(λ) = clip(−a/λ, low, high),
 *     a·d(λ) + ½λ(‖d(λ)‖² − ε²)  ≤  min,
 * with equality where ‖d(λ)‖ = ε. So what is answered is a lower bound whatever λ the iteration has come to. It starts at
 * a λ with ‖d(λ)‖ ≤ ε and solves for the elements that are not at a wall, Σ_free (a/λ)² = ε² − Σ_wall d², until the walls
 * stay the same: more and more elements meet theirs.
 */
export function leastOnBallInBox(a: Float64Array, low: Float64Array, high: Float64Array, epsilon: number): number {
  const n = a.length;
  let free = 0;
  for (let i = 0; i < n; i++) {
    const slope = a[i] as number;
    if ((slope > 0 ? -(low[i] as number) : (high[i] as number)) > 0) free += slope * slope;
  }
  if (free === 0 || epsilon === 0) return 0;
  let lambda = Math.sqrt(free) / epsilon;
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
    const left = epsilon * epsilon - walls;
    // All are at their walls, within the ball: the box alone decides.
    const next = free === 0 || left <= 0 ? 0 : Math.sqrt(free / left);
    if (!(next < lambda * (1 - 1e-12))) break;
    lambda = next;
    if (lambda === 0) break;
  }
  return dualValue(a, low, high, epsilon, lambda);
}

const ROUNDS = 40;

function dualValue(a: Float64Array, low: Float64Array, high: Float64Array, epsilon: number, lambda: number): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    const slope = a[i] as number;
    if (slope === 0) continue;
    const wall = slope > 0 ? -(low[i] as number) : (high[i] as number);
    const length = Math.min(wall, Math.abs(slope) / lambda);
    sum -= Math.abs(slope) * length;
    squares += length * length;
  }
  return sum + 0.5 * lambda * (squares - epsilon * epsilon);
}
