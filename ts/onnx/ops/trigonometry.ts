/** Tangent, hyperbolic functions, and the inverses of both. */
import type { OpRule, VectorJacobianProduct } from '../op_rule.ts';
import type { Value } from '../value.ts';
import { inferSameFloat } from './elementwise.ts';

function unary(vjp: VectorJacobianProduct): OpRule {
  return { inputs: [1, 1], attributes: {}, infer: inferSameFloat, vjp };
}

type Context = Parameters<VectorJacobianProduct>[0];

/** 1 + x² and the like. */
function onePlus({ graph }: Context, x: Value, sign: 1 | -1): Value {
  const one = graph.scalar(1, x.type);
  return sign === 1 ? graph.add(one, graph.mul(x, x)) : graph.sub(one, graph.mul(x, x));
}

/** tan' = 1 + tan² */
export const TAN = unary((context) => [context.graph.mul(context.cotangent, onePlus(context, context.output(0), 1))]);

export const SINH = unary(({ graph, cotangent, input }) => [graph.mul(cotangent, graph.op('Cosh', [input(0)]))]);

export const COSH = unary(({ graph, cotangent, input }) => [graph.mul(cotangent, graph.op('Sinh', [input(0)]))]);

/** asin' = 1/√(1 - x²) */
export const ASIN = unary((context) => {
  const { graph, cotangent, input } = context;
  return [graph.div(cotangent, graph.sqrt(onePlus(context, input(0), -1)))];
});

export const ACOS = unary((context) => {
  const { graph, cotangent, input } = context;
  return [graph.neg(graph.div(cotangent, graph.sqrt(onePlus(context, input(0), -1))))];
});

/** atan' = 1/(1 + x²) */
export const ATAN = unary((context) => [context.graph.div(context.cotangent, onePlus(context, context.input(0), 1))]);

/** asinh' = 1/√(1 + x²) */
export const ASINH = unary((context) => {
  const { graph, cotangent, input } = context;
  return [graph.div(cotangent, graph.sqrt(onePlus(context, input(0), 1)))];
});

/** acosh' = 1/√(x² - 1) */
export const ACOSH = unary((context) => {
  const { graph, cotangent, input } = context;
  return [graph.div(cotangent, graph.sqrt(graph.neg(onePlus(context, input(0), -1))))];
});

/** atanh' = 1/(1 - x²) */
export const ATANH = unary((context) => [context.graph.div(context.cotangent, onePlus(context, context.input(0), -1))]);
