/**
 * MaxPool(Relu(x)) = Relu(MaxPool(x)): of the two orders of a model, the second one is taken. ReLU has fewer elements to go
 * over then; and a max-pool whose kinks are rounded has to see the values under zero, or an element that ReLU has cut off
 * counts as much as one that is just positive.
 */
import type { Model, ModelNode } from './model.ts';
import type { ValueType } from './value.ts';

export function poolBeforeRelu(model: Model): Model {
  const values = new Map(model.values);
  const nodes = [...model.nodes];
  for (const [place, pool] of nodes.entries()) {
    if (pool.op !== 'MaxPool' || hasIndices(pool)) continue;
    const reluPlace = nodes.findIndex(({ op, outputs }) => op === 'Relu' && outputs[0] === pool.inputs[0]);
    const relu = nodes[reluPlace];
    if (relu === undefined || !isPrivate(model, relu)) continue;
    const [made = ''] = pool.outputs;
    const between = freeName(values, `${made}.before_relu`);
    values.set(between, values.get(made) as ValueType);
    // The pool goes to the place of the ReLU, where what it reads is known.
    nodes[reluPlace] = { ...pool, inputs: relu.inputs, outputs: [between] };
    nodes[place] = { ...relu, inputs: [between], outputs: [made] };
  }
  return { ...model, nodes, values };
}

/** Nothing but one node reads what this node makes. */
function isPrivate({ nodes, outputs }: Model, node: ModelNode): boolean {
  const [name = ''] = node.outputs;
  const readers = nodes.filter(({ inputs }) => inputs.includes(name));
  return readers.length === 1 && !outputs.some((output) => output.name === name);
}

/** Where elements tie at zero, the second output tells one that ReLU has cut off. */
function hasIndices({ outputs }: ModelNode): boolean {
  return outputs.length > 1 && outputs[1] !== '';
}

function freeName(values: ReadonlyMap<string, ValueType>, wanted: string): string {
  return values.has(wanted) ? freeName(values, `${wanted}_`) : wanted;
}
