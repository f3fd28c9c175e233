/**
 * Replays a model into a graph builder: every value by its name in the file, with the shapes inferred anew from the
 * inputs bound. Only what the wanted values need is replayed.
 */
import { BlindspotError } from '../errors.ts';
import { branchModel, branchTaken } from './branches.ts';
import type { GraphBuilder } from './graph_builder.ts';
import { importNode } from './import_node.ts';
import type { Model, ModelNode } from './model.ts';
import type { Value } from './value.ts';

export interface ImportOptions {
  /** Names of values; default: all. */
  wanted?: readonly string[];
  /** Makes a Reshape whose target has a batch baked in (rebatch); undefined for the ordinary way. */
  reshape?(node: ModelNode, inputs: readonly (Value | undefined)[]): Value[] | undefined;
}

/**
 * @param bound a value for each input that is needed; values that nodes make may be bound too, which cuts the model there.
 * @returns the values by name.
 * @throws INVALID_MODEL when the shapes do not fit, or an input needed is not bound.
 */
export function importModel(
  graph: GraphBuilder,
  model: Pick<Model, 'nodes' | 'initializers' | 'opset'>,
  bound: ReadonlyMap<string, Value>,
  options: ImportOptions = {},
): Map<string, Value> {
  const values = new Map(bound);
  const nodes = options.wanted ? neededNodes(model.nodes, new Set(bound.keys()), options.wanted) : model.nodes;
  const find = (name: string, node: ModelNode): Value | undefined => {
    if (name === '') return undefined;
    const known = values.get(name);
    if (known) return known;
    const tensor = model.initializers.get(name);
    if (!tensor) {
      throw new BlindspotError(
        'INVALID_MODEL',
        `${node.op} "${node.name}" reads "${name}", which nothing before it makes`,
      );
    }
    const value = graph.tensor(tensor, name);
    values.set(name, value);
    return value;
  };
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => find(name, node));
    const outputs = node.branches
      ? importBranch(graph, model, node, inputs[0], values, options)
      : ((node.op === 'Reshape' ? options.reshape?.(node, inputs) : undefined) ??
        importNode(graph, node, inputs, model.opset));
    node.outputs.forEach((name, i) => {
      const output = outputs[i];
      if (name !== '' && output && !bound.has(name)) values.set(name, output);
    });
  }
  for (const name of options.wanted ?? []) {
    const tensor = model.initializers.get(name);
    if (!values.has(name) && tensor) values.set(name, graph.tensor(tensor, name));
  }
  return values;
}

function importBranch(
  graph: GraphBuilder,
  model: Pick<Model, 'initializers' | 'opset'>,
  node: ModelNode,
  condition: Value | undefined,
  values: ReadonlyMap<string, Value>,
  options: ImportOptions,
): Value[] {
  const taken = branchModel(model, branchTaken(node, condition));
  const made = importModel(graph, taken, values, { ...options, wanted: taken.wanted });
  return taken.wanted.flatMap((name) => made.get(name) ?? []);
}

/** The nodes that the wanted values depend on, not looking beyond the values in `bound`. */
export function neededNodes(
  nodes: readonly ModelNode[],
  bound: ReadonlySet<string>,
  wanted: readonly string[],
): ModelNode[] {
  const needed = new Set(wanted.filter((name) => !bound.has(name)));
  const result: ModelNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    result.push(node);
    for (const name of node.inputs) if (!bound.has(name)) needed.add(name);
  }
  return result.reverse();
}
