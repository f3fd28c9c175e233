import { describe, expect, test } from 'vitest';
import { GraphBuilder } from './graph_builder.ts';
import { readModel } from './read_model.ts';
import type { Dim } from './shape.ts';
import { runInOrt } from './testing/ort.ts';

describe('mistakes are reported where they are made', () => {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', ['N', 3]);
  const doubles = graph.input('doubles', 'float64', ['N', 3]);

  test.each([
    [
      'shapes',
      () => graph.op('Add', [x, graph.filled(0, [4])], {}, { name: 'sum' }),
      'Add "sum": shapes do not broadcast (inputs [N, 3], [4])',
    ],
    [
      'types',
      () => graph.op('Mul', [x, doubles], {}, { name: 'm' }),
      'Mul "m": operands differ in type: float32 and float64 (inputs [N, 3], [N, 3])',
    ],
    [
      'number of inputs',
      () => graph.op('Gemm', [x], {}, { name: 'g' }),
      'Gemm "g": expected 2 to 3 inputs but received 1 (inputs [N, 3])',
    ],
    [
      'unknown attribute',
      () => graph.op('Relu', [x], { alpha: 1 }, { name: 'r' }),
      'Relu "r": has no attribute "alpha" (inputs [N, 3])',
    ],
    [
      'kind of attribute',
      () => graph.op('Softmax', [x], { axis: 0.5 }, { name: 's' }),
      'Softmax "s": attribute "axis" must be of kind int (inputs [N, 3])',
    ],
    [
      'axis',
      () => graph.op('Softmax', [x], { axis: 2 }, { name: 's' }),
      'Softmax "s": axis 2 is out of range (inputs [N, 3])',
    ],
    [
      'reshape',
      () => graph.op('Reshape', [x, graph.ints([1, 3])], {}, { name: 'r' }),
      'Reshape "r": cannot reshape 3*N elements to [1, 3] (inputs [N, 3], [2])',
    ],
    [
      'length of data',
      () => graph.constant(new Float32Array(3), [2, 2]),
      'Expected 4 elements for shape [2, 2] for data but received 3 of type number',
    ],
    [
      'name of an input',
      () => graph.input('x', 'float32', [1]),
      'Expected a name not yet used in the graph for name but received "x" of type string',
    ],
    [
      'no output',
      () => new GraphBuilder().toBytes(),
      'The graph has no output; call output(value, name) before toBytes()',
    ],
  ])('%s', (_, mistake, message) => {
    expect(mistake).toThrow(message);
  });
});

describe('shapes are inferred with a symbolic batch', () => {
  const shapeOf = (target: (graph: GraphBuilder) => Dim[] | readonly Dim[]): readonly Dim[] =>
    target(new GraphBuilder());

  test('Flatten and Reshape carry the batch', () => {
    expect(shapeOf((g) => g.op('Flatten', [g.input('x', 'float32', ['N', 3, 4, 5])]).shape)).toEqual(['N', 60]);
    expect(shapeOf((g) => g.reshape(g.input('x', 'float32', ['N', 12]), [0, 3, -1]).shape)).toEqual(['N', 3, 4]);
    expect(shapeOf((g) => g.reshape(g.input('x', 'float32', ['N', 3, 4]), [-1, 4]).shape)).toEqual(['3*N', 4]);
    expect(shapeOf((g) => g.reshape(g.reshape(g.input('x', 'float32', ['N', 3, 4]), [-1, 4]), [-1, 12]).shape)).toEqual(
      ['N', 12],
    );
  });

  test('Shape → Gather → Mul → Unsqueeze → Concat → Reshape is resolved, and leaves no node', () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['N', 3, 4]);
    const shape = g.op('Shape', [x]);
    const at = (i: number) => g.op('Gather', [shape, g.scalar(i, 'int64')]);
    const target = [g.op('Unsqueeze', [at(0), g.ints([0])]), g.op('Unsqueeze', [g.mul(at(1), at(2)), g.ints([0])])];
    const flat = g.op('Reshape', [x, g.op('Concat', target, { axis: 0 })]);
    expect(flat.shape).toEqual(['N', 12]);
    const constant = g.op('Reshape', [
      x,
      g.op('Concat', [g.ints([-1]), g.op('Slice', [shape, g.ints([1]), g.ints([3])])], { axis: 0 }),
    ]);
    expect(constant.shape).toEqual(['N', 3, 4]);
    g.output(constant, 'y');
    expect(readModel(g.toBytes()).nodes.map((node) => node.op)).toEqual(['Reshape']);
  });

  test('Expand to a shape with -1 replaced by Where, as exporters write it', () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['N', 3]);
    const token = g.filled(1, [1, 3]);
    const wanted = g.op('Concat', [g.op('Slice', [g.op('Shape', [x]), g.ints([0]), g.ints([1])]), g.ints([-1])], {
      axis: 0,
    });
    const one = { type: 'int64', shape: [1], data: BigInt64Array.of(1n) } as const;
    const ones = g.op('ConstantOfShape', [g.ints([2])], { value: one });
    const target = g.where(g.op('Equal', [wanted, g.ints([-1])]), ones, wanted);
    expect(g.op('Expand', [token, target]).shape).toEqual(['N', 3]);
  });
});

