/**
 * The operator norm ‖A‖₂, the largest singular value, of a linear operator.
 *
 * With G = AAᵀ or AᵀA, whichever is smaller, ‖A‖² is the largest eigenvalue of G. It is sought by the locally optimal
 * conjugate gradient method (Knyazev 2001, LOBPCG of one vector without preconditioner): the next iterate is the
 * Rayleigh–Ritz vector of span{x, r, p}, with r = Gx − θx, θ = xᵀGx, and p the last step. It costs one product with G
 * an iteration as power iteration does, and needs about the square root of its iterations.
 *
 * An iteration from below cannot know that nothing larger is left. Where the smaller side allows, the answer is
 * therefore proved: σ is an upper bound exactly if σ²I − G has a Cholesky factorisation.
 */
import { Random } from '../../base/random.ts';
import { BlindspotError, invalidArgument } from '../../errors.ts';
import type { LinearOperator } from './linear_operator.ts';
import { topEigenpair } from './symmetric_eigen.ts';

export interface OperatorNormOptions {
  /** Relative error of the norm that is aimed at; default 1e-6. */
  tolerance?: number;
  /** Products with G at most; default 3000. */
  maxIterations?: number;
  /** Of the first vector; default 0. */
  seed?: number;
  /** Prove the answer where the smaller side is at most so many; default 512, 0 never. */
  verifyUpTo?: number;
}

export interface OperatorNorm {
  norm: number;
  /** Whether norm·(1 + tolerance) was proved to be an upper bound. */
  verified: boolean;
  /** Products with G. */
  iterations: number;
}

const DEFAULT_TOLERANCE = 1e-6;
const DEFAULT_ITERATIONS = 3000;
const DEFAULT_VERIFY = 512;
/** Starts from another vector when an answer is refuted. */
const ATTEMPTS = 4;
/** Iterations over which the decay of θ's growth is measured. */
const WINDOW = 8;

/**
 * @throws INVALID_ARGUMENT for a tolerance outside (0, 0.1]; NOT_FINITE when A is not finite, or the iterations are
 *   used up before the tolerance is met.
 */
export function operatorNorm(operator: LinearOperator, options: OperatorNormOptions = {}): OperatorNorm {
  const tolerance = options.tolerance ?? DEFAULT_TOLERANCE;
  if (!(tolerance > 0 && tolerance <= 0.1)) throw invalidArgument('tolerance', 'a number in (0, 0.1]', tolerance);
  const gram = gramOperator(operator);
  const canVerify = gram.size <= (options.verifyUpTo ?? DEFAULT_VERIFY);
  const matrix = canVerify ? gramMatrix(gram) : undefined;
  let iterations = 0;
  let largest = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = largestEigenvalue(gram, {
      // Each further attempt asks for more: the one before stopped too early.
      tolerance: tolerance * 10 ** -attempt,
      maxIterations: options.maxIterations ?? DEFAULT_ITERATIONS,
      random: new Random(options.seed ?? 0, attempt),
    });
    iterations += found.iterations;
    largest = Math.max(largest, found.value);
    if (!matrix) break;
    if (isUpperBound(matrix, gram.size, largest * (1 + tolerance) ** 2)) {
      return { norm: Math.sqrt(largest), verified: true, iterations };
    }
  }
  return { norm: Math.sqrt(largest), verified: false, iterations };
}

interface Gram {
  readonly size: number;
  /** image = G·x */
  apply(x: Float64Array, image: Float64Array): void;
}

function gramOperator(operator: LinearOperator): Gram {
  const { inputSize, outputSize } = operator;
  if (outputSize <= inputSize) {
    const between = new Float64Array(inputSize);
    return {
      size: outputSize,
      apply(x, image) {
        operator.applyTransposed(x, between);
        operator.apply(between, image);
      },
    };
  }
  const between = new Float64Array(outputSize);
  return {
    size: inputSize,
    apply(x, image) {
      operator.apply(x, between);
      operator.applyTransposed(between, image);
    },
  };
}

interface Search {
  tolerance: number;
  maxIterations: number;
  random: Random;
}

function largestEigenvalue(gram: Gram, { tolerance, maxIterations, random }: Search) {
  const { size } = gram;
  const x = pairOf(size);
  const residual = pairOf(size);
  const step = pairOf(size);
  for (let i = 0; i < size; i++) x.vector[i] = random.normal();
  scale(x, 1 / Math.sqrt(dot(x.vector, x.vector)));
  gram.apply(x.vector, x.image);
  let iterations = 1;
  let hasStep = false;
  const history: number[] = [];
  for (;;) {
    const theta = dot(x.vector, x.image);
    if (!Number.isFinite(theta)) throw new BlindspotError('NOT_FINITE', 'The operator has values that are not finite');
    if (theta <= 0) return { value: 0, iterations };
    for (let i = 0; i < size; i++) {
      residual.vector[i] = (x.image[i] as number) - theta * (x.vector[i] as number);
    }
    const error = Math.sqrt(dot(residual.vector, residual.vector));
    history.push(theta);
    // ‖r‖ bounds the distance of θ to an eigenvalue, much too widely once the directions have settled.
    if (error <= tolerance * theta || remainingGrowth(history) <= 0.2 * tolerance * theta) {
      return { value: theta, iterations };
    }
    if (iterations >= maxIterations) {
      throw new BlindspotError(
        'NOT_FINITE',
        `The operator norm did not settle to ${tolerance} within ${maxIterations} products; allow more or a larger tolerance`,
      );
    }
    const basis = [x];
    // Orthogonal first, its image after: so the image is exact.
    if (orthonormalize(residual, basis)) {
      gram.apply(residual.vector, residual.image);
      iterations += 1;
      basis.push(residual);
    }
    if (hasStep && orthonormalize(step, basis)) basis.push(step);
    hasStep = advance(x, step, basis);
    if (!hasStep) return { value: theta, iterations };
    // Rounding would make the images of the combinations drift from G times the vectors.
    if (history.length % 50 === 0) gram.apply(x.vector, x.image);
  }
}

