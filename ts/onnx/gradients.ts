/**
 * Reverse-mode differentiation from graph to graph: appends to the builder the nodes that compute the gradient of
 * Σ cotangent∘y by each x. Only nodes on a path from an x to y are visited.
 */
import { invalidArgument } from '../errors.ts';
import { filledLike } from './cotangent_shape.ts';
import { isFloat } from './element_type.ts';
import type { GraphBuilder } from './graph_builder.ts';
import { type GraphTarget, nodeError, requireInput, type VjpContext } from './op_rule.ts';
import { OP_RULES } from './op_table.ts';
import { formatShape, sameShape } from './shape.ts';
import type { GraphNode, Value } from './value.ts';

export interface GradientOptions {
  /** Where the graph will run; default 'cpu'. Decides the form of max-pool's backward pass. */
  target?: GraphTarget;
  /**
   * [N, 1], float32: how far the kinks of ReLU and max-pooling are to be rounded, relative to the values there, an image
   * each; exact where it is 0. Default: exact.
   */
  smoothing?: Value;
  /** Values that count as constants, whatever they are computed from; default: none. */
  held?: readonly Value[];
}

/**
 * @param y the value to differentiate, of any shape.
 * @param xs inputs, initializers or intermediate values of the same graph.
 * @param cotangent weights of y's elements, in y's shape; default: ones (the gradient of the sum of y).
 * @returns one value an x, in its shape and type; zeros where y does not depend on x.
 * @throws INVALID_MODEL when a path crosses an operator without a derivative (named with its node).
 */
export function gradients(
  graph: GraphBuilder,
  y: Value,
  xs: readonly Value[],
  cotangent?: Value,
  options: GradientOptions = {},
): Value[] {
  if (cotangent && !sameShape(cotangent.shape, y.shape)) {
    throw invalidArgument('cotangent', `shape ${formatShape(y.shape)}`, formatShape(cotangent.shape));
  }
  const nodes = [...graph.nodes];
  const varying = dependents(nodes, xs, new Set(options.held));
  const cotangents = new Map<Value, Value>();
  if (varying.has(y)) cotangents.set(y, cotangent ?? filledLike(graph, y, 1));
  for (const node of nodes.reverse()) {
    if (!node.inputs.some((input) => input && varying.has(input))) continue;
    if (!node.outputs.some((output) => cotangents.has(output))) continue;
    propagate(graph, node, cotangents, varying, options);
  }
  return xs.map((x) => cotangents.get(x) ?? filledLike(graph, x, 0));
}

/** The float values that vary with some x, by a way that leads through none of the held ones. */
function dependents(nodes: readonly GraphNode[], xs: readonly Value[], held: ReadonlySet<Value>): Set<Value> {
  const varying = new Set(xs);
  for (const node of nodes) {
    if (OP_RULES[node.op].vjp === 'zero' || !node.inputs.some((input) => input && varying.has(input))) continue;
    for (const output of node.outputs) if (isFloat(output.type) && !held.has(output)) varying.add(output);
  }
  return varying;
}

function propagate(
  graph: GraphBuilder,
  node: GraphNode,
  cotangents: Map<Value, Value>,
  varying: ReadonlySet<Value>,
  options: GradientOptions,
): void {
  const { vjp } = OP_RULES[node.op];
  if (vjp === 'zero') return;
  const results = vjp(contextOf(graph, node, cotangents, varying, options));
  node.inputs.forEach((input, i) => {
    const result = results[i];
    if (!input || !result || !varying.has(input)) return;
    if (!sameShape(result.shape, input.shape) || result.type !== input.type) {
      throw nodeError(node, `defective derivative: ${formatShape(result.shape)} for input ${i}`);
    }
    const sum = cotangents.get(input);
    cotangents.set(input, sum ? graph.add(sum, result) : result);
  });
}

function contextOf(
  graph: GraphBuilder,
  node: GraphNode,
  cotangents: ReadonlyMap<Value, Value>,
  varying: ReadonlySet<Value>,
  { target = 'cpu', smoothing }: GradientOptions,
): VjpContext {
  const byOutput = node.outputs.map((output) => cotangents.get(output));
  return {
    graph,
    node,
    target,
    smoothing,
    cotangents: byOutput,
    get cotangent(): Value {
      const [first] = byOutput;
      if (!first) throw nodeError(node, 'has no derivative by this output');
      return first;
    },
    input: (i) => requireInput(node, i),
    output: (i) => {
      const output = node.outputs[i];
      if (!output) throw nodeError(node, `output ${i} is missing`);
      return output;
    },
    wants: (i) => {
      const input = node.inputs[i];
      return input !== undefined && varying.has(input);
    },
  };
}
