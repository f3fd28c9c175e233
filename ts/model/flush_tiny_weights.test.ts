import { expect, test } from 'vitest';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import { readModel } from '../onnx/read_model.ts';
import { flushTinyWeights } from './flush_tiny_weights.ts';

test('tiny weights become zero, others and the model given stay', () => {
  const graph = new GraphBuilder();
  const weights = Float32Array.of(1e-40, -1e-35, 1e-29, -0.5);
  const image = graph.input('image', 'float32', ['N', 2]);
  graph.output(graph.matmul(image, graph.constant(weights, [2, 2], 'weights')), 'scores');
  const model = readModel(graph.toBytes());
  expect(flushTinyWeights(model).initializers.get('weights')?.data).toEqual(Float32Array.of(0, 0, 1e-29, -0.5));
  expect(model.initializers.get('weights')?.data).toEqual(weights);
});

test('weights without tiny ones are shared, not copied', () => {
  const graph = new GraphBuilder();
  const image = graph.input('image', 'float32', ['N', 2]);
  graph.output(graph.matmul(image, graph.constant(Float32Array.of(0, 1, 2, 3), [2, 2], 'weights')), 'scores');
  const model = readModel(graph.toBytes());
  expect(flushTinyWeights(model).initializers.get('weights')).toBe(model.initializers.get('weights'));
});

test('a tensor of tiny weights alone, which later layers may scale up, stays', () => {
  const graph = new GraphBuilder();
  const image = graph.input('image', 'float32', ['N', 2]);
  const weights = Float32Array.of(1e-32, -2e-33, 3e-34, 1e-33);
  graph.output(graph.matmul(image, graph.constant(weights, [2, 2], 'weights')), 'scores');
  expect(flushTinyWeights(readModel(graph.toBytes())).initializers.get('weights')?.data).toEqual(weights);
});
