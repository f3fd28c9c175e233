/** Nodes left out of a model: what read what they make reads one of their inputs instead. */
import type { Model, ModelNode } from './model.ts';

/** @param left the nodes, each with the name of the input that goes on in place of its first output. */
export function leaveOut(model: Model, left: ReadonlyMap<ModelNode, string>): Model {
  if (left.size === 0) return model;
  const instead = new Map([...left].map(([node, input]) => [node.outputs[0] ?? '', input]));
  const source = (name: string): string => {
    let at = name;
    for (let next = instead.get(at); next !== undefined; next = instead.get(at)) at = next;
    return at;
  };
  return {
    ...model,
    nodes: model.nodes.filter((node) => !left.has(node)).map((node) => ({ ...node, inputs: node.inputs.map(source) })),
    outputs: model.outputs.map((output) => {
      const name = source(output.name);
      return { ...output, ...model.values.get(name), name };
    }),
  };
}
