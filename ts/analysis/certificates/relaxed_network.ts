/**
 * Linear relaxation of a chain of affine maps and activations (CROWN, Zhang et al. 2018). Every activation is put between
 * two lines that hold on the range of its input; a linear function of the outputs is then pulled back layer by layer to
 * one of the pixels, taking for each unit the line that makes it smaller, and its least value in the region is a bound of
 * the function there. The ranges themselves are found so, from the first layer on.
 */
import { type AffineMap, applyMap, pullBack } from './affine_map.ts';
import { leastChange, type Region } from './region.ts';
import { type ActivationName, activate, IDENTITY, type Line, type Relaxation, relax } from './relaxation.ts';

export interface Activation {
  readonly name: ActivationName;
  /** Not 0 for units that it is applied to, [units]; the others stay as they are. All by default. */
  readonly bends?: Uint8Array | undefined;
}

/** maps[0], activations[0], maps[1], …, maps[last]: logits. */
export interface ChainNetwork {
  readonly maps: readonly AffineMap[];
  /** One less. */
  readonly activations: readonly Activation[];
}

export function bends({ bends: mask }: Activation, unit: number): boolean {
  return mask === undefined || mask[unit] !== 0;
}

/** z(x), in float64. */
export function logitsOf({ maps, activations }: ChainNetwork, image: ArrayLike<number>): Float64Array {
  let x: ArrayLike<number> = image;
  let z = new Float64Array();
  for (const [k, map] of maps.entries()) {
    z = applyMap(map, x) as Float64Array<ArrayBuffer>;
    const activation = activations[k];
    if (activation === undefined) continue;
    x = z.map((value, i) => (bends(activation, i) ? activate(activation.name, value) : value));
  }
  return z;
}

/** The lines that are taken of a unit. */
export interface Pair {
  readonly under: Line;
  readonly over: Line;
}

/** A lower bound of a·y, y the outputs of map k: a [outputs], and the relaxations of the activations before the map. */
export type Bounder = (k: number, a: Float64Array, relaxations: readonly (readonly Relaxation[])[]) => number;

/**
 * Lower bounds of z_label − z_j for every class j in the region.
 * @param least how a linear function is bounded: from its map, [outputs of it], and the relaxations of the activations before.
 * @returns [classes]; 0 at the label.
 */
export function marginBounds({ maps, activations }: ChainNetwork, label: number, least: Bounder): Float64Array {
  const relaxations: Relaxation[][] = [];
  for (const [k, activation] of activations.entries()) {
    const { outputs } = maps[k] as AffineMap;
    const unit = new Float64Array(outputs);
    relaxations.push(
      Array.from({ length: outputs }, (_, i) => {
        if (!bends(activation, i)) return IDENTITY;
        unit[i] = 1;
        const low = least(k, unit, relaxations);
        unit[i] = -1;
        const high = -least(k, unit, relaxations);
        unit[i] = 0;
        return relax(activation.name, Math.min(low, high), Math.max(low, high));
      }),
    );
  }
  const last = maps.length - 1;
  const classes = maps[last]?.outputs ?? 0;
  return Float64Array.from({ length: classes }, (_, j) => {
    if (j === label) return 0;
    const difference = new Float64Array(classes);
    difference[label] = 1;
    difference[j] = -1;
    return least(last, difference, relaxations);
  });
}

/** With the lines of the least area. */
export function plainBounder(network: ChainNetwork, region: Region): Bounder {
  return (k, a, relaxations) => new PullBack(network, k, region).least(a, relaxations);
}

/**
 * A linear function a·y of the outputs of map k, pulled back to the pixels. Keeps what it came through for the gradient
 * of the bound by the lines: by the envelope theorem the rates are those at the pixels where the least value is met.
 */
export class PullBack {
  readonly #maps: readonly AffineMap[];
  readonly #k: number;
  readonly #region: Region;
  /** By layer: what multiplies the outputs of the activation there. */
  readonly factors: Float64Array[] = [];
  readonly #change: Float64Array;

  constructor({ maps }: ChainNetwork, k: number, region: Region) {
    this.#maps = maps;
    this.#k = k;
    this.#region = region;
    this.#change = new Float64Array(region.image.length);
  }

  /**
   * @param a [outputs of map k]
   * @param lines of the activations before it, by layers and units.
   * @returns a lower bound of a·y in the region.
   */
  least(a: Float64Array, lines: readonly (readonly Pair[])[]): number {
    let constant = 0;
    let functional = a;
    for (let layer = this.#k; layer >= 0; layer--) {
      const map = this.#maps[layer] as AffineMap;
      const below = new Float64Array(map.inputs);
      constant += pullBack(map, functional, below);
      functional = below;
      const units = lines[layer - 1];
      if (layer === 0 || units === undefined) continue;
      this.factors[layer - 1] = below.slice();
      for (let i = 0; i < units.length; i++) {
        const factor = functional[i] as number;
        if (factor === 0) continue;
        const { under, over } = units[i] as Pair;
        const line = factor > 0 ? under : over;
        constant += factor * line.intercept;
        functional[i] = factor * line.slope;
      }
    }
    const { image } = this.#region;
    for (let i = 0; i < functional.length; i++) constant += (functional[i] as number) * (image[i] as number);
    return constant + leastChange(functional, this.#region, this.#change);
  }

  /**
   * What enters the activations where the last bound was met, each passed on by the line that was taken: by layers below
   * map k. The rate of the bound by a line's slope is factor·input, by its intercept factor.
   */
  inputs(lines: readonly (readonly Pair[])[]): Float64Array[] {
    const { image } = this.#region;
    let x = this.#change.map((d, i) => d + (image[i] as number));
    const inputs: Float64Array[] = [];
    for (let layer = 0; layer < this.#k; layer++) {
      const z = applyMap(this.#maps[layer] as AffineMap, x);
      inputs.push(z);
      if (layer === this.#k - 1) break;
      const units = lines[layer] as readonly Pair[];
      const factors = this.factors[layer] as Float64Array;
      x = z.map((value, i) => {
        const { under, over } = units[i] as Pair;
        const line = (factors[i] as number) > 0 ? under : over;
        return line.slope * value + line.intercept;
      }) as Float64Array<ArrayBuffer>;
    }
    return inputs;
  }
}
