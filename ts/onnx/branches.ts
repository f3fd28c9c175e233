/**
 * If, where its condition is known when the graph is built (of shapes, or a constant): the branch taken stands in its place.
 * Exporters write them for sizes that they did not know.
 */
import type { GraphProto, NodeProto } from 'onnx-buf';
import type { ImportOptions } from './import_model.ts';
import type { Branch, Model, ModelNode } from './model.ts';
import { nodeError } from './op_rule.ts';
import type { Value } from './value.ts';

function branchGraphs(node: NodeProto): GraphProto[] {
  return node.attribute.flatMap(({ g }) => (g ? [g] : []));
}

/** Names that a graph reads and does not make. */
function captured(graph: GraphProto): string[] {
  const made = new Set([
    ...graph.input.map(({ name }) => name),
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap(({ output }) => output),
  ]);
  const read = [
    ...graph.node.flatMap((node) => [...node.input, ...branchGraphs(node).flatMap(captured)]),
    ...graph.output.map(({ name }) => name),
  ];
  return read.filter((name) => name !== '' && !made.has(name));
}

/** Nodes whose inputs name all that they read: those of an If count what its branches read outside. */
export function withCaptures(nodes: readonly NodeProto[]): NodeProto[] {
  return nodes.map((node) => {
    const graphs = branchGraphs(node);
    if (graphs.length === 0) return node;
    const input = [...new Set([...node.input, ...graphs.flatMap(captured)])];
    // Fields that the file leaves out are on the prototype.
    return Object.assign(Object.create(Object.getPrototypeOf(node)), node, { input }) as NodeProto;
  });
}

/** The branch whose condition holds. @throws INVALID_MODEL when that depends on data. */
export function branchTaken(node: ModelNode, condition: Value | undefined): Branch {
  const known = condition?.constant ? Number(condition.constant.data[0]) : condition?.content?.[0];
  if (!node.branches || typeof known !== 'number') {
    const context = { ...node, op: node.op, inputs: [condition], outputCount: node.outputs.length };
    throw nodeError(context, 'which branch is taken depends on data; export the model with constants folded');
  }
  return known === 0 ? node.branches.otherwise : node.branches.holds;
}

/** A branch as a model of its own, beside the weights of the one around it. */
export function branchModel(
  model: Pick<Model, 'initializers' | 'opset'>,
  { nodes, initializers, outputs }: Branch,
): Pick<Model, 'nodes' | 'initializers' | 'opset'> & Required<Pick<ImportOptions, 'wanted'>> {
  return {
    nodes,
    initializers: new Map([...model.initializers, ...initializers]),
    opset: model.opset,
    wanted: outputs,
  };
}
