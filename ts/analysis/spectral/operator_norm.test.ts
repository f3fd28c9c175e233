import { describe, expect, test } from 'vitest';
import { Random } from '../../base/random.ts';
import { matrixOperator } from './linear_operator.ts';
import { operatorNorm } from './operator_norm.ts';

function gaussian(rows: number, columns: number, seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length: rows * columns }, () => random.normal());
}

/** U·diag(σ)·Vᵀ with U, V products of Householder reflections. */
function withSingularValues(values: readonly number[], rows: number, columns: number, seed: number): Float64Array {
  const matrix = new Float64Array(rows * columns);
  values.forEach((value, i) => {
    matrix[i * columns + i] = value;
  });
  const random = new Random(seed);
  const normals = (count: number) => Float64Array.from({ length: count }, () => random.normal());
  const u = normals(rows);
  const v = normals(columns);
  const uu = u.reduce((sum, x) => sum + x * x, 0);
  const vv = v.reduce((sum, x) => sum + x * x, 0);
  for (let j = 0; j < columns; j++) {
    let overlap = 0;
    for (let i = 0; i < rows; i++) overlap += (u[i] ?? 0) * (matrix[i * columns + j] ?? 0);
    for (let i = 0; i < rows; i++)
      matrix[i * columns + j] = (matrix[i * columns + j] ?? 0) - (2 * overlap * (u[i] ?? 0)) / uu;
  }
  for (let i = 0; i < rows; i++) {
    let overlap = 0;
    for (let j = 0; j < columns; j++) overlap += (v[j] ?? 0) * (matrix[i * columns + j] ?? 0);
    for (let j = 0; j < columns; j++)
      matrix[i * columns + j] = (matrix[i * columns + j] ?? 0) - (2 * overlap * (v[j] ?? 0)) / vv;
  }
  return matrix;
}

describe('operatorNorm', () => {
  test.each([
    ['well separated', [5, 1, 0.5]],
    ['clustered to 1e-4', [3, 2.9997, 2.9994, 2.9, 1]],
    ['the largest twice', [2, 2, 1]],
    ['all equal', [4, 4, 4]],
    ['of rank one', [7]],
    ['tiny', [3e-9, 1e-9]],
    ['huge', [3e9, 1e9]],
  ])('known singular values, %s, wide and tall', (_, values) => {
    const [largest = 0] = values;
    for (const [rows, columns] of [
      [12, 30],
      [30, 12],
      [9, 9],
    ] as const) {
      const matrix = withSingularValues(values, rows, columns, rows);
      const { norm, verified } = operatorNorm(matrixOperator(matrix, rows, columns));
      expect(Math.abs(norm / largest - 1)).toBeLessThan(1e-6);
      expect(verified).toBe(true);
    }
  });

  test('random matrices, whose spectrum is dense at its edge', () => {
    for (const [rows, columns] of [
      [100, 784],
      [300, 200],
      [1, 50],
      [50, 1],
      [2, 3],
    ] as const) {
      const matrix = gaussian(rows, columns, rows);
      const exact = operatorNorm(matrixOperator(matrix, rows, columns), { tolerance: 1e-12, verifyUpTo: 0 }).norm;
      const quick = operatorNorm(matrixOperator(matrix, rows, columns), { verifyUpTo: 0 });
      expect(Math.abs(quick.norm / exact - 1)).toBeLessThan(1e-6);
      expect(quick.verified).toBe(false);
      expect(operatorNorm(matrixOperator(matrix, rows, columns)).verified).toBe(true);
    }
  });

  test('needs far fewer products than power iteration, which gains (σ₂/σ₁)² a step', () => {
    const matrix = withSingularValues([1, 0.999, 0.99, 0.9, 0.5], 40, 40, 3);
    const { iterations } = operatorNorm(matrixOperator(matrix, 40, 40));
    expect(iterations).toBeLessThan(200);
  });

  test('zero has norm 0, and says so for certain', () => {
    expect(operatorNorm(matrixOperator(new Float64Array(12), 3, 4))).toMatchObject({ norm: 0, verified: true });
  });

  test('refuses what is not finite, does not fit, or does not settle', () => {
    const bad = Float64Array.from([1, Number.NaN, 0, 1]);
    expect(() => operatorNorm(matrixOperator(bad, 2, 2))).toThrow('not finite');
    expect(() => matrixOperator([1, 2, 3], 2, 2)).toThrow('Expected 2 × 2 values for matrix but received 3');
    expect(() => operatorNorm(matrixOperator([1], 1, 1), { tolerance: 0 })).toThrow('for tolerance');
    const matrix = matrixOperator(gaussian(60, 60, 1), 60, 60);
    expect(() => operatorNorm(matrix, { maxIterations: 3 })).toThrow('did not settle to 0.000001 within 3 products');
  });
});
