/** Eigenvalues of small symmetric matrices by Jacobi rotations (Golub & Van Loan, Matrix Computations, 8.5). */

const SWEEPS = 30;

/**
 * The largest eigenvalue and its eigenvector, of length 1.
 * @param matrix [n][n], symmetric; n of a few.
 */
export function topEigenpair(matrix: readonly (readonly number[])[]): { value: number; vector: number[] } {
  const n = matrix.length;
  const a = matrix.map((row) => Float64Array.from(row));
  const v = Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_unused, j) => (i === j ? 1 : 0)));
  const at = (rows: Float64Array[], i: number, j: number): number => rows[i]?.[j] ?? 0;
  const scale = Math.max(...a.map((row) => Math.max(...row.map(Math.abs))));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off = Math.max(off, Math.abs(at(a, p, q)));
    if (off <= 1e-18 * scale) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = at(a, p, q);
        if (apq === 0) continue;
        const tau = (at(a, q, q) - at(a, p, p)) / (2 * apq);
        const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.hypot(1, tau));
        const c = 1 / Math.hypot(1, t);
        rotate(a, v, p, q, c, t * c);
      }
    }
  }
  let best = 0;
  for (let i = 1; i < n; i++) if (at(a, i, i) > at(a, best, best)) best = i;
  return { value: at(a, best, best), vector: v.map((row) => row[best] ?? 0) };
}

/** a ← JᵀaJ, v ← vJ with the rotation J in the plane (p, q). */
function rotate(a: Float64Array[], v: Float64Array[], p: number, q: number, c: number, s: number): void {
  const columns = (rows: Float64Array[]): void => {
    for (const row of rows) {
      const left = row[p] ?? 0;
      const right = row[q] ?? 0;
      row[p] = c * left - s * right;
      row[q] = s * left + c * right;
    }
  };
  columns(a);
  const [top, bottom] = [a[p], a[q]];
  if (top && bottom) {
    for (let k = 0; k < a.length; k++) {
      const upper = top[k] ?? 0;
      const lower = bottom[k] ?? 0;
      top[k] = c * upper - s * lower;
      bottom[k] = s * upper + c * lower;
    }
  }
  columns(v);
}
