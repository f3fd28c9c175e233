/** What training makes small. */
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';
import type { ParameterSpec } from './network.ts';

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

/** Σ over the layers of λ·Σw²/k (PAPER: weight decay); undefined when no layer has any. */
export function weightPenalty(
  graph: GraphBuilder,
  specs: readonly ParameterSpec[],
  parameters: ReadonlyMap<string, Value>,
): Value | undefined {
  let penalty: Value | undefined;
  for (const { name, shape, decay } of specs) {
    const weights = parameters.get(name);
    if (decay === 0 || weights === undefined) continue;
    const axes = shape.map((_, axis) => axis);
    const term = graph.mul(graph.scalar(decay), graph.reduceSum(graph.mul(weights, weights), axes, false));
    penalty = penalty === undefined ? term : graph.add(penalty, term);
  }
  return penalty;
}
