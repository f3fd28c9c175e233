/** Operators that only move or choose elements: blocks, repetition, triangles, running sums. */
import { nodeError, numberAttribute, requireConstantNumbers, requireInput, stringAttribute } from '../op_rule.ts';
import type { Dim } from '../shape.ts';
import { tensorFromNumbers, tensorNumbers } from '../tensor.ts';
import type { Value } from '../value.ts';
import { axisOf, emit, type Import, type ImportContext, knownSize, limitNumbers, named } from './import_context.ts';

const depthToSpace: Import = (context) => {
  const { graph } = context;
  const block = numberAttribute(context, 'blocksize', 1);
  const [channels, height, width] = [1, 2, 3].map((axis) => knownSize(context, axis)) as [number, number, number];
  const depth = channels / (block * block);
  const columnRowDepth = stringAttribute(context, 'mode', 'DCR') === 'CRD';
  const parts = columnRowDepth ? [0, depth, block, block, height, width] : [0, block, block, depth, height, width];
  const order = columnRowDepth ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  const moved = graph.transpose(graph.reshape(requireInput(context, 0), parts), order);
  return emit(context, 'Reshape', [moved, graph.ints([0, depth, height * block, width * block])], {});
};

const spaceToDepth: Import = (context) => {
  const { graph } = context;
  const block = numberAttribute(context, 'blocksize', 1);
  const [channels, height, width] = [1, 2, 3].map((axis) => knownSize(context, axis)) as [number, number, number];
  const parts = [0, channels, height / block, block, width / block, block];
  const moved = graph.transpose(graph.reshape(requireInput(context, 0), parts), [0, 3, 5, 1, 2, 4]);
  return emit(
    context,
    'Reshape',
    [moved, graph.ints([0, channels * block * block, height / block, width / block])],
    {},
  );
};

const MOST_COPIES = 2 ** 16;

/** Each axis repeated, by a concatenation with itself; what is one and the same for all images, as often as there are images, too. */
const tile: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const known = context.inputs[1]?.content;
  if (known?.some((times) => typeof times !== 'number')) return tileOverBatch(context, x, known);
  const repeats = requireConstantNumbers(context, 1, 'repeats');
  let result = x;
  for (const [axis, times] of repeats.entries()) {
    if (times === 1) continue;
    if (axis === 0 && typeof x.shape[0] !== 'number') throw nodeError(context, 'the batch cannot be repeated');
    // Each copy is an input of a node.
    limitNumbers(context, times, MOST_COPIES);
    result = graph.op('Concat', new Array<Value>(times).fill(result), { axis });
  }
  return named(context, result);
};

/** Where a repeat is the batch: an axis of size 1, broadcast. */
function tileOverBatch(context: ImportContext, x: Value, repeats: readonly Dim[]): Value[] {
  for (const [axis, times] of repeats.entries()) {
    if (x.shape[axis] !== 1 && times !== 1) {
      throw nodeError(
        context,
        `axis ${axis} of size ${x.shape[axis]} is repeated ${times} times: with a repeat by the batch, only axes of size 1 can be`,
      );
    }
  }
  return emit(context, 'Expand', [x, context.inputs[1]], {});
}

/** Ones on and under (lower) or on and over the k-th diagonal, zeros elsewhere. */
const trilu: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const rank = x.shape.length;
  const [rows, columns] = [knownSize(context, rank - 2), knownSize(context, rank - 1)];
  const [shift = 0] = context.inputs[1] ? requireConstantNumbers(context, 1, 'k') : [];
  const upper = numberAttribute(context, 'upper', 1) !== 0;
  const kept = Array.from({ length: limitNumbers(context, rows * columns) }, (_, i) => {
    const over = (i % columns) - Math.floor(i / columns) - shift;
    return Number(upper ? over >= 0 : over <= 0);
  });
  const mask = graph.tensor(tensorFromNumbers('bool', kept, [rows, columns]));
  return emit(context, 'Where', [mask, x, graph.scalar(0, x.type)], {});
};

