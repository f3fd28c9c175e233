/** Problems of native/tests/problems.hpp, operation by operation: the last bit of every value is the same. */

export interface Problem {
  readonly name: string;
  readonly start: readonly number[];
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  readonly memory: number;
  /** f(x); writes the gradient. */
  evaluate(x: Float64Array, gradient: Float64Array): number;
}

function constant(length: number, value: number): number[] {
  return Array.from({ length }, () => value);
}

/** An element that is there. */
export function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}

const { POSITIVE_INFINITY: infinity } = Number;

function rosenbrock2(x: Float64Array, g: Float64Array): number {
  const [x0, x1] = [at(x, 0), at(x, 1)];
  const a = x1 - x0 * x0;
  const b = 1 - x0;
  g[0] = -400 * x0 * a - 2 * b;
  g[1] = 200 * a;
  return 100 * a * a + b * b;
}

/** Σ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)² */
function rosenbrock(x: Float64Array, g: Float64Array): number {
  let f = 0;
  g.fill(0);
  for (let i = 0; i + 1 < x.length; i++) {
    const a = at(x, i + 1) - at(x, i) * at(x, i);
    const b = 1 - at(x, i);
    f += 100 * a * a + b * b;
    g[i] = at(g, i) + (-400 * at(x, i) * a - 2 * b);
    g[i + 1] = at(g, i + 1) + 200 * a;
  }
  return f;
}

/** The problem of the drivers that come with the Fortran code. */
function driver(x: Float64Array, g: Float64Array): number {
  const n = x.length;
  let f = 0.25 * (at(x, 0) - 1) * (at(x, 0) - 1);
  for (let i = 1; i < n; i++) {
    const t = at(x, i) - at(x, i - 1) * at(x, i - 1);
    f += t * t;
  }
  let t = at(x, 1) - at(x, 0) * at(x, 0);
  g[0] = 2 * (at(x, 0) - 1) - 16 * at(x, 0) * t;
  for (let i = 1; i + 1 < n; i++) {
    const before = t;
    t = at(x, i + 1) - at(x, i) * at(x, i);
    g[i] = 8 * before - 16 * at(x, i) * t;
  }
  g[n - 1] = 8 * t;
  return 4 * f;
}

function driverProblem(n: number): Problem {
  return {
    ...{ name: `driver n=${n}`, memory: 5, start: constant(n, 3), upper: constant(n, 100), evaluate: driver },
    lower: Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 1 : -100)),
  };
}

/** Uniform in [0, 1), the same everywhere (splitmix64). */
export class SplitMix {
  #state: bigint;

  constructor(seed: bigint) {
    this.#state = seed;
  }

  uniform(): number {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n);
    let z = this.#state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) >> 11n) * 2 ** -53;
  }

  between(a: number, b: number): number {
    return a + (b - a) * this.uniform();
  }

  /** Pixels of [0, 1], about 40 % of them at 0 and 20 % at 1. */
  image(n: number): Float32Array {
    return Float32Array.from({ length: n }, () => {
      const u = this.uniform();
      return u < 0.4 ? 0 : u < 0.6 ? 1 : this.uniform();
    });
  }
}

export const PROBLEMS: readonly Problem[] = [
  {
    ...{ name: 'Rosenbrock 2, bounded', memory: 5, evaluate: rosenbrock2 },
    ...{ start: [-1.2, 1], lower: [-2, -2], upper: [0.5, 2] },
  },
  {
    ...{ name: 'Rosenbrock 2, x1 <= 0.5', memory: 10, evaluate: rosenbrock2 },
    ...{ start: [-1.2, 1], lower: [-2, -infinity], upper: [0.5, infinity] },
  },
  {
    ...{ name: 'Rosenbrock 2, free', memory: 10, evaluate: rosenbrock2 },
    ...{ start: [-1.2, 1], lower: constant(2, -infinity), upper: constant(2, infinity) },
  },
  {
    ...{ name: 'Rosenbrock 10, free', memory: 10, evaluate: rosenbrock },
    ...{ start: constant(10, -1), lower: constant(10, -infinity), upper: constant(10, infinity) },
  },
  {
    ...{ name: 'Rosenbrock 10, x <= 0.8', memory: 10, evaluate: rosenbrock },
    ...{ start: constant(10, -1), lower: constant(10, -2), upper: constant(10, 0.8) },
  },
  {
    ...{ name: 'Rosenbrock 100, x >= -0.5', memory: 10, evaluate: rosenbrock },
    ...{ start: constant(100, 0), lower: constant(100, -0.5), upper: constant(100, 0.9) },
  },
  {
    ...{ name: 'HS1', memory: 10, evaluate: rosenbrock2 },
    ...{ start: [-2, 1], lower: [-infinity, -1.5], upper: constant(2, infinity) },
  },
  {
    ...{ name: 'HS2', memory: 10, evaluate: rosenbrock2 },
    ...{ start: [-2, 1], lower: [-infinity, 1.5], upper: constant(2, infinity) },
  },
  driverProblem(25),
  driverProblem(1000),
];
