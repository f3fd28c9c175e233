/** A model of doubles taken as one of float32: its image widened at the start, its scores rounded at the end. */
import type { Model, ModelNode } from './model.ts';
import { inferModel } from './read_model.ts';
import { unusedName } from './unused_name.ts';

const FLOAT32 = 1;
const FLOAT64 = 11;

function cast(from: string, to: string, type: number): ModelNode {
  return { op: 'Cast', name: to, inputs: [from], outputs: [to], attributes: { to: type } };
}

export function fromDoubles(model: Model): Model {
  const [input, ...others] = model.inputs;
  const isDouble = input?.type === 'float64';
  const rounded = model.outputs.filter(({ type }) => type === 'float64');
  if (!input || (!isDouble && rounded.length === 0)) return model;
  const image = isDouble ? unusedName(model, 'single_input') : input.name;
  const names = new Map(rounded.map(({ name }) => [name, unusedName(model, `${name}_single`)]));
  const nodes = [
    ...(isDouble ? [cast(image, input.name, FLOAT64)] : []),
    ...model.nodes,
    ...[...names].map(([from, to]) => cast(from, to, FLOAT32)),
  ];
  return inferModel(
    { ...model, inputs: [{ ...input, name: image, type: 'float32' }, ...others], nodes },
    model.outputs.map(({ name }) => names.get(name) ?? name),
  );
}
