/** Elementwise functions of one tensor, and of two with broadcasting. */
import { sumToShape } from '../cotangent_shape.ts';
import { isFloat } from '../element_type.ts';
import { type NodeContext, nodeError, type OpRule, requireInput, type VectorJacobianProduct } from '../op_rule.ts';
import { broadcastShapes } from '../shape.ts';
import { castTensor, tensorNumbers } from '../tensor.ts';
import type { Value, ValueType } from '../value.ts';
import { ramp, roundingOf } from './rounded_kinks.ts';

export function inferSame(node: NodeContext): ValueType[] {
  const { type, shape } = requireInput(node, 0);
  return [{ type, shape }];
}

export function inferSameFloat(node: NodeContext): ValueType[] {
  const [result] = inferSame(node);
  if (!result || !isFloat(result.type)) throw nodeError(node, `expected float32 or float64, not ${result?.type}`);
  return [result];
}

export function inferBroadcast(node: NodeContext): ValueType[] {
  const a = requireInput(node, 0);
  const b = requireInput(node, 1);
  if (a.type !== b.type) throw nodeError(node, `operands differ in type: ${a.type} and ${b.type}`);
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape) throw nodeError(node, 'shapes do not broadcast');
  return [{ type: a.type, shape }];
}

function unary(vjp: VectorJacobianProduct): OpRule {
  return { inputs: [1, 1], attributes: {}, infer: inferSameFloat, vjp };
}

function binary(vjp: VectorJacobianProduct): OpRule {
  return { inputs: [2, 2], attributes: {}, infer: inferBroadcast, vjp };
}

export const IDENTITY: OpRule = {
  inputs: [1, 1],
  attributes: {},
  infer: inferSame,
  fold: (_, [a]) => a,
  vjp: ({ cotangent }) => [cotangent],
};

export const NEG: OpRule = {
  inputs: [1, 1],
  attributes: {},
  infer: inferSame,
  vjp: ({ graph, cotangent }) => [graph.neg(cotangent)],
};

/** (√x)' = 1 / (2√x) */
export const SQRT = unary(({ graph, cotangent, output }) => [
  graph.div(graph.mul(cotangent, graph.scalar(0.5, cotangent.type)), output(0)),
]);

export const EXP = unary(({ graph, cotangent, output }) => [graph.mul(cotangent, output(0))]);

export const LOG = unary(({ graph, cotangent, input }) => [graph.div(cotangent, input(0))]);

/** (1/x)' = -y² */
export const RECIPROCAL = unary(({ graph, cotangent, output }) => [
  graph.neg(graph.mul(cotangent, graph.mul(output(0), output(0)))),
]);

/** Subgradient 0 at 0. `Where`, since WebGPU has no `Sign`. */
export const ABS: OpRule = {
  inputs: [1, 1],
  attributes: {},
  infer: inferSame,
  vjp: ({ graph, cotangent, input }) => {
    const zero = graph.scalar(0, cotangent.type);
    const notPositive = graph.where(graph.op('Less', [input(0), zero]), graph.neg(cotangent), zero);
    return [graph.where(graph.greater(input(0), zero), cotangent, notPositive)];
  },
};

/** erf' = 2/√π · exp(-x²) */
export const ERF = unary(({ graph, cotangent, input }) => {
  const gauss = graph.exp(graph.neg(graph.mul(input(0), input(0))));
  return [graph.mul(cotangent, graph.mul(gauss, graph.scalar(2 / Math.sqrt(Math.PI), cotangent.type)))];
});

export const SIN = unary(({ graph, cotangent, input }) => [graph.mul(cotangent, graph.op('Cos', [input(0)]))]);

export const COS = unary(({ graph, cotangent, input }) => [
  graph.neg(graph.mul(cotangent, graph.op('Sin', [input(0)]))),
]);

/** Floor, Ceil, Round, Sign. */
export const STEP: OpRule = { inputs: [1, 1], attributes: {}, infer: inferSame, vjp: 'zero' };

export const ADD = binary(({ graph, cotangent, input, wants }) => [
  wants(0) ? sumToShape(graph, cotangent, input(0).shape) : undefined,
  wants(1) ? sumToShape(graph, cotangent, input(1).shape) : undefined,
]);

export const SUB = binary(({ graph, cotangent, input, wants }) => [
  wants(0) ? sumToShape(graph, cotangent, input(0).shape) : undefined,
  wants(1) ? graph.neg(sumToShape(graph, cotangent, input(1).shape)) : undefined,
]);

export const MUL = binary(({ graph, cotangent, input, wants }) => [
  wants(0) ? sumToShape(graph, graph.mul(cotangent, input(1)), input(0).shape) : undefined,
  wants(1) ? sumToShape(graph, graph.mul(cotangent, input(0)), input(1).shape) : undefined,
]);

