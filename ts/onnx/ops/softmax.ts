/** Softmax and its logarithm along one axis (opset 13 semantics). */
import { nodeError, numberAttribute, type OpRule } from '../op_rule.ts';
import { normalizeAxis } from '../shape.ts';
import { inferSameFloat } from './elementwise.ts';

function softmaxRule(vjp: OpRule['vjp']): OpRule {
  return {
    inputs: [1, 1],
    attributes: { axis: 'int' },
    infer: (node) => {
      const [result] = inferSameFloat(node);
      const axis = numberAttribute(node, 'axis', -1);
      if (!result || normalizeAxis(axis, result.shape.length) === undefined)
        throw nodeError(node, `axis ${axis} is out of range`);
      return [result];
    },
    vjp,
  };
}

/** x̄ = y ∘ (ȳ - Σ ȳ∘y) */
export const SOFTMAX = softmaxRule(({ graph, node, cotangent, output }) => {
  const y = output(0);
  const total = graph.reduceSum(graph.mul(cotangent, y), [numberAttribute(node, 'axis', -1)]);
  return [graph.mul(y, graph.sub(cotangent, total))];
});

/** x̄ = ȳ - eʸ·Σ ȳ */
export const LOG_SOFTMAX = softmaxRule(({ graph, node, cotangent, output }) => {
  const total = graph.reduceSum(cotangent, [numberAttribute(node, 'axis', -1)]);
  return [graph.sub(cotangent, graph.mul(graph.exp(output(0)), total))];
});
