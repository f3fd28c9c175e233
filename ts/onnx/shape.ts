/**
 * Shapes with symbolic dimensions. A dimension is a number or a monomial over symbols, written canonically as
 * "N", "49*N" or "3*H*W": enough to carry an unknown batch through the reshapes that exporters write.
 */

export type Dim = number | string;
export type Shape = readonly Dim[];

interface Monomial {
  coefficient: number;
  /** Sorted, with repetitions. */
  symbols: string[];
}

function parseDim(dim: Dim): Monomial {
  if (typeof dim === 'number') return { coefficient: dim, symbols: [] };
  const monomial: Monomial = { coefficient: 1, symbols: [] };
  for (const factor of dim.split('*')) {
    if (/^\d+$/.test(factor)) monomial.coefficient *= Number(factor);
    else monomial.symbols.push(factor);
  }
  monomial.symbols.sort();
  return monomial;
}

function formatMonomial({ coefficient, symbols }: Monomial): Dim {
  if (symbols.length === 0 || coefficient === 0) return coefficient;
  return coefficient === 1 ? symbols.join('*') : [coefficient, ...symbols].join('*');
}

export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((dim) => typeof dim === 'number');
}

export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  const left = parseDim(a);
  const right = parseDim(b);
  return formatMonomial({
    coefficient: left.coefficient * right.coefficient,
    symbols: [...left.symbols, ...right.symbols].sort(),
  });
}

/** a / b when b divides a exactly, whatever the symbols stand for; undefined otherwise. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  const numerator = parseDim(a);
  const denominator = parseDim(b);
  const coefficient = numerator.coefficient / denominator.coefficient;
  if (!Number.isInteger(coefficient)) return undefined;
  const symbols = [...numerator.symbols];
  for (const symbol of denominator.symbols) {
    const at = symbols.indexOf(symbol);
    if (at < 0) return undefined;
    symbols.splice(at, 1);
  }
  return formatMonomial({ coefficient, symbols });
}

/** Number of elements; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number;
export function elementCount(shape: Shape): Dim;
export function elementCount(shape: Shape): Dim {
  return shape.reduce<Dim>((product, dim) => multiplyDims(product, dim), 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

/** NumPy broadcasting; undefined when the shapes do not broadcast (a symbol matches itself and 1 alone). */
export function broadcastShapes(a: Shape, b: Shape): Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    result.push(left === 1 ? right : left);
  }
  return result;
}

/** Axis in 0..rank-1 from one that may count from the end; undefined when out of range. */
export function normalizeAxis(axis: number, rank: number): number | undefined {
  const positive = axis < 0 ? axis + rank : axis;
  return Number.isInteger(axis) && positive >= 0 && positive < rank ? positive : undefined;
}

/** Row-major strides, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] ?? 1) * (shape[i + 1] ?? 1);
  return strides;
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}
