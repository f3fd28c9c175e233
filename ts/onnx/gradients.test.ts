import { describe, expect, test } from 'vitest';
import { gradients } from './gradients.ts';
import type { AttributesInput } from './graph_builder.ts';
import { GraphBuilder } from './graph_builder.ts';
import { OP_NAMES, OP_RULES, type OpName } from './op_table.ts';
import type { Shape } from './shape.ts';
import { checkGradient, type GradientCase } from './testing/gradient_check.ts';
import { evaluate } from './testing/reference_evaluator.ts';

type Case = Omit<GradientCase, 'seed'> & { op: OpName; label: string };

const unary = (
  op: OpName,
  range?: [number, number],
  attributes: AttributesInput = {},
  shape: Shape = ['N', 5],
): Case => ({
  op,
  label: JSON.stringify(attributes),
  inputs: [shape],
  ...(range ? { range } : {}),
  build: (g, [x]) => g.op(op, [x], attributes),
});

const binary = (op: OpName, a: Shape, b: Shape, range?: [number, number]): Case => ({
  op,
  label: `[${a.join()}] and [${b.join()}]`,
  inputs: [a, b],
  ...(range ? { range } : {}),
  build: (g, xs) => g.op(op, xs),
});

const gemm = (a: Shape, b: Shape, c: Shape | undefined, attributes: AttributesInput): Case => ({
  op: 'Gemm',
  label: `C [${c?.join() ?? 'none'}] ${JSON.stringify(attributes)}`,
  inputs: c ? [a, b, c] : [a, b],
  build: (g, xs) => g.op('Gemm', xs, attributes),
});

/** An operator with integer inputs after the first. */
const shaped = (op: OpName, shape: Shape, ints: (number[] | undefined)[], attributes: AttributesInput = {}): Case => ({
  op,
  label: `[${shape.join()}] ${JSON.stringify(ints)} ${JSON.stringify(attributes)}`,
  inputs: [shape],
  build: (g, [x]) => g.op(op, [x, ...ints.map((values) => values && g.ints(values))], attributes),
});

const REDUCTIONS: OpName[] = [
  'ReduceProd',
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'ReduceL2',
  'ReduceSumSquare',
  'ReduceLogSumExp',
];

const BROADCASTS: [Shape, Shape][] = [
  [
    ['N', 3],
    ['N', 3],
  ],
  [['N', 3], [3]],
  [[], ['N', 3]],
  [
    ['N', 1, 3],
    [4, 1],
  ],
];

