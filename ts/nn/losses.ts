/** What training makes small; weight decay is added by train_step.ts. */
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';

/**
 * Mean over the batch of log Σ_j exp(z_j) − z_k, with log-softmax composed from operators that every provider has.
 *
 * @param logits [N, classes]; oneHot [N, classes], 1 at the label.
 * @returns a scalar, [].
 */
export function softmaxCrossEntropy(graph: GraphBuilder, logits: Value, oneHot: Value): Value {
  // The largest logit is taken off so that exp cannot overflow; the result does not change.
  const shifted = graph.sub(logits, graph.reduceMax(logits, [1]));
  const logSum = graph.log(graph.reduceSum(graph.exp(shifted), [1], false));
  const chosen = graph.reduceSum(graph.mul(shifted, oneHot), [1], false);
  return graph.reduceMean(graph.sub(logSum, chosen), [0], false);
}
