/** First weights, drawn from a seed. */
import type { Random } from '../base/random.ts';
import type { Initializer } from './layers.ts';

/**
 * @param fanIn values that one output sums over; fanOut values that one input reaches.
 * @returns weights, row-major.
 */
export function drawWeights(
  initializer: Initializer,
  shape: readonly number[],
  fanIn: number,
  fanOut: number,
  random: Random,
): Float32Array {
  const weights = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const deviation = standardDeviation(initializer, fanIn, fanOut);
  if (deviation > 0) for (let i = 0; i < weights.length; i++) weights[i] = deviation * random.normal();
  return weights;
}

function standardDeviation(initializer: Initializer, fanIn: number, fanOut: number): number {
  switch (initializer.kind) {
    case 'xavier-normal':
      return initializer.gain * Math.sqrt(2 / (fanIn + fanOut));
    case 'he-normal':
      return Math.sqrt(2 / fanIn);
    case 'zeros':
      return 0;
  }
}