const CASES: Case[] = [
  ...(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min'] as const).flatMap((op) =>
    BROADCASTS.map(([a, b]) => binary(op, a, b, op === 'Div' || op === 'Pow' ? [0.5, 2] : undefined)),
  ),
  ...[2, 3, 0.5, -1].map(
    (power): Case => ({
      op: 'Pow',
      label: `to the constant ${power}`,
      inputs: [['N', 4]],
      range: [0.5, 2],
      build: (g, [x]) => g.op('Pow', [x, g.scalar(power)]),
    }),
  ),
  ...(
    ['Neg', 'Exp', 'Abs', 'Erf', 'Sin', 'Cos', 'Sigmoid', 'Tanh', 'Relu', 'Softplus', 'Identity', 'Dropout'] as const
  ).map((op) => unary(op, [-2, 2])),
  ...(['Sqrt', 'Log', 'Reciprocal'] as const).map((op) => unary(op, [0.3, 3])),
  ...(['Tan', 'Sinh', 'Cosh', 'Atan', 'Asinh'] as const).map((op) => unary(op, [-1.2, 1.2])),
  ...(['Asin', 'Acos', 'Atanh'] as const).map((op) => unary(op, [-0.8, 0.8])),
  unary('Acosh', [1.3, 3]),
  unary('HardSwish', [-5, 5]),
  unary('HardSigmoid', [-4, 4]),
  unary('HardSigmoid', [-4, 4], { alpha: 0.3, beta: 0.4 }),
  unary('LeakyRelu'),
  unary('LeakyRelu', undefined, { alpha: 0.2 }),
  unary('Elu', [-3, 3], { alpha: 1.5 }),
  binary('PRelu', ['N', 3, 4], [3, 1]),
  {
    op: 'Cast',
    label: 'to float64 and back',
    inputs: [['N', 3]],
    build: (g, [x]) => {
      const there = g.op('Cast', [x], { to: 11 });
      return g.op('Cast', [g.mul(there, there)], { to: g.precision === 'float64' ? 11 : 1 });
    },
  },
  {
    op: 'Clip',
    label: 'both bounds',
    inputs: [['N', 5]],
    build: (g, [x]) => g.op('Clip', [x, g.scalar(-0.5), g.scalar(0.6)]),
  },
  {
    op: 'Clip',
    label: 'upper bound',
    inputs: [['N', 5]],
    build: (g, [x]) => g.op('Clip', [x, undefined, g.scalar(0.6)]),
  },
  {
    op: 'Where',
    label: 'broadcast',
    inputs: [['N', 3], [3]],
    build: (g, [a, b]) => g.op('Where', [g.op('Greater', [a, g.scalar(0)]), a, b]),
  },
  gemm(['N', 4], [4, 3], undefined, {}),
  gemm(['N', 4], [4, 3], [3], {}),
  gemm(['N', 4], [3, 4], ['N', 3], { transB: 1, alpha: 0.5, beta: 2 }),
  gemm([4, 'N'], [4, 3], ['N', 1], { transA: 1 }),
  gemm([4, 'N'], [3, 4], [], { transA: 1, transB: 1, alpha: -1.5 }),
  ...(
    [
      [
        ['N', 4],
        [4, 3],
      ],
      [
        ['N', 2, 4],
        [4, 3],
      ],
      [
        ['N', 2, 4],
        ['N', 4, 3],
      ],
      [
        ['N', 3, 2, 4],
        [3, 4, 2],
      ],
      [
        [2, 4],
        ['N', 4, 3],
      ],
      [[4], [4, 3]],
      [['N', 4], [4]],
      [['N', 3, 4], [4]],
      [[4], ['N', 4, 2]],
      [[4], [4]],
      [
        ['N', 1, 2, 4],
        [3, 4, 2],
      ],
    ] as [Shape, Shape][]
  ).map(([a, b]) => binary('MatMul', a, b)),
  unary('Softmax', [-3, 3], {}, ['N', 4, 3]),
  unary('Softmax', [-3, 3], { axis: 1 }, ['N', 4, 3]),
  unary('LogSoftmax', [-3, 3], {}, ['N', 4, 3]),
  unary('LogSoftmax', [-3, 3], { axis: 1 }, ['N', 4, 3]),
  ...REDUCTIONS.flatMap((op) => [
    unary(op, undefined, { axes: [1], keepdims: 1 }, ['N', 3, 4]),
    unary(op, undefined, { axes: [-1, 1], keepdims: 0 }, ['N', 3, 4]),
    unary(op, undefined, { axes: [0], keepdims: 0 }, ['N', 3]),
    unary(op, undefined, {}, ['N', 3]),
  ]),
  shaped('ReduceSum', ['N', 3, 4], [[1]]),
  shaped('ReduceSum', ['N', 3, 4], [[-1, 0]], { keepdims: 0 }),
  shaped('ReduceSum', ['N', 3], [], { keepdims: 0 }),
  shaped('ReduceSum', ['N', 3], [], { noop_with_empty_axes: 1 }),
  shaped('Reshape', ['N', 3, 4], [[-1, 12]]),
  shaped('Reshape', ['N', 3, 4], [[0, 4, -1]]),
  shaped('Reshape', ['N', 6], [[-1]]),
  unary('Flatten', undefined, {}, ['N', 3, 4]),
  unary('Flatten', undefined, { axis: 2 }, ['N', 3, 4]),
  unary('Flatten', undefined, { axis: 0 }, ['N', 3, 4]),
  shaped('Squeeze', ['N', 1, 3, 1], [[1, -1]]),
  shaped('Squeeze', ['N', 1, 3, 1], []),
  shaped('Unsqueeze', ['N', 3], [[0, -1]]),
  shaped('Expand', ['N', 1, 3], [[1, 4, 3]]),
  shaped('Expand', [3], [[2, 1, 3]]),
  unary('Transpose', undefined, { perm: [2, 0, 1] }, ['N', 3, 4]),
  unary('Transpose', undefined, {}, ['N', 3, 4]),
  {
    op: 'Concat',
    label: 'all parts',
    inputs: [
      ['N', 2, 3],
      ['N', 1, 3],
      ['N', 4, 3],
    ],
    build: (g, xs) => g.op('Concat', xs, { axis: 1 }),
  },
  {
    op: 'Concat',
    label: 'with a constant part',
    inputs: [['N', 2]],
    build: (g, [x]) => (x ? g.op('Concat', [g.mul(x, x), g.sub(x, x), x], { axis: -1 }) : g.scalar(0)),
  },
  {
    op: 'Concat',
    label: 'beside weights',
    inputs: [[2, 2]],
    build: (g, [x]) => g.op('Concat', [g.filled(3, [2, 1]), x], { axis: -1 }),
  },
  {
    op: 'Split',
    label: 'one part unused',
    inputs: [['N', 6]],
    build: (g, [x]) => {
      const [a, , c] = g.ops('Split', [x, g.ints([2, 1, 3])], 3, { axis: 1 });
      return a && c ? g.add(g.op('ReduceSum', [g.mul(a, a), g.ints([1])]), c) : g.scalar(0);
    },
  },
  shaped('Slice', ['N', 6], [[1], [4], [1]]),
  shaped(
    'Slice',
    ['N', 6, 5],
    [
      [1, -3],
      [100, -1],
      [1, 2],
    ],
  ),
  shaped('Slice', ['N', 7], [[0], [7], [1], [3]]),
  shaped('Slice', ['N', 7], [[1], [6], [1], [2]]),
  shaped('Slice', ['N', 7], [[-1], [-100], [1], [-1]]),
  shaped('Slice', ['N', 7], [[5], [0], [-1], [-2]]),
  shaped('Slice', ['N', 8], [[7], [-100], [1], [-3]]),
  shaped('Slice', ['N', 6, 4], [[0], [9_007_199_254_740_991], [0]]),
  shaped('Slice', ['N', 6, 4], [[0], [1_000_000_000], [0]]),
  shaped('Pad', ['N', 3, 4], [[0, 1, 0, 0, 2, 3]]),
  shaped('Pad', ['N', 5, 4], [[0, -1, 0, 0, 1, -2]]),
  {
    op: 'Gather',
    label: 'one index',
    inputs: [['N', 4, 3]],
    build: (g, [x]) => g.op('Gather', [x, g.scalar(-1, 'int64')], { axis: 1 }),
  },
  {
    op: 'Gather',
    label: 'repeated indices',
    inputs: [['N', 4, 3]],
    build: (g, [x]) => g.op('Gather', [x, g.constant(BigInt64Array.of(2n, 0n, 2n, -1n), [2, 2])], { axis: 1 }),
  },
  unary('GlobalAveragePool', undefined, {}, ['N', 3, 4, 5]),
  ...[1, 3, 5].map((size) => unary('LRN', [-2, 2], { size, alpha: 0.3, beta: 0.75, bias: 1.5 }, ['N', 4, 2, 3])),
  {
    op: 'BatchNormalization',
    label: 'by every input',
    inputs: [['N', 3, 2], [3], [3], [3], [3]],
    range: [0.2, 1.5],
    build: (g, xs) => g.op('BatchNormalization', xs, { epsilon: 1e-3 }),
  },
  {
    op: 'BatchNormalization',
    label: 'with weights as constants',
    inputs: [['N', 2, 2, 3]],
    build: (g, [x]) => g.op('BatchNormalization', [x, ...[0.5, -1, 0.3, 2].map((value) => g.filled(value, [2]))]),
  },
];

