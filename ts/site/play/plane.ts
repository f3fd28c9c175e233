/**
 * The plane through an image x, its mistake x' and one direction more: x + a·ℓ·u + b·ℓ·v, where ℓ = ‖x' − x‖,
 * u = (x' − x)/ℓ and v is of length 1 and perpendicular to u. The image is at (0, 0), the mistake at (1, 0). Nothing is
 * cut off to [0, 1]: that would bend the plane.
 */
import { Random } from '../../base/random.ts';

/** What v is: where the search strayed most from the straight line, or drawn at random. */
export const ACROSS = ['search', 'random'] as const;
export type Across = (typeof ACROSS)[number];

export interface Plane {
  readonly origin: Float32Array;
  /** ℓ·u */
  readonly along: Float32Array;
  /** ℓ·v */
  readonly across: Float32Array;
  /** ℓ² */
  readonly square: number;
}

/** What is drawn of it. */
export const PLANE_FRAME = { left: -1.5, right: 4.5, bottom: -2.25, top: 2.25 } as const;
export const PLANE_CELLS = { columns: 64, rows: 48 } as const;
/** Cells a side of the blocks of each pass, the coarsest first. */
export const PLANE_PASSES = [8, 4, 2, 1] as const;

/** @param points where the search asked; needed when it says where v goes. */
export function planeThrough(
  image: Float32Array,
  mistake: Float32Array,
  { across, seed, points }: { across: Across; seed: number; points: readonly Float32Array[] },
): Plane {
  const along = image.map((value, i) => (mistake[i] as number) - value);
  const square = dot(along, along);
  let direction: Float32Array = new Float32Array();
  if (across === 'search') {
    let most = 0;
    for (const point of points) {
      const residual = perpendicular(
        point.map((value, i) => value - (image[i] as number)),
        along,
        square,
      );
      const size = dot(residual, residual);
      if (size > most) [most, direction] = [size, residual];
    }
  }
  if (direction.length === 0 || dot(direction, direction) < 1e-6 * square) {
    const random = new Random(seed);
    direction = perpendicular(
      image.map(() => random.normal()),
      along,
      square,
    );
  }
  const scale = Math.sqrt(square / dot(direction, direction));
  return { origin: image, along, across: direction.map((value) => scale * value), square };
}

/** Writes the point (a, b) into a row of `out`. */
export function writePlanePoint({ origin, along, across }: Plane, a: number, b: number, out: Float32Array): void {
  for (let i = 0; i < origin.length; i++) {
    out[i] = (origin[i] as number) + a * (along[i] as number) + b * (across[i] as number);
  }
}

/** (a, b) of the foot of a point's perpendicular on the plane. */
export function planeCoordinates({ origin, along, across, square }: Plane, point: Float32Array): [number, number] {
  let [a, b] = [0, 0];
  for (let i = 0; i < origin.length; i++) {
    const difference = (point[i] as number) - (origin[i] as number);
    a += difference * (along[i] as number);
    b += difference * (across[i] as number);
  }
  return [a / square, b / square];
}

/** (a, b) of the middle of a block of cells; rows count from the top. */
export function blockCentre(column: number, row: number, side: number): [number, number] {
  const { left, right, bottom, top } = PLANE_FRAME;
  const { columns, rows } = PLANE_CELLS;
  return [left + ((column + side / 2) / columns) * (right - left), top - ((row + side / 2) / rows) * (top - bottom)];
}

function perpendicular(vector: Float32Array, to: Float32Array, square: number): Float32Array {
  const part = dot(vector, to) / square;
  return vector.map((value, i) => value - part * (to[i] as number));
}

function dot(x: Float32Array, y: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] as number) * (y[i] as number);
  return sum;
}