/** (a/b)' = ȳ/b and -ȳ·y/b */
export const DIV = binary(({ graph, cotangent, input, output, wants }) => {
  const quotient = graph.div(cotangent, input(1));
  return [
    wants(0) ? sumToShape(graph, quotient, input(0).shape) : undefined,
    wants(1) ? graph.neg(sumToShape(graph, graph.mul(quotient, output(0)), input(1).shape)) : undefined,
  ];
});

/** (a^b)' = b·a^(b-1) and y·log a. The exponent may be of another type than the base. */
export const POW: OpRule = {
  inputs: [2, 2],
  attributes: {},
  infer: (node) => {
    const base = requireInput(node, 0);
    const shape = broadcastShapes(base.shape, requireInput(node, 1).shape);
    if (!shape) throw nodeError(node, 'shapes do not broadcast');
    return [{ type: base.type, shape }];
  },
  vjp: ({ graph, cotangent, input, output, wants }) => {
    const base = input(0);
    const exponent = input(1);
    const result = [];
    if (wants(0)) {
      const uniform = exponent.constant && uniformValue(tensorNumbers(exponent.constant));
      if (uniform !== undefined) {
        const lower = uniform === 2 ? base : graph.op('Pow', [base, graph.scalar(uniform - 1, base.type)]);
        const slope = graph.mul(lower, graph.scalar(uniform, base.type));
        result[0] = sumToShape(graph, graph.mul(cotangent, slope), base.shape);
      } else {
        const power = exponent.type === base.type ? exponent : graph.op('Cast', [exponent], castTo(base.type));
        const lower = graph.op('Pow', [base, graph.sub(power, graph.scalar(1, base.type))]);
        result[0] = sumToShape(graph, graph.mul(cotangent, graph.mul(lower, power)), base.shape);
      }
    }
    if (wants(1)) {
      const slope = graph.mul(output(0), graph.log(base));
      result[1] = sumToShape(graph, graph.mul(cotangent, slope), exponent.shape);
    }
    return result;
  },
};

function uniformValue(values: readonly number[]): number | undefined {
  const [first] = values;
  return values.every((value) => value === first) ? first : undefined;
}

/** Max and Min: the winner takes the cotangent, the first operand on ties; with rounded kinks both share it near a tie. */
function extremum(isMax: boolean): OpRule {
  const rule = binary((context) => {
    const { graph, cotangent, input, wants } = context;
    const [a, b] = [input(0), input(1)];
    const difference = isMax ? graph.sub(a, b) : graph.sub(b, a);
    const rounding = roundingOf(context, difference);
    const first = graph.op(isMax ? 'GreaterOrEqual' : 'LessOrEqual', [a, b]);
    const zero = graph.scalar(0, cotangent.type);
    const share = (i: 0 | 1): Value => {
      if (!rounding) return i === 0 ? graph.where(first, cotangent, zero) : graph.where(first, zero, cotangent);
      // Of b, so that a tie without rounding is the first operand's.
      const part = graph.mul(cotangent, ramp(graph, graph.neg(difference), rounding));
      return i === 1 ? part : graph.sub(cotangent, part);
    };
    return ([0, 1] as const).map((i) => (wants(i) ? sumToShape(graph, share(i), input(i).shape) : undefined));
  });
  return { ...rule, roundsKinks: 'follows' };
}

export const MAX = extremum(true);
export const MIN = extremum(false);

const CAST_TARGETS = { 1: 'float32', 2: 'uint8', 3: 'int8', 6: 'int32', 7: 'int64', 9: 'bool', 11: 'float64' } as const;

function castTo(type: string): { to: number } {
  const entry = Object.entries(CAST_TARGETS).find(([, name]) => name === type);
  return { to: Number(entry?.[0] ?? 1) };
}

/** Between float types the derivative passes; integers are piecewise constant. */
export const CAST: OpRule = {
  inputs: [1, 1],
  attributes: { to: 'int' },
  infer: (node) => {
    const to = node.attributes['to'] as keyof typeof CAST_TARGETS;
    const type = CAST_TARGETS[to];
    if (!type) throw nodeError(node, `cannot cast to ONNX type ${String(to)}`);
    return [{ type, shape: requireInput(node, 0).shape }];
  },
  fold: (node, [a]) => {
    const type = CAST_TARGETS[node.attributes['to'] as keyof typeof CAST_TARGETS];
    return a && isFloat(type) ? castTensor(a, type) : undefined;
  },
  vjp: ({ graph, cotangent, input }) => {
    const { type } = input(0);
    if (!isFloat(type) || !isFloat(cotangent.type)) return [];
    return [type === cotangent.type ? cotangent : graph.op('Cast', [cotangent], castTo(type))];
  },
};

/** Inference mode: the identity. The mask output and training mode are refused. */
export const DROPOUT: OpRule = {
  inputs: [1, 3],
  attributes: { seed: 'int' },
  infer: (node) => {
    const training = node.inputs[2];
    if (training && Number(training.constant?.data[0] ?? 1) !== 0) {
      throw nodeError(node, 'training mode is not supported; export the model for inference');
    }
    return inferSameFloat(node);
  },
  vjp: ({ cotangent }) => [cotangent],
};
