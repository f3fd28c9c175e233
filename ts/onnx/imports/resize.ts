/**
 * Resize and Upsample: along each axis a linear map, y = A x with a constant matrix A [out, in], whatever the interpolation and
 * the way in which coordinates correspond.
 */
import {
  nodeError,
  numberAttribute,
  numbersAttribute,
  requireConstantNumbers,
  requireInput,
  stringAttribute,
} from '../op_rule.ts';
import { tensorFromNumbers } from '../tensor.ts';
import type { Value } from '../value.ts';
import { type Import, type ImportContext, knownSize, named } from './import_context.ts';

interface Interpolation {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubic: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

const resize: Import = (context) => {
  const { opset } = context;
  const interpolation: Interpolation = {
    mode: stringAttribute(context, 'mode', 'nearest'),
    coordinates: stringAttribute(context, 'coordinate_transformation_mode', opset < 11 ? 'asymmetric' : 'half_pixel'),
    nearest: stringAttribute(context, 'nearest_mode', opset < 11 ? 'floor' : 'round_prefer_floor'),
    cubic: numberAttribute(context, 'cubic_coeff_a', -0.75),
    excludeOutside: numberAttribute(context, 'exclude_outside', 0) !== 0,
    antialias: numberAttribute(context, 'antialias', 0) !== 0,
  };
  if (interpolation.coordinates === 'tf_crop_and_resize') throw nodeError(context, 'cropping is not supported');
  if (interpolation.antialias) throw nodeError(context, 'antialias is not supported');
  const x = requireInput(context, 0);
  const rank = x.shape.length;
  const given = numbersAttribute(context, 'axes');
  const axes = given ? given.map((axis) => (axis < 0 ? axis + rank : axis)) : [...x.shape.keys()];
  const { scales, sizes } = targets(context);
  let result = x;
  for (const [i, axis] of axes.entries()) {
    const wanted = sizes?.[i];
    const scale = scales?.[i];
    if (wanted === undefined ? scale === 1 : x.shape[axis] === wanted) continue;
    if (axis === 0) {
      // The batch: exporters write its size of the day.
      if (wanted !== undefined && typeof x.shape[0] !== 'number') continue;
      throw nodeError(context, 'the batch cannot be resized');
    }
    const from = knownSize(context, axis);
    const to = wanted ?? Math.floor(from * (scale as number));
    const matrix = interpolationMatrix(context, from, to, scale ?? to / from, interpolation);
    result = alongAxis(context, result, axis, matrix, from, to);
  }
  return named(context, result);
};

function targets(context: ImportContext): { scales?: number[]; sizes?: number[] } {
  const attribute = numbersAttribute(context, 'scales');
  if (attribute) return { scales: [...attribute] };
  const at = context.op === 'Upsample' || context.opset < 11 ? 1 : 2;
  const sizes = context.inputs[3];
  if (sizes) {
    const policy = stringAttribute(context, 'keep_aspect_ratio_policy', 'stretch');
    if (policy !== 'stretch') throw nodeError(context, `keep_aspect_ratio_policy "${policy}" is not supported`);
    // The batch may be open.
    const content = sizes.content ?? requireConstantNumbers(context, 3, 'sizes');
    return { sizes: content.map((size) => (typeof size === 'number' ? size : Number.NaN)) };
  }
  return { scales: requireConstantNumbers(context, at, 'scales') };
}

/** [to, from], row-major. */
function interpolationMatrix(
  context: ImportContext,
  from: number,
  to: number,
  scale: number,
  { mode, coordinates, nearest, cubic, excludeOutside }: Interpolation,
): Float64Array {
  const matrix = new Float64Array(to * from);
  const add = (row: number, column: number, weight: number): void => {
    const at = Math.min(Math.max(column, 0), from - 1);
    matrix[row * from + at] = (matrix[row * from + at] as number) + weight;
  };
  for (let row = 0; row < to; row++) {
    const position = sourcePosition(context, coordinates, row, from, to, scale);
    if (mode === 'nearest') {
      add(row, nearestOf(nearest, position), 1);
    } else if (mode === 'linear') {
      const inside = Math.min(Math.max(position, 0), from - 1);
      const floor = Math.floor(inside);
      add(row, floor, 1 - (inside - floor));
      add(row, floor + 1, inside - floor);
    } else if (mode === 'cubic') {
      const floor = Math.floor(position);
      const columns = [floor - 1, floor, floor + 1, floor + 2];
      const weights = columns.map((column) => cubicWeight(Math.abs(position - column), cubic));
      const counts = columns.map((column) => !excludeOutside || (column >= 0 && column < from));
      const total = weights.reduce((sum, weight, i) => sum + (counts[i] ? weight : 0), 0);
      for (const [i, column] of columns.entries())
        if (counts[i]) add(row, column, (weights[i] as number) / (excludeOutside ? total : 1));
    } else {
      throw nodeError(context, `mode "${mode}" is not supported`);
    }
  }
  return matrix;
}

function sourcePosition(
  context: ImportContext,
  coordinates: string,
  position: number,
  from: number,
  to: number,
  scale: number,
): number {
  switch (coordinates) {
    case 'half_pixel':
      return (position + 0.5) / scale - 0.5;
    case 'half_pixel_symmetric': {
      const adjustment = to / (from * scale);
      return (from / 2) * (1 - adjustment) + (position + 0.5) / scale - 0.5;
    }
    case 'pytorch_half_pixel':
      return to > 1 ? (position + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return to > 1 ? (position * (from - 1)) / (to - 1) : 0;
    case 'asymmetric':
      return position / scale;
    case 'tf_half_pixel_for_nn':
      return (position + 0.5) / scale;
    default:
      throw nodeError(context, `coordinate_transformation_mode "${coordinates}" is not supported`);
  }
}

function nearestOf(mode: string, position: number): number {
  // What rounding of scales puts just under a whole number belongs to it.
  switch (mode) {
    case 'floor':
      return Math.floor(position);
    case 'ceil':
      return Math.ceil(position);
    case 'round_prefer_ceil':
      return Math.floor(position + 0.5);
    default:
      return Math.ceil(position - 0.5);
  }
}

/** Keys 1981. */
function cubicWeight(distance: number, a: number): number {
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  if (distance < 2) return (((distance - 5) * distance + 8) * distance - 4) * a;
  return 0;
}

/** The map along one axis as a product of matrices, which every provider and every derivative has. */
function alongAxis(
  context: ImportContext,
  x: Value,
  axis: number,
  matrix: Float64Array,
  from: number,
  to: number,
): Value {
  const { graph } = context;
  const rank = x.shape.length;
  if (axis === rank - 2) return graph.matmul(graph.tensor(tensorFromNumbers(x.type, matrix, [to, from])), x);
  const transposed = new Float64Array(matrix.length);
  for (let row = 0; row < to; row++) {
    for (let column = 0; column < from; column++) transposed[column * to + row] = matrix[row * from + column] as number;
  }
  const right = graph.tensor(tensorFromNumbers(x.type, transposed, [from, to]));
  if (axis === rank - 1) return graph.matmul(x, right);
  const swapped = [...x.shape.keys()];
  swapped[axis] = rank - 1;
  swapped[rank - 1] = axis;
  return graph.transpose(graph.matmul(graph.transpose(x, swapped), right), swapped);
}

export const RESIZE_IMPORTS: Readonly<Record<string, Import>> = { Resize: resize, Upsample: resize };
