/**
 * Images sampled at real coordinates (Jaderberg et al. 2015): each sample is a mean of its neighbours, weighted by nearness, so that
 * gradients reach the image by the weights' places and the grid by the weights.
 */
import { reshapeTo } from '../cotangent_shape.ts';
import { nodeError, numberAttribute, requireConstantNumbers, requireInput, stringAttribute } from '../op_rule.ts';
import { multiplyDims } from '../shape.ts';
import { tensorFromNumbers } from '../tensor.ts';
import type { Value } from '../value.ts';
import { type Import, type ImportContext, knownSize, named } from './import_context.ts';

/** From [-1, 1] to indices of pixels: corners at the centres of the outermost pixels (align), or at their edges. */
function unnormalized({ graph }: ImportContext, coordinate: Value, size: number, align: boolean): Value {
  const { type } = coordinate;
  const [slope, offset] = align ? [(size - 1) / 2, (size - 1) / 2] : [size / 2, (size - 1) / 2];
  return graph.add(graph.mul(coordinate, graph.scalar(slope, type)), graph.scalar(offset, type));
}

/** Folded back at the borders until it lies between them. */
function reflected({ graph }: ImportContext, at: Value, low: number, high: number): Value {
  const { type } = at;
  const span = high - low;
  if (span <= 0) return graph.mul(at, graph.scalar(0, type));
  const distance = graph.op('Abs', [graph.sub(at, graph.scalar(low, type))]);
  const periods = graph.op('Floor', [graph.div(distance, graph.scalar(2 * span, type))]);
  const within = graph.sub(distance, graph.mul(periods, graph.scalar(2 * span, type)));
  const folded = graph.op('Min', [within, graph.sub(graph.scalar(2 * span, type), within)]);
  return graph.add(folded, graph.scalar(low, type));
}

const gridSample: Import = (context) => {
  const { graph } = context;
  const [x, grid] = [requireInput(context, 0), requireInput(context, 1)];
  if (x.shape.length !== 4) throw nodeError(context, 'only images of two dimensions are supported');
  const mode = stringAttribute(context, 'mode', 'linear').replace('bilinear', 'linear');
  const padding = stringAttribute(context, 'padding_mode', 'zeros');
  const align = numberAttribute(context, 'align_corners', 0) !== 0;
  if (mode !== 'linear' && mode !== 'nearest') throw nodeError(context, `mode "${mode}" is not supported`);
  const [channels, height, width] = [1, 2, 3].map((axis) => knownSize(context, axis)) as [number, number, number];
  const [batch = 1, rows = 1, columns = 1] = grid.shape;
  const places = multiplyDims(rows, columns);
  const { type } = x;
  const scalar = (value: number): Value => graph.scalar(value, type);
  const pixels = reshapeTo(graph, x, [x.shape[0] ?? 1, channels, height * width]);
  const coordinate = (which: number, size: number): Value => {
    const chosen = graph.op('Gather', [grid, graph.scalar(which, 'int64')], { axis: 3 });
    const at = unnormalized(context, reshapeTo(graph, chosen, [batch, 1, places]), size, align);
    if (padding === 'border') return graph.op('Clip', [at, scalar(0), scalar(size - 1)]);
    if (padding !== 'reflection') return at;
    const folded = reflected(context, at, align ? 0 : -0.5, align ? size - 1 : size - 0.5);
    return graph.op('Clip', [folded, scalar(0), scalar(size - 1)]);
  };
  const [across, down] = [coordinate(0, width), coordinate(1, height)];
  /** The pixels at whole coordinates; 0 outside. */
  const pick = (row: Value, column: Value): Value => {
    const kept = (at: Value, size: number): Value => graph.op('Clip', [at, scalar(0), scalar(size - 1)]);
    const [r, c] = [kept(row, height), kept(column, width)];
    const index = graph.op('Cast', [graph.add(graph.mul(r, scalar(width)), c)], { to: 7 });
    const all = graph.op('Expand', [index, graph.ints([1, channels, 1])]);
    const taken = graph.op('GatherElements', [pixels, all], { axis: 2 });
    const inside = graph.op('And', [graph.op('Equal', [r, row]), graph.op('Equal', [c, column])]);
    return graph.where(inside, taken, scalar(0));
  };
  let samples: Value;
  if (mode === 'nearest') {
    samples = pick(graph.op('Round', [down]), graph.op('Round', [across]));
  } else {
    const [left, top] = [graph.op('Floor', [across]), graph.op('Floor', [down])];
    const [u, v] = [graph.sub(across, left), graph.sub(down, top)];
    const [right, bottom] = [graph.add(left, scalar(1)), graph.add(top, scalar(1))];
    const mix = (a: Value, b: Value, weight: Value): Value => graph.add(a, graph.mul(graph.sub(b, a), weight));
    samples = mix(mix(pick(top, left), pick(top, right), u), mix(pick(bottom, left), pick(bottom, right), u), v);
  }
  return named(context, reshapeTo(graph, samples, [x.shape[0] ?? 1, channels, rows, columns]));
};

/** Coordinates in [-1, 1] under an affine map of each image: theta [N, 2, 3] → [N, H, W, 2]. */
const affineGrid: Import = (context) => {
  const { graph } = context;
  const theta = requireInput(context, 0);
  const [, , height = 1, width = 1, deep] = requireConstantNumbers(context, 1, 'the size of the grid');
  if (deep !== undefined) throw nodeError(context, 'only images of two dimensions are supported');
  const align = numberAttribute(context, 'align_corners', 0) !== 0;
  const at = (i: number, size: number): number =>
    align ? (size === 1 ? 0 : (2 * i) / (size - 1) - 1) : (2 * i + 1) / size - 1;
  const points = Array.from({ length: height * width }, (_, i) => [
    at(i % width, width),
    at(Math.floor(i / width), height),
    1,
  ]);
  const base = graph.tensor(tensorFromNumbers(theta.type, points.flat(), [height * width, 3]));
  const moved = graph.matmul(base, graph.transpose(theta, [0, 2, 1]));
  return named(context, reshapeTo(graph, moved, [theta.shape[0] ?? 1, height, width, 2]));
};

export const SAMPLING_IMPORTS: Readonly<Record<string, Import>> = {
  AffineGrid: affineGrid,
  GridSample: gridSample,
};