/** Covered in convolution.test.ts, pooling.test.ts and indexing.test.ts. */
const ELSEWHERE: OpName[] = [
  ...(['Conv', 'ConvTranspose', 'MaxPool', 'MaxUnpool', 'AveragePool'] as const),
  ...(['GatherElements', 'GatherND', 'ScatterElements', 'ScatterND', 'TopK'] as const),
];

describe('every rule, against finite differences in float64 and against ONNX Runtime', () => {
  test.each(CASES.map((testCase, i) => ({ ...testCase, seed: i + 1 })))('$op $label', async (testCase) => {
    await checkGradient(testCase);
  });

  test('no differentiable operator is left out', () => {
    const covered = new Set([...ELSEWHERE, ...CASES.map(({ op }) => op)]);
    const missing = OP_NAMES.filter((op) => typeof OP_RULES[op].vjp === 'function' && !covered.has(op));
    expect(missing).toEqual([]);
  });
});

describe('the graph of gradients', () => {
  const mlp = (): { graph: GraphBuilder; weights: ReturnType<GraphBuilder['constant']>[] } => {
    const graph = new GraphBuilder();
    const sizes = [8, 6, 5, 3];
    let h = graph.input('x', 'float32', ['N', 8]);
    const weights = [];
    for (let i = 0; i < 3; i++) {
      const [rows = 1, columns = 1] = [sizes[i], sizes[i + 1]];
      const w = graph.constant(new Float32Array(rows * columns).fill(0.1), [rows, columns]);
      weights.push(w);
      h = graph.op('Gemm', [h, w, graph.filled(0, [columns])]);
      if (i < 2) h = graph.op('Sigmoid', [h]);
    }
    graph.output(h, 'y');
    return { graph, weights };
  };

  test('by the input of an MLP is one Gemm a layer and three products a sigmoid', () => {
    const { graph } = mlp();
    const before = graph.nodes.length;
    const [x] = graph.inputs;
    const [y] = graph.outputs;
    if (!x || !y) throw new Error('no input or output');
    gradients(graph, y.value, [x], graph.input('c', 'float32', ['N', 3]));
    expect(graph.nodes.slice(before).map((node) => node.op)).toEqual([
      ...['Gemm', 'Sub', 'Mul', 'Mul'],
      ...['Gemm', 'Sub', 'Mul', 'Mul'],
      'Gemm',
    ]);
  });

  test('by a last weight alone does not go back further', () => {
    const { graph, weights } = mlp();
    const before = graph.nodes.length;
    const [y] = graph.outputs;
    const last = weights[2];
    if (!last || !y) throw new Error('no output');
    gradients(graph, y.value, [last], graph.input('c', 'float32', ['N', 3]));
    expect(graph.nodes.slice(before).map((node) => node.op)).toEqual(['Gemm']);
  });

  test('sums the cotangents of a value that is used twice', () => {
    const graph = new GraphBuilder({ precision: 'float64' });
    const x = graph.input('x', 'float64', [2]);
    const [dx] = gradients(graph, graph.add(graph.mul(x, x), graph.mul(x, graph.scalar(3))), [x]);
    if (dx) graph.output(dx, 'dx');
    const { dx: result } = evaluate(graph.toBytes(), { x: { shape: [2], data: Float64Array.of(2, -1) } });
    expect([...(result?.data ?? [])]).toEqual([7, 1]);
  });

  test('is zero where nothing depends on x, and ends at comparisons', () => {
    const graph = new GraphBuilder({ precision: 'float64' });
    const x = graph.input('x', 'float64', ['N', 2]);
    const unused = graph.input('unused', 'float64', ['N']);
    const y = graph.op('Cast', [graph.greater(x, graph.scalar(0))], { to: 11 });
    for (const [i, value] of gradients(graph, y, [x, unused]).entries()) graph.output(value, `d${i}`);
    const feeds = {
      x: { shape: [2, 2], data: Float64Array.of(1, -1, 2, 3) },
      unused: { shape: [2], data: Float64Array.of(1, 2) },
    };
    const { d0, d1 } = evaluate(graph.toBytes(), feeds);
    expect(d0).toEqual({ shape: [2, 2], data: new Float64Array(4) });
    expect(d1).toEqual({ shape: [2], data: new Float64Array(2) });
  });

  test('of a product is right at its zeros: one, two, none', () => {
    for (const keepdims of [0, 1]) {
      const graph = new GraphBuilder({ precision: 'float64' });
      const x = graph.input('x', 'float64', ['N', 3]);
      const y = graph.op('ReduceProd', [x], { axes: [1], keepdims });
      for (const value of gradients(graph, y, [x])) graph.output(value, 'dx');
      const { dx } = evaluate(graph.toBytes(), {
        x: { shape: [3, 3], data: Float64Array.of(2, 0, 3, 0, 0, 5, -1, 2, 4) },
      });
      // 0 and -0 are the same here.
      expect([...(dx?.data ?? [])].map((value) => Number(value) + 0)).toEqual([0, 6, 0, 0, 0, 0, 8, -4, -2]);
    }
  });

  test('names the node that has no derivative', () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', [2, 3]);
    const at = graph.reshape(graph.ints([0]), [1, 1]);
    const y = graph.op('ScatterND', [x, at, graph.filled(2, [1, 3])], { reduction: 'mul' }, { name: 'product' });
    expect(() => gradients(graph, y, [x])).toThrow('ScatterND "product": no derivative for reduction "mul"');
  });

  test('refuses a cotangent of another shape', () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', [2, 3]);
    expect(() => gradients(graph, graph.neg(x), [x], graph.filled(1, [3]))).toThrow(
      'Expected shape [2, 3] for cotangent',
    );
  });
});
