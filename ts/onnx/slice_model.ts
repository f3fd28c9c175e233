/** Looking inside a model: its intermediate values, graphs that output them, and the part that follows one of them. */
import { invalidArgument } from '../errors.ts';
import { isFloat } from './element_type.ts';
import { GraphBuilder } from './graph_builder.ts';
import { neededNodes } from './import_model.ts';
import type { Model, ModelNode, ModelValue } from './model.ts';
import { inferModel } from './read_model.ts';
import { BATCH, importWithBatch } from './rebatch.ts';
import type { Shape } from './shape.ts';

export interface IntermediateValue extends ModelValue {
  /** Operator that makes it. */
  readonly op: string;
  readonly node: string;
}

/** The float values that nodes make from the input, in order; what depends on weights alone is left out. */
export function intermediateValues(model: Model): IntermediateValue[] {
  const varying = new Set(model.inputs.map((input) => input.name));
  const result: IntermediateValue[] = [];
  for (const node of model.nodes) {
    if (!node.inputs.some((name) => varying.has(name))) continue;
    for (const name of node.outputs) {
      const type = model.values.get(name);
      if (!type || !isFloat(type.type)) continue;
      varying.add(name);
      result.push({ name, ...type, op: node.op, node: node.name });
    }
  }
  return result;
}

/**
 * The part of the model that follows a value, as a model whose only input is that value.
 * @param from name of an intermediate value, or its index in `intermediateValues`.
 * @throws INVALID_ARGUMENT when there is no such value, or the outputs also depend on the input by another way.
 */
export function sliceModel(model: Model, from: string | number): Model {
  const candidates = intermediateValues(model);
  const value = typeof from === 'number' ? candidates[from] : candidates.find(({ name }) => name === from);
  if (!value) throw unknownValue('from', candidates, from);
  const outputs = model.outputs.map((output) => output.name);
  const nodes = neededNodes(model.nodes, new Set([value.name]), outputs);
  const around = bypass(model, nodes, value.name);
  if (around) {
    throw invalidArgument('from', `a value that all paths pass (node "${around.name}" goes around it)`, value.name);
  }
  const { name, type, shape } = value;
  return inferModel({ ...model, nodes, inputs: [{ name, type, shape }] }, outputs);
}

/** A node that still reads an input of the model. */
function bypass(model: Model, nodes: readonly ModelNode[], from: string): ModelNode | undefined {
  const inputs = new Set(model.inputs.map((input) => input.name).filter((name) => name !== from));
  return nodes.find((node) => node.inputs.some((name) => inputs.has(name)));
}

/**
 * Input `image` [N, …], outputs the values of these names, under their names, [N, …] each.
 * @throws INVALID_ARGUMENT when there is no such value; INVALID_MODEL when the batch cannot be made variable.
 */
export function valuesGraph(model: Model, names: readonly string[]): Uint8Array<ArrayBuffer> {
  const candidates = intermediateValues(model);
  const [input] = model.inputs;
  if (!input || model.inputs.length > 1) throw invalidArgument('model', 'a model of one input', model.inputs.length);
  const graph = new GraphBuilder({ name: 'values' });
  const shape: Shape = [BATCH, ...input.shape.slice(1)];
  const image = graph.input('image', input.type, shape);
  const values = importWithBatch(graph, model, input.name, image, names);
  for (const name of names) {
    const value = values.get(name);
    if (!value || !candidates.some((candidate) => candidate.name === name))
      throw unknownValue('names', candidates, name);
    graph.output(value, name);
  }
  return graph.toBytes();
}

function unknownValue(argument: string, known: readonly ModelValue[], received: string | number): Error {
  return invalidArgument(argument, `an intermediate value (${known.map(({ name }) => name).join(', ')})`, received);
}
