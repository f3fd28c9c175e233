/** Comparisons, logic, and the choice between tensors. */
import { sumToShape } from '../cotangent_shape.ts';
import { nodeError, type OpRule, requireInput } from '../op_rule.ts';
import { broadcastShapes } from '../shape.ts';
import { inferBroadcast } from './elementwise.ts';

/** Equal, Greater, GreaterOrEqual, Less, LessOrEqual, And, Or, Xor. */
export const COMPARISON: OpRule = {
  inputs: [2, 2],
  attributes: {},
  infer: (node) => inferBroadcast(node).map(({ shape }) => ({ type: 'bool', shape })),
  vjp: 'zero',
};

export const NOT: OpRule = {
  inputs: [1, 1],
  attributes: {},
  infer: (node) => [{ type: 'bool', shape: requireInput(node, 0).shape }],
  vjp: 'zero',
};

/** IsNaN, IsInf. */
export const TEST: OpRule = {
  inputs: [1, 1],
  attributes: { detect_negative: 'int', detect_positive: 'int' },
  infer: (node) => [{ type: 'bool', shape: requireInput(node, 0).shape }],
  vjp: 'zero',
};

export const WHERE: OpRule = {
  inputs: [3, 3],
  attributes: {},
  infer: (node) => {
    const condition = requireInput(node, 0);
    const a = requireInput(node, 1);
    const b = requireInput(node, 2);
    if (condition.type !== 'bool') throw nodeError(node, `the condition must be bool, not ${condition.type}`);
    if (a.type !== b.type) throw nodeError(node, `operands differ in type: ${a.type} and ${b.type}`);
    const both = broadcastShapes(a.shape, b.shape);
    const shape = both && broadcastShapes(condition.shape, both);
    if (!shape) throw nodeError(node, 'shapes do not broadcast');
    return [{ type: a.type, shape }];
  },
  vjp: ({ graph, cotangent, input, wants }) => {
    const zero = graph.scalar(0, cotangent.type);
    return [
      undefined,
      wants(1) ? sumToShape(graph, graph.where(input(0), cotangent, zero), input(1).shape) : undefined,
      wants(2) ? sumToShape(graph, graph.where(input(0), zero, cotangent), input(2).shape) : undefined,
    ];
  },
};
