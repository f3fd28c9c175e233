/**
 * Seeded random numbers: xoshiro128** (Blackman & Vigna 2018), its state filled by splitmix32 from a seed and a
 * stream number. The same seed and stream give the same numbers on every machine, so that a run can be repeated;
 * different streams (weights, epoch 3, targets, …) are independent, so that none depends on how much another drew.
 */
import { invalidArgument } from '../errors.ts';

export class Random {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;
  #spareNormal: number | undefined;

  /**
   * @param seed a safe integer >= 0.
   * @param stream a safe integer >= 0; default 0.
   * @throws INVALID_ARGUMENT.
   */
  constructor(seed: number, stream = 0) {
    const next = splitmix32([...words('seed', seed), ...words('stream', stream)]);
    this.#s0 = next();
    this.#s1 = next();
    this.#s2 = next();
    // The all-zero state is the one fixed point.
    this.#s3 = next() | 1;
  }

  /** 32 random bits, as a whole number in [0, 2³²). */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#s1, 5), 7), 9) >>> 0;
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = rotateLeft(this.#s3, 11);
    return result;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 0x4000000 + low) * 2 ** -53;
  }

  /** A whole number in [0, bound), each equally likely; bound from 1 to 2³². */
  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw invalidArgument('bound', 'a whole number from 1 to 2^32', bound);
    }
    // Values above the largest multiple of bound would favour small results: they are drawn again.
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % bound;
  }

  /** Standard normal, by Marsaglia's polar method. */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    let x: number;
    let y: number;
    let square: number;
    do {
      x = 2 * this.uniform() - 1;
      y = 2 * this.uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    this.#spareNormal = y * scale;
    return x * scale;
  }

  /** Fisher–Yates, in place. */
  shuffle<T extends Uint32Array | Int32Array | Float32Array>(values: T): T {
    for (let last = values.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const held = values[last] as number;
      values[last] = values[other] as number;
      values[other] = held;
    }
    return values;
  }

  /** The numbers 0 … count-1 in random order. */
  permutation(count: number): Uint32Array {
    return this.shuffle(Uint32Array.from({ length: count }, (_, index) => index));
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function words(name: string, value: number): [low: number, high: number] {
  if (!Number.isSafeInteger(value) || value < 0)
    throw invalidArgument(name, 'a whole number from 0 to 2^53 - 1', value);
  return [value >>> 0, Math.floor(value / 2 ** 32)];
}

/** Mixes every word into the state before the first number is drawn. */
function splitmix32(seedWords: readonly number[]): () => number {
  let state = 0;
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  };
  for (const word of seedWords) state = next() ^ word;
  return next;
}
