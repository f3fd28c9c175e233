/** Random directions in a layer's space. */

import type { Random } from '../../base/random.ts';
import { invalidArgument } from '../../errors.ts';

/**
 * Unit vectors, each uniform on the sphere: independent standard normal numbers, divided by their norm. The paper says
 * only "a random direction"; this is the law that no rotation of the space changes.
 * @returns [count, size], row-major.
 * @throws INVALID_ARGUMENT unless both are positive whole numbers.
 */
export function randomDirections(count: number, size: number, random: Random): Float32Array {
  for (const [name, value] of Object.entries({ count, size })) {
    if (!Number.isInteger(value) || value < 1) throw invalidArgument(name, 'a positive whole number', value);
  }
  const directions = new Float32Array(count * size);
  const row = new Float64Array(size);
  for (let k = 0; k < count; k++) {
    let square = 0;
    // A zero vector has no direction; it comes up with probability 0.
    while (square === 0) {
      for (let i = 0; i < size; i++) row[i] = random.normal();
      square = row.reduce((sum, value) => sum + value * value, 0);
    }
    const scale = 1 / Math.sqrt(square);
    for (let i = 0; i < size; i++) directions[k * size + i] = (row[i] as number) * scale;
  }
  return directions;
}
