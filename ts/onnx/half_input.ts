/**
 * An input of half precision, kept in float32: its values are rounded to the 11 bits of a half, which is coarser than the changes
 * that a search looks for. With c = (2¹³ + 1)·x, c − (c − x) is x rounded so (Veltkamp 1968; Dekker 1971), and its
 * derivative is 1.
 */
import type { Model, ModelNode } from './model.ts';
import { inferModel } from './read_model.ts';
import { tensorFromNumbers } from './tensor.ts';
import { unusedName } from './unused_name.ts';

const SPLITTER = 2 ** 13 + 1;

export function withHalfInput(model: Model): Model {
  const [input, ...others] = model.inputs;
  if (!input) return model;
  const [exact, splitter, large, rest] = ['exact_input', 'half_splitter', 'half_large', 'half_rest'].map((stem) =>
    unusedName(model, stem),
  ) as [string, string, string, string];
  const node = (op: string, inputs: string[], output: string): ModelNode => {
    return { op, name: output, inputs, outputs: [output], attributes: {} };
  };
  const nodes = [
    node('Mul', [exact, splitter], large),
    node('Sub', [large, exact], rest),
    node('Sub', [large, rest], input.name),
    ...model.nodes,
  ];
  const initializers = new Map(model.initializers).set(splitter, tensorFromNumbers('float32', [SPLITTER], []));
  return inferModel(
    { ...model, inputs: [{ ...input, name: exact }, ...others], nodes, initializers },
    model.outputs.map(({ name }) => name),
  );
}
