/**
 * Linear relaxation of a chain of affine maps and activations (CROWN, Zhang et al. 2018). Every activation is put between
 * two lines that hold on the range of its input; a linear function of the outputs is then pulled back layer by layer to
 * one of the pixels, taking for each unit the line that makes it smaller, and its least value on the ball in the box is
 * a bound of the function there. The ranges themselves are found so, from the first layer on.
 */
import { type AffineMap, applyMap, pullBack } from './affine_map.ts';
import { leastOnBallInBox } from './ball_in_box.ts';
import { type ActivationName, activate, type Relaxation, relax } from './relaxation.ts';

/** maps[0], activations[0], maps[1], …, maps[last]: logits. */
export interface ChainNetwork {
  readonly maps: readonly AffineMap[];
  /** One less. */
  readonly activations: readonly ActivationName[];
}

/** z(x), in float64. */
export function logitsOf({ maps, activations }: ChainNetwork, image: ArrayLike<number>): Float64Array {
  let x: ArrayLike<number> = image;
  let z = new Float64Array();
  for (const [k, map] of maps.entries()) {
    z = applyMap(map, x) as Float64Array<ArrayBuffer>;
    const name = activations[k];
    if (name !== undefined) x = z.map((value) => activate(name, value));
  }
  return z;
}

/** An image, and what an adversary may add to its pixels so that they stay in [0, 1]. */
interface Region {
  readonly image: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly epsilon: number;
}

/**
 * Lower bounds of z_label − z_j for every class j, on ‖x' − x‖₂ ≤ ε, 0 ≤ x' ≤ 1.
 * @param image [n] in [0, 1].
 * @returns [classes]; 0 at the label.
 */
export function marginBounds(
  network: ChainNetwork,
  image: ArrayLike<number>,
  label: number,
  epsilon: number,
): Float64Array {
  const { maps, activations } = network;
  const pixels = Float64Array.from(image);
  const region: Region = { image: pixels, low: pixels.map((x) => -x), high: pixels.map((x) => 1 - x), epsilon };
  const relaxations: Relaxation[][] = [];
  for (const [k, name] of activations.entries()) {
    const map = maps[k] as AffineMap;
    const unit = new Float64Array(map.outputs);
    const lines: Relaxation[] = [];
    for (let i = 0; i < map.outputs; i++) {
      unit[i] = 1;
      const low = leastOf(network, k, unit, relaxations, region);
      unit[i] = -1;
      const high = -leastOf(network, k, unit, relaxations, region);
      unit[i] = 0;
      lines.push(relax(name, Math.min(low, high), Math.max(low, high)));
    }
    relaxations.push(lines);
  }
  const last = maps.length - 1;
  const classes = maps[last]?.outputs ?? 0;
  return Float64Array.from({ length: classes }, (_, j) => {
    if (j === label) return 0;
    const difference = new Float64Array(classes);
    difference[label] = 1;
    difference[j] = -1;
    return leastOf(network, last, difference, relaxations, region);
  });
}

/**
 * A lower bound of a·y on the region, y the outputs of map k.
 * @param a [outputs of map k]
 * @param relaxations of the activations before it.
 */
function leastOf(
  { maps }: ChainNetwork,
  k: number,
  a: Float64Array,
  relaxations: readonly (readonly Relaxation[])[],
  { image, low, high, epsilon }: Region,
): number {
  let constant = 0;
  let functional = a;
  for (let layer = k; layer >= 0; layer--) {
    const map = maps[layer] as AffineMap;
    const below = new Float64Array(map.inputs);
    constant += pullBack(map, functional, below);
    functional = below;
    const lines = relaxations[layer - 1];
    if (layer === 0 || lines === undefined) continue;
    for (const [i, { under, over }] of lines.entries()) {
      const factor = functional[i] as number;
      if (factor === 0) continue;
      const line = factor > 0 ? under : over;
      constant += factor * line.intercept;
      functional[i] = factor * line.slope;
    }
  }
  for (const [i, slope] of functional.entries()) constant += slope * (image[i] as number);
  return constant + leastOnBallInBox(functional, low, high, epsilon);
}
