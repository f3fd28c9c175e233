/** Operators whose results do not vary smoothly with data: shapes, constants by shape, indices. */
import { nodeError, numberAttribute, type OpRule, requireInput } from '../op_rule.ts';
import { normalizeAxis } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

export const SHAPE: OpRule = {
  inputs: [1, 1],
  attributes: { start: 'int', end: 'int' },
  infer: (node) => {
    const rank = requireInput(node, 0).shape.length;
    const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + rank : at, 0), rank);
    const length = clamp(numberAttribute(node, 'end', rank)) - clamp(numberAttribute(node, 'start', 0));
    return [{ type: 'int64', shape: [Math.max(length, 0)] }];
  },
  vjp: 'zero',
};

export const CONSTANT_OF_SHAPE: OpRule = {
  inputs: [1, 1],
  attributes: { value: 'tensor' },
  infer: (node) => {
    const target = requireInput(node, 0).content;
    if (!target) throw nodeError(node, 'the shape must follow from constants and shapes, but is computed from data');
    const value = node.attributes['value'] as Tensor | undefined;
    return [{ type: value?.type ?? 'float32', shape: target }];
  },
  vjp: 'zero',
};

/** Numbers from 0 up to a size that follows from shapes: the images of a batch, say. */
export const RANGE: OpRule = {
  inputs: [3, 3],
  attributes: {},
  infer: (node) => {
    const [start, limit, delta] = [0, 1, 2].map((i) => requireInput(node, i).content?.[0]);
    if (start !== 0 || delta !== 1 || limit === undefined) {
      throw nodeError(node, 'the range must follow from constants and shapes, but is computed from data');
    }
    return [{ type: requireInput(node, 0).type, shape: [limit] }];
  },
  vjp: 'zero',
};

export const ARG_MAX: OpRule = {
  inputs: [1, 1],
  attributes: { axis: 'int', keepdims: 'int', select_last_index: 'int' },
  infer: (node) => {
    const { shape } = requireInput(node, 0);
    const axis = normalizeAxis(numberAttribute(node, 'axis', 0), shape.length);
    if (axis === undefined) throw nodeError(node, 'axis is out of range');
    const keep = numberAttribute(node, 'keepdims', 1) !== 0;
    return [{ type: 'int64', shape: shape.flatMap((dim, i) => (i === axis ? (keep ? [1] : []) : [dim])) }];
  },
  vjp: 'zero',
};
