import { expect, test } from 'vitest';
import { GraphBuilder } from './graph_builder.ts';
import { importModel } from './import_model.ts';
import type { Model } from './model.ts';
import { poolBeforeRelu } from './pool_before_relu.ts';
import { readModel } from './read_model.ts';
import { runInOrt } from './testing/ort.ts';
import type { Value } from './value.ts';

const POOL = { kernel_shape: [2, 2], strides: [1, 2], pads: [0, 1, 0, 0] };
const SHAPE = [2, 3, 4, 4];

function modelOf(build: (graph: GraphBuilder, x: Value) => void): Model {
  const graph = new GraphBuilder();
  build(graph, graph.input('x', 'float32', ['N', ...SHAPE.slice(1)]));
  return readModel(graph.toBytes());
}

const opsOf = ({ nodes }: Model) => nodes.map(({ op }) => op);

async function outputOf(model: Model): Promise<number[]> {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', ['N', ...SHAPE.slice(1)]);
  const values = importModel(graph, model, new Map([['x', x]]));
  graph.output(values.get('y') as Value, 'y');
  const count = SHAPE.reduce((product, dim) => product * dim, 1);
  const data = Float64Array.from({ length: count }, (_, i) => Math.sin(7 * i));
  const { y } = await runInOrt(graph.toBytes(), { x: { shape: SHAPE, data } });
  return [...(y?.data ?? [])];
}

test('every max-pool of a ReLU goes before it, and the answer stays the same', async () => {
  const model = modelOf((graph, x) => {
    const first = graph.op('MaxPool', [graph.op('Relu', [graph.neg(x)])], POOL);
    const lowered = graph.sub(first, graph.scalar(0.98));
    graph.output(graph.op('MaxPool', [graph.op('Relu', [lowered])], POOL), 'y');
  });
  const changed = poolBeforeRelu(model);
  expect(opsOf(model)).toEqual(['Neg', 'Relu', 'MaxPool', 'Sub', 'Relu', 'MaxPool']);
  expect(opsOf(changed)).toEqual(['Neg', 'MaxPool', 'Relu', 'Sub', 'MaxPool', 'Relu']);
  const answer = await outputOf(model);
  expect(answer.some((value) => value > 0) && answer.some((value) => value === 0)).toBe(true);
  expect(await outputOf(changed)).toEqual(answer);
});

test.each<[string, (graph: GraphBuilder, x: Value) => void]>([
  [
    'read by another node',
    (graph, x) => {
      const positive = graph.op('Relu', [x]);
      graph.output(graph.op('MaxPool', [positive], POOL), 'y');
      graph.output(graph.neg(positive), 'z');
    },
  ],
  [
    'answered by the model',
    (graph, x) => {
      const positive = graph.op('Relu', [x]);
      graph.output(graph.op('MaxPool', [positive], POOL), 'y');
      graph.output(positive, 'z');
    },
  ],
  [
    'pooled with indices',
    (graph, x) => {
      const [pooled, indices] = graph.ops('MaxPool', [graph.op('Relu', [x])], 2, POOL);
      graph.output(pooled as Value, 'y');
      graph.output(indices as Value, 'z');
    },
  ],
  ['not pooled', (graph, x) => graph.output(graph.neg(graph.op('Relu', [x])), 'y')],
])('a ReLU that is %s stays in its place', (_what, build) => {
  const model = modelOf(build);
  expect(opsOf(poolBeforeRelu(model))).toEqual(opsOf(model));
});