/** A vector and its product with G. */
interface Pair {
  vector: Float64Array;
  image: Float64Array;
}

function pairOf(size: number): Pair {
  return { vector: new Float64Array(size), image: new Float64Array(size) };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function axpy(factor: number, a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) b[i] = (b[i] as number) + factor * (a[i] as number);
}

function scale(pair: Pair, factor: number): void {
  for (let i = 0; i < pair.vector.length; i++) {
    pair.vector[i] = (pair.vector[i] as number) * factor;
    pair.image[i] = (pair.image[i] as number) * factor;
  }
}

/** Gram–Schmidt, twice, of a vector and its image against an orthonormal basis; false when nothing is left. */
function orthonormalize(pair: Pair, basis: readonly Pair[]): boolean {
  for (let pass = 0; pass < 2; pass++) {
    const before = Math.sqrt(dot(pair.vector, pair.vector));
    if (before === 0) return false;
    for (const other of basis) {
      const overlap = dot(other.vector, pair.vector);
      axpy(-overlap, other.vector, pair.vector);
      axpy(-overlap, other.image, pair.image);
    }
    const after = Math.sqrt(dot(pair.vector, pair.vector));
    if (!(after > 1e-10 * before)) return false;
    scale(pair, 1 / after);
  }
  return true;
}

/** Rayleigh–Ritz on the basis: x becomes the best vector of its span, step the part that is not the old x. */
function advance(x: Pair, step: Pair, basis: readonly Pair[]): boolean {
  const count = basis.length;
  if (count === 1) return false;
  const projected = basis.map((a) => basis.map((b) => (dot(a.vector, b.image) + dot(b.vector, a.image)) / 2));
  const [first = 1, ...others] = topEigenpair(projected).vector;
  const size = x.vector.length;
  const makes = (of: 'vector' | 'image', i: number): number => {
    let sum = 0;
    others.forEach((weight, k) => {
      sum += weight * (basis[k + 1]?.[of][i] as number);
    });
    return sum;
  };
  for (let i = 0; i < size; i++) {
    const vector = makes('vector', i);
    const image = makes('image', i);
    step.vector[i] = vector;
    step.image[i] = image;
    x.vector[i] = first * (x.vector[i] as number) + vector;
    x.image[i] = first * (x.image[i] as number) + image;
  }
  const length = Math.sqrt(dot(x.vector, x.vector));
  scale(x, 1 / length);
  return true;
}

/** What θ will still gain if its increments go on to shrink as they did over the last iterations. */
function remainingGrowth(history: readonly number[]): number {
  const last = history.length - 1;
  if (last < 2 * WINDOW) return Number.POSITIVE_INFINITY;
  const theta = history[last] as number;
  const recent = theta - (history[last - WINDOW] as number);
  const earlier = (history[last - WINDOW] as number) - (history[last - 2 * WINDOW] as number);
  // Growth at the level of rounding: nothing is left to gain.
  if (recent <= 1e-15 * WINDOW * theta) return 0;
  const ratio = recent / earlier;
  return ratio < 1 ? (recent * ratio) / (1 - ratio) : Number.POSITIVE_INFINITY;
}

/** G as a matrix [size, size], its lower triangle. */
function gramMatrix(gram: Gram): Float64Array {
  const { size } = gram;
  const matrix = new Float64Array(size * size);
  const unit = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    unit[i] = 1;
    gram.apply(unit, matrix.subarray(i * size, (i + 1) * size));
    unit[i] = 0;
  }
  return matrix;
}

/** Whether bound·I − G is positive definite, by Cholesky's factorisation. */
function isUpperBound(matrix: Float64Array, size: number, bound: number): boolean {
  const factor = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = (i === j ? bound : 0) - (matrix[i * size + j] as number);
      for (let k = 0; k < j; k++) sum -= (factor[i * size + k] as number) * (factor[j * size + k] as number);
      if (i === j) {
        // A zero operator has bound 0 and no factorisation, yet 0 is its norm.
        if (!(sum > 0)) return bound === 0 && matrix.every((value) => value === 0);
        factor[i * size + i] = Math.sqrt(sum);
      } else {
        factor[i * size + j] = sum / (factor[j * size + j] as number);
      }
    }
  }
  return true;
}
