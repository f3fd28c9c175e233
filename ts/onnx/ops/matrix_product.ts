/**
 * Matrix products. For Y = A·B: Ā = Ȳ·Bᵀ and B̄ = Aᵀ·Ȳ. Matrices (rank 2) are differentiated through Gemm, whose
 * transposition flags cost nothing; stacks of matrices through Transpose, which is folded into constant weights.
 */
import { reshapeTo, sumToShape } from '../cotangent_shape.ts';
import type { GraphBuilder } from '../graph_builder.ts';
import { nodeError, numberAttribute, type OpRule, requireInput } from '../op_rule.ts';
import { broadcastShapes, type Dim, elementCount, type Shape } from '../shape.ts';
import type { Value } from '../value.ts';

function gemm(graph: GraphBuilder, a: Value, b: Value, transA: boolean, transB: boolean, alpha = 1): Value {
  return graph.op('Gemm', [a, b], {
    transA: transA ? 1 : undefined,
    transB: transB ? 1 : undefined,
    alpha: alpha === 1 ? undefined : alpha,
  });
}

/** Y = α·A'·B' + β·C, where ' transposes if asked and C broadcasts to Y. */
export const GEMM: OpRule = {
  inputs: [2, 3],
  attributes: { alpha: 'float', beta: 'float', transA: 'int', transB: 'int' },
  infer: (node) => {
    const a = requireInput(node, 0);
    const b = requireInput(node, 1);
    const c = node.inputs[2];
    if (a.shape.length !== 2 || b.shape.length !== 2) throw nodeError(node, 'A and B must be matrices');
    if (a.type !== b.type || (c && c.type !== a.type)) throw nodeError(node, 'operands differ in type');
    const [rows, inner] = numberAttribute(node, 'transA', 0) ? [a.shape[1], a.shape[0]] : a.shape;
    const [inner2, columns] = numberAttribute(node, 'transB', 0) ? [b.shape[1], b.shape[0]] : b.shape;
    if (inner !== inner2) throw nodeError(node, `inner dimensions differ: ${inner} and ${inner2}`);
    const shape: Shape = [rows ?? 1, columns ?? 1];
    const broadcast = c ? broadcastShapes(shape, c.shape) : shape;
    if (broadcast?.length !== 2 || broadcast.some((dim, i) => dim !== shape[i])) {
      throw nodeError(node, `C does not broadcast to [${shape.join(', ')}]`);
    }
    return [{ type: a.type, shape }];
  },
  vjp: ({ graph, node, cotangent, input, wants }) => {
    const alpha = numberAttribute(node, 'alpha', 1);
    const beta = numberAttribute(node, 'beta', 1);
    const transA = numberAttribute(node, 'transA', 0) !== 0;
    const transB = numberAttribute(node, 'transB', 0) !== 0;
    const result: (Value | undefined)[] = [];
    if (wants(0)) {
      result[0] = transA
        ? gemm(graph, input(1), cotangent, transB, true, alpha)
        : gemm(graph, cotangent, input(1), false, !transB, alpha);
    }
    if (wants(1)) {
      result[1] = transB
        ? gemm(graph, cotangent, input(0), true, transA, alpha)
        : gemm(graph, input(0), cotangent, !transA, false, alpha);
    }
    if (wants(2)) {
      const summed = sumToShape(graph, cotangent, input(2).shape);
      result[2] = beta === 1 ? summed : graph.mul(summed, graph.scalar(beta, summed.type));
    }
    return result;
  },
};

/** A vector on the left is a row, on the right a column (NumPy). */
function asMatrices(a: Shape, b: Shape): [Shape, Shape] {
  return [a.length === 1 ? [1, ...a] : a, b.length === 1 ? [...b, 1] : b];
}

function swapLastTwo(graph: GraphBuilder, value: Value): Value {
  const axes = value.shape.map((_, i) => i);
  const last = axes.length - 1;
  return graph.transpose(value, [...axes.slice(0, -2), last, last - 1]);
}

export const MATMUL: OpRule = {
  inputs: [2, 2],
  attributes: {},
  infer: (node) => {
    const a = requireInput(node, 0);
    const b = requireInput(node, 1);
    if (a.type !== b.type) throw nodeError(node, `operands differ in type: ${a.type} and ${b.type}`);
    if (a.shape.length === 0 || b.shape.length === 0) throw nodeError(node, 'operands must not be scalars');
    const [left, right] = asMatrices(a.shape, b.shape);
    const inner = left[left.length - 1];
    if (inner !== right[right.length - 2]) throw nodeError(node, 'inner dimensions differ');
    const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
    if (!batch) throw nodeError(node, 'batch dimensions do not broadcast');
    const shape: Dim[] = [...batch];
    if (a.shape.length > 1) shape.push(left[left.length - 2] ?? 1);
    if (b.shape.length > 1) shape.push(right[right.length - 1] ?? 1);
    return [{ type: a.type, shape }];
  },
  vjp: ({ graph, cotangent, input, wants }) => {
    const a = input(0);
    const b = input(1);
    const [aShape, bShape] = asMatrices(a.shape, b.shape);
    const batch = broadcastShapes(aShape.slice(0, -2), bShape.slice(0, -2)) ?? [];
    const rows = aShape[aShape.length - 2] ?? 1;
    const inner = aShape[aShape.length - 1] ?? 1;
    const columns = bShape[bShape.length - 1] ?? 1;
    const dy = reshapeTo(graph, cotangent, [...batch, rows, columns]);
    const result: (Value | undefined)[] = [];
    if (wants(0)) {
      const right = reshapeTo(graph, b, bShape);
      const product =
        dy.shape.length === 2 && bShape.length === 2
          ? gemm(graph, dy, right, false, true)
          : graph.matmul(dy, swapLastTwo(graph, right));
      result[0] = reshapeTo(graph, sumToShape(graph, product, aShape), a.shape);
    }
    if (wants(1)) {
      const left = reshapeTo(graph, a, aShape);
      // A shared matrix: fold the whole stack into the rows, one product instead of many and a sum.
      const flatRows = elementCount([...batch, rows]);
      const product =
        bShape.length === 2 && aShape.length === batch.length + 2
          ? gemm(
              graph,
              reshapeTo(graph, left, [flatRows, inner]),
              reshapeTo(graph, dy, [flatRows, columns]),
              true,
              false,
            )
          : graph.matmul(swapLastTwo(graph, left), dy);
      result[1] = reshapeTo(graph, sumToShape(graph, product, bShape), b.shape);
    }
    return result;
  },
};
