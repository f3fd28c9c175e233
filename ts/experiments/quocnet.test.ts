import { expect, test } from 'vitest';
import { normalised, patches, placesOf, pooled, QUOC_STAGES } from '../../models/quocnet.ts';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import { evaluate } from '../onnx/testing/reference_evaluator.ts';
import { carsAndOthers } from './quocnet.ts';

const stage = { side: 4, channels: 2, field: 2, stride: 1, maps: 1, pool: 2 };

test('the stages fit on each other', () => {
  for (const [i, { side, channels }] of QUOC_STAGES.entries()) {
    const before = QUOC_STAGES[i - 1];
    if (before) expect([side, channels]).toEqual([placesOf(before).pooled, before.maps]);
  }
});

test('a filter sees its own square of every map, row by row', () => {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', ['N', 2, 4, 4]);
  graph.output(patches(graph, x, stage), 'patches');
  const { patches: found } = evaluate(graph.toBytes(), {
    x: { shape: [1, 2, 4, 4], data: Float64Array.from({ length: 32 }, (_, i) => i) },
  });
  expect(found?.shape).toEqual([9, 1, 8]);
  // The place at row 1, column 2.
  expect([...(found?.data ?? [])].slice(5 * 8, 6 * 8)).toEqual([6, 7, 10, 11, 22, 23, 26, 27]);
});

test('pooling is the root of the sum of squares of neighbouring places', () => {
  const graph = new GraphBuilder();
  const a = graph.input('a', 'float32', [9, 'N', 1]);
  graph.output(pooled(graph, a, stage), 'pooled');
  const values = Float64Array.of(1, 2, 0, 2, 4, 0, 0, 0, 3);
  const { pooled: found } = evaluate(graph.toBytes(), { a: { shape: [9, 1, 1], data: values } });
  expect(found?.shape).toEqual([1, 1, 2, 2]);
  const expected = [25, 20, 20, 25].map((squares) => Math.sqrt(squares + 0.01));
  for (const [i, value] of expected.entries()) expect(found?.data[i]).toBeCloseTo(value, 6);
});

test('normalisation takes away the mean of the neighbourhood, and its contrast', () => {
  const graph = new GraphBuilder();
  graph.output(normalised(graph, graph.input('x', 'float32', ['N', 2, 5, 5])), 'y');
  const bytes = graph.toBytes();
  const answers = (of: (i: number) => number) => {
    const data = Float64Array.from({ length: 50 }, (_, i) => of(i));
    return evaluate(bytes, { x: { shape: [1, 2, 5, 5], data } })['y']?.data ?? [];
  };
  for (const value of answers(() => 0.7)) expect(value).toBeCloseTo(0, 6);
  // 10 and 20 times as strong: all but the same.
  const strong = answers((i) => 10 * Math.sin(i * i));
  for (const [i, value] of [...answers((k) => 20 * Math.sin(k * k))].entries())
    expect(value).toBeCloseTo(strong[i] ?? 0, 3);
});

test('as many others as cars', () => {
  const labels = Int32Array.of(0, 1, 2, 1, 3);
  const set = { images: Float32Array.of(0, 0.1, 0.2, 0.3, 0.4), shape: [1], count: 5, labels, source: 's' };
  const { images, labels: found } = carsAndOthers(set);
  expect([...images].map((value) => Math.round(10 * value))).toEqual([0, 1, 2, 3]);
  expect([...found]).toEqual([0, 1, 0, 1]);
});