describe('the file', () => {
  test('holds what the outputs need and no more', () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', [2]);
    g.exp(x);
    g.constant(new Float32Array(1000), [1000]);
    g.output(g.neg(x), 'y');
    const model = readModel(g.toBytes());
    expect(model.nodes.map((node) => node.op)).toEqual(['Neg']);
    expect(model.initializers.size).toBe(0);
  });

  test('gives outputs their names, whatever else has them', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', [1]);
    const h = g.op('Sqrt', [x], {}, { outputs: ['y'] });
    const y = g.op('Exp', [h], {}, { outputs: ['z'] });
    g.output(y, 'y');
    g.output(y, 'again');
    g.output(x, 'copy');
    g.output(h, 'h');
    g.output(g.filled(3, [1]), 'three');
    const outputs = await runInOrt(g.toBytes(), { x: { shape: [1], data: Float64Array.of(0) } });
    expect(Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data[0]]))).toEqual({
      y: 1,
      again: 1,
      copy: 0,
      h: 0,
      three: 3,
    });
    expect(() => g.output(h, 'y')).toThrow('Expected a name that no other input or output has');
  });

  test('shares equal constants', () => {
    const g = new GraphBuilder();
    expect(g.scalar(1)).toBe(g.scalar(1));
    expect(g.scalar(1)).not.toBe(g.scalar(1, 'float64'));
    expect(g.ints([1, 2])).toBe(g.ints([1, 2]));
    expect(g.scalar(0)).not.toBe(g.scalar(-0));
  });

  test('transposes constants once, when it is built', () => {
    const g = new GraphBuilder();
    const w = g.constant(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    const transposed = g.transpose(w, [1, 0]);
    expect(transposed.shape).toEqual([3, 2]);
    expect([...(transposed.constant?.data ?? [])]).toEqual([1, 4, 2, 5, 3, 6]);
    expect(g.nodes).toHaveLength(0);
  });

  test('runs in ONNX Runtime in float64 too', async () => {
    const g = new GraphBuilder({ precision: 'float64' });
    const x = g.input('x', 'float64', ['N', 2]);
    g.output(g.matmul(x, g.constant(Float64Array.of(1, 2, 3, 4), [2, 2])), 'y');
    const { y } = await runInOrt(g.toBytes(), { x: { shape: [1, 2], data: Float64Array.of(0.1, 0.2) } });
    expect([...(y?.data ?? [])]).toEqual([0.1 * 1 + 0.2 * 3, 0.1 * 2 + 0.2 * 4]);
  });
});
