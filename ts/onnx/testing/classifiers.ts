/** Small classifiers with fixed weights, for tests of what is made from models. */
import { GraphBuilder } from '../graph_builder.ts';
import { type Dim, elementCount } from '../shape.ts';
import type { Value } from '../value.ts';
import { randomSource } from './random.ts';

export interface TestClassifier {
  batch: Dim;
  inputName?: string;
  ending?: 'Softmax' | 'LogSoftmax' | 'none';
  classes?: number;
}

function weights(graph: GraphBuilder, seed: number, ...shape: number[]): Value {
  const random = randomSource(seed);
  const scale = 2 / Math.sqrt(shape.slice(1).reduce((product, dim) => product * dim, 1));
  return graph.constant(
    Float32Array.from({ length: elementCount(shape) }, () => (random() - 0.5) * 2 * scale),
    shape,
  );
}

function finish(graph: GraphBuilder, logits: Value, { ending = 'none' }: TestClassifier): Uint8Array<ArrayBuffer> {
  graph.output(ending === 'none' ? logits : graph.op(ending, [logits], { axis: -1 }), 'scores');
  return graph.toBytes();
}

/** [batch, 12] → sigmoid layer → [batch, classes] */
export function mlpClassifier(options: TestClassifier): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const { batch, inputName = 'x', classes = 4 } = options;
  const x = graph.input(inputName, 'float32', [batch, 12]);
  const h = graph.op('Sigmoid', [graph.op('Gemm', [x, weights(graph, 1, 12, 8), weights(graph, 2, 8)])]);
  return finish(graph, graph.op('Gemm', [h, weights(graph, 3, classes, 8)], { transB: 1 }), options);
}

/**
 * [batch, 1, 6, 6] → convolution, ReLU, max-pool → Reshape to [batch, 27] → MatMul → [batch, classes]; the Reshape has
 * the batch baked in when it is fixed.
 */
export function convolutionalClassifier(options: TestClassifier): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const { batch, inputName = 'input.1', classes = 4 } = options;
  const x = graph.input(inputName, 'float32', [batch, 1, 6, 6]);
  const convolved = graph.op('Conv', [x, weights(graph, 1, 3, 1, 3, 3), weights(graph, 2, 3)], { pads: [1, 1, 1, 1] });
  const activated = graph.op('Relu', [convolved], {}, { outputs: ['features'] });
  const pooled = graph.op('MaxPool', [activated], { kernel_shape: [2, 2], strides: [2, 2] });
  const flat = graph.reshape(pooled, [typeof batch === 'number' ? batch : -1, 27]);
  const scores = graph.add(graph.matmul(flat, weights(graph, 3, 27, classes)), weights(graph, 4, classes));
  return finish(graph, scores, options);
}
