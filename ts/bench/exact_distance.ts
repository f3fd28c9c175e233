/**
 * The exact distance of an image to a linear model's mistakes, in double: what no search can beat.
 *
 *     min ½|y - x|²  subject to  A y + c ≤ 0,  0 ≤ y ≤ 1
 *
 * by its dual: for multipliers λ ≥ 0 the minimiser is y(λ) = clip(x - Aᵀλ), and each λᵢ in turn is set, by bisection, to
 * where its own constraint holds with equality (or to 0), until none moves (Hildreth 1957). Untargeted: the nearest of the
 * halfspaces {z_label ≤ z_j}; targeted: the intersection of {z_j ≤ z_target}.
 */
import type { Model } from '../onnx/model.ts';

export interface LinearModel {
  readonly n: number;
  readonly classes: number;
  /** z_k = Σ_i weights[i·classes + k]·x_i + bias_k */
  readonly weights: Float64Array;
  readonly bias: Float64Array;
}

/** Of a model that is one dense layer as this project saves it; undefined for any other. */
export function linearModel(model: Model): LinearModel | undefined {
  const [node, ...others] = model.nodes.filter(({ op }) => op !== 'Flatten');
  if (node?.op !== 'Gemm' || others.length > 0 || Object.keys(node.attributes).length > 0) return undefined;
  const [, weightName = '', biasName = ''] = node.inputs;
  const weight = model.initializers.get(weightName);
  const bias = model.initializers.get(biasName);
  if (weight === undefined || bias === undefined) return undefined;
  const [n = 0, classes = 0] = weight.shape;
  const numbers = (data: ArrayLike<number | bigint>) => Float64Array.from(data, Number);
  return { n, classes, weights: numbers(weight.data), bias: numbers(bias.data) };
}

/** @param target -1 for untargeted. NaN when no image in the box is answered so. */
export function exactDistance(model: LinearModel, image: ArrayLike<number>, label: number, target: number): number {
  const pairs = (chosen: number) => Array.from({ length: model.classes }, (_, j) => j).filter((j) => j !== chosen);
  if (target >= 0)
    return distanceToAll(
      pairs(target).map((j) => halfspace(model, j, target)),
      image,
    );
  const each = pairs(label).map((j) => distanceToAll([halfspace(model, label, j)], image));
  return Math.min(...each.map((distance) => (Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance)));
}

/** a·y + c ≤ 0 */
interface Halfspace {
  readonly a: Float64Array;
  readonly c: number;
}

/** z_k ≤ z_j */
function halfspace({ n, classes, weights, bias }: LinearModel, k: number, j: number): Halfspace {
  const weight = (i: number, column: number) => weights[i * classes + column] as number;
  const a = Float64Array.from({ length: n }, (_, i) => weight(i, k) - weight(i, j));
  return { a, c: (bias[k] as number) - (bias[j] as number) };
}

const SWEEPS = 2000;
/** Of the distance, between two sweeps. */
const TOLERANCE = 1e-12;

function distanceToAll(halfspaces: readonly Halfspace[], image: ArrayLike<number>): number {
  const base = Float64Array.from(image);
  const moved = Float64Array.from(base); // x - Aᵀλ
  const multipliers = new Float64Array(halfspaces.length);
  let before = Number.NaN;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const [i, { a, c }] of halfspaces.entries()) {
      const multiplier = multipliers[i] as number;
      for (let j = 0; j < moved.length; j++) moved[j] = (moved[j] as number) + multiplier * (a[j] as number);
      const found = solveMultiplier(moved, a, c);
      if (Number.isNaN(found)) return Number.NaN;
      for (let j = 0; j < moved.length; j++) moved[j] = (moved[j] as number) - found * (a[j] as number);
      multipliers[i] = found;
    }
    const now = clippedDistance(moved, base);
    if (halfspaces.length === 1 || Math.abs(now - before) <= TOLERANCE * now) return now;
    before = now;
  }
  return before;
}

/** The least λ ≥ 0 with a·clip(x - λa) + c ≤ 0; NaN when there is none. */
function solveMultiplier(x: Float64Array, a: Float64Array, c: number): number {
  const excess = (lambda: number) => {
    let sum = c;
    for (let i = 0; i < x.length; i++) {
      const slope = a[i] as number;
      sum += slope * Math.min(1, Math.max(0, (x[i] as number) - lambda * slope));
    }
    return sum;
  };
  if (excess(0) <= 0) return 0;
  let low = 0;
  let high = 1;
  while (excess(high) > 0) {
    low = high;
    high *= 2;
    if (high > 1e15) return Number.NaN;
  }
  // As far as doubles tell two numbers apart.
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (excess(middle) > 0) low = middle;
    else high = middle;
  }
  return high;
}

function clippedDistance(moved: Float64Array, base: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < base.length; i++) {
    const change = Math.min(1, Math.max(0, moved[i] as number)) - (base[i] as number);
    sum += change * change;
  }
  return Math.sqrt(sum);
}