/** A running sum along an axis: a product with a triangle of ones. */
const cumulativeSum: Import = (context) => {
  const { graph } = context;
  const x = requireInput(context, 0);
  const rank = x.shape.length;
  const axis = axisOf(context, requireConstantNumbers(context, 1, 'axis')[0] ?? 0);
  const size = knownSize(context, axis);
  const exclusive = numberAttribute(context, 'exclusive', 0);
  const reverse = numberAttribute(context, 'reverse', 0) !== 0;
  const triangle = Array.from({ length: limitNumbers(context, size * size) }, (_, i) => {
    const [from, to] = [Math.floor(i / size), i % size];
    return Number(reverse ? from - exclusive >= to : from + exclusive <= to);
  });
  const order = [...x.shape.keys()];
  order[axis] = rank - 1;
  order[rank - 1] = axis;
  const ones = graph.tensor(tensorFromNumbers(x.type, triangle, [size, size]));
  return named(context, graph.transpose(graph.matmul(graph.transpose(x, order), ones), order));
};

/** off and on by whether the index is that of the place. */
const oneHot: Import = (context) => {
  const { graph } = context;
  const indices = requireInput(context, 0);
  const [depth = 0] = requireConstantNumbers(context, 1, 'depth');
  const values = requireInput(context, 2);
  const rank = indices.shape.length + 1;
  const given = numberAttribute(context, 'axis', -1);
  const axis = given < 0 ? given + rank : given;
  const places = graph.tensor(
    tensorFromNumbers(
      'int64',
      Array.from({ length: limitNumbers(context, depth) }, (_, i) => i),
      [depth, ...new Array<number>(rank - 1 - axis).fill(1)],
    ),
  );
  const column = graph.op('Unsqueeze', [graph.op('Cast', [indices], { to: 7 }), graph.ints([axis])]);
  const size = graph.scalar(depth, 'int64');
  const wrapped = graph.where(graph.op('Less', [column, graph.scalar(0, 'int64')]), graph.add(column, size), column);
  const pick = (at: number): Value => graph.op('Gather', [values, graph.scalar(at, 'int64')], { axis: 0 });
  return emit(context, 'Where', [graph.op('Equal', [wrapped, places]), pick(1), pick(0)], {});
};

/** Numbers from start to limit, in steps; of a size with symbols, as it stands. */
const range: Import = (context) => {
  if (typeof requireInput(context, 1).content?.[0] === 'string') return emit(context, 'Range', context.inputs);
  const [start = 0, limit = 0, delta = 1] = [0, 1, 2].map(
    (i) => requireConstantNumbers(context, i, 'the range')[0] ?? 0,
  );
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  const values = Array.from({ length: limitNumbers(context, count) }, (_, i) => start + i * delta);
  return [
    context.graph.tensor(tensorFromNumbers(requireInput(context, 0).type, values, [count]), context.outputNames[0]),
  ];
};

/** The number of elements, which has to be known. */
const size: Import = (context) => {
  const { shape, constant } = requireInput(context, 0);
  const known = constant ? [tensorNumbers(constant).length] : shape;
  const count = known.reduce((product: number, dim) => {
    if (typeof dim !== 'number') throw nodeError(context, 'the number of elements must be known');
    return product * dim;
  }, 1);
  return [context.graph.tensor(tensorFromNumbers('int64', [count], []), context.outputNames[0])];
};

/** To the type of the second input. */
const castLike: Import = (context) => {
  const to = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float64: 11 }[requireInput(context, 1).type];
  return emit(context, 'Cast', context.inputs.slice(0, 1), { to });
};

/** The least element's index: the largest one's of the negative. */
const argMin: Import = (context) => emit(context, 'ArgMax', [context.graph.neg(requireInput(context, 0))]);

export const REARRANGEMENT_IMPORTS: Readonly<Record<string, Import>> = {
  ArgMin: argMin,
  CastLike: castLike,
  CumSum: cumulativeSum,
  DepthToSpace: depthToSpace,
  OneHot: oneHot,
  Range: range,
  Size: size,
  SpaceToDepth: spaceToDepth,
  Tile: tile,
  Trilu: trilu,
};
