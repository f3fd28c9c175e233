import { describe, expect, test } from 'vitest';
import { gradients } from '../gradients.ts';
import { type AttributesInput, GraphBuilder } from '../graph_builder.ts';
import type { OpName } from '../op_table.ts';
import type { Shape } from '../shape.ts';
import { checkGradient, type GradientCase } from '../testing/gradient_check.ts';
import type { Value } from '../value.ts';

const indices = (graph: GraphBuilder, shape: number[], values: number[]): Value =>
  graph.constant(BigInt64Array.from(values, BigInt), shape);

interface Case extends GradientCase {
  op: OpName;
  what: string;
}

const taking = (op: OpName, x: Shape, shape: number[], values: number[], attributes: AttributesInput = {}): Case => ({
  op,
  what: `[${x.join()}] at [${values.join()}] ${JSON.stringify(attributes)}`,
  inputs: [x],
  build: (g, [data]) => g.op(op, [data, indices(g, shape, values)], attributes),
});

const putting = (op: OpName, x: Shape, updates: Shape, shape: number[], values: number[], attributes = {}): Case => ({
  op,
  what: `[${updates.join()}] in [${x.join()}] at [${values.join()}] ${JSON.stringify(attributes)}`,
  inputs: [x, updates],
  build: (g, [data, parts]) => g.op(op, [data, indices(g, shape, values), parts], attributes),
});

const choosing = (attributes: AttributesInput, k: number, used: readonly number[] = [0]): Case => ({
  op: 'TopK',
  what: `${k} ${JSON.stringify(attributes)} output ${used.join()}`,
  inputs: [['N', 4, 5]],
  build: (g, [x]) => {
    const [values, places] = g.ops('TopK', [x, g.ints([k])], 2, attributes) as [Value, Value];
    if (used.length === 1) return values;
    return g.mul(values, g.op('Cast', [places], { to: g.precision === 'float64' ? 11 : 1 }));
  },
});

const CASES: Case[] = [
  taking('GatherElements', [2, 4], [2, 3], [0, 3, 3, 1, -1, 0], { axis: 1 }),
  taking('GatherElements', [3, 2], [4, 2], [0, 1, 2, 2, 0, 0, -1, 1]),
  taking('GatherND', [3, 4, 2], [2, 2], [0, 1, 2, -1]),
  taking('GatherND', ['N', 3, 4], [3, 1], [1, 0, 1]),
  taking('GatherND', [2, 3, 4], [2, 2, 1], [0, 2, -1, 1], { batch_dims: 1 }),
  taking('GatherND', [2, 2, 3, 2], [2, 2, 2, 1], [0, 1, 2, 2, 0, -1, 1, 0], { batch_dims: 2 }),
  taking('Gather', ['N', 3], [3], [1, 0, 1]),
  {
    op: 'Gather',
    what: 'where the indices are computed',
    inputs: [['N', 3, 2]],
    build: (g, [x]) => {
      const positive = g.op('Cast', [g.greater(g.scalar(0), g.op('ReduceMax', [x], { keepdims: 0 }))], { to: 7 });
      return g.op('Gather', [x, g.add(indices(g, [2, 2], [0, -1, 1, 1]), positive)], { axis: 1 });
    },
  },
  putting('ScatterElements', [2, 4], [2, 2], [2, 2], [0, 3, 2, 1], { axis: 1 }),
  putting('ScatterElements', [3, 2], [2, 2], [2, 2], [0, 1, 0, 1], { reduction: 'add' }),
  putting('ScatterND', [4, 3], [2, 3], [2, 1], [3, 1]),
  putting('ScatterND', [4, 3], [3], [3, 2], [0, 0, 1, 2, 3, 1]),
  putting('ScatterND', [4, 3], [2, 3], [2, 1], [1, 1], { reduction: 'add' }),
  choosing({}, 3),
  choosing({ largest: 0 }, 2),
  choosing({ axis: 1 }, 2),
  choosing({ axis: 1 }, 4, [0, 1]),
  {
    op: 'MaxUnpool',
    what: 'where values of another pool stood',
    inputs: [[2, 1, 2, 2]],
    build: (g, [x]) =>
      g.op('MaxUnpool', [x, indices(g, [2, 1, 2, 2], [0, 3, 8, 10, 17, 18, 24, 31]), g.ints([2, 1, 4, 4])], {
        kernel_shape: [2, 2],
        strides: [2, 2],
      }),
  },
];

describe('elements by their indices, against finite differences in float64 and against ONNX Runtime', () => {
  test.each(CASES.map((testCase, i) => ({ ...testCase, seed: i + 1 })))('$op $what', async (testCase) => {
    await checkGradient(testCase);
  });
});

describe('what does not fit is refused', () => {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', ['N', 3, 4]);
  test.each<[string, () => unknown, RegExp]>([
    [
      'indices of another rank',
      () => graph.op('GatherElements', [x, indices(graph, [2], [0, 1])]),
      /data and indices differ in rank/,
    ],
    [
      'index vectors that are too long',
      () => graph.op('GatherND', [x, indices(graph, [1, 4], [0, 0, 0, 0])]),
      /the indices do not suit the data/,
    ],
    [
      'more than there is',
      () => graph.ops('TopK', [x, graph.ints([5])], 2),
      /k = 5 does not suit axis 2 \(inputs \[N, 3, 4\]/,
    ],
    [
      'a largest that is differentiated',
      () =>
        gradients(
          graph,
          graph.op('ScatterND', [graph.op('Squeeze', [graph.filled(0, [1, 4])]), indices(graph, [1, 1], [0]), x], {
            reduction: 'max',
          }),
          [x],
        ),
      /no derivative for reduction "max"/,
    ],
  ])('%s', (_what, build, message) => {
    expect(build).toThrow(message);
  });
});
