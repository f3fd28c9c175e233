/**
 * Makes the batch of a model variable. A model exported for one batch size bakes it into the targets of Reshape;
 * there the batch is put back where row-major order says it must be: at the first axis of the new shape whose
 * preceding dimensions have the same product as those before the batch in the old one.
 */
import { BlindspotError } from '../errors.ts';
import type { GraphBuilder } from './graph_builder.ts';
import { importModel } from './import_model.ts';
import type { Model, ModelNode } from './model.ts';
import { type Dim, divideDims, elementCount, formatShape, isStatic, multiplyDims, type Shape } from './shape.ts';
import type { Value } from './value.ts';

/** The symbol of a variable batch in the graphs made here. */
export const BATCH = 'N';

/**
 * Replays a model with a variable batch, from `input` (bound to the model value of name `inputName`, axis 0 the batch)
 * to the wanted values.
 * @throws INVALID_MODEL when the batch is baked into the model in a way that cannot be undone.
 */
export function importWithBatch(
  graph: GraphBuilder,
  model: Model,
  inputName: string,
  input: Value,
  wanted: readonly string[],
): Map<string, Value> {
  const original = valueShape(model, inputName);
  const batch = original?.[0];
  const reshape = (node: ModelNode, inputs: readonly (Value | undefined)[]): Value[] | undefined =>
    typeof batch === 'number' ? rebatchReshape(graph, model, node, inputs, batch) : undefined;
  try {
    return importModel(graph, model, new Map([[inputName, input]]), { wanted, reshape });
  } catch (error) {
    if (!(error instanceof BlindspotError) || typeof batch !== 'number') throw error;
    throw new BlindspotError(
      'INVALID_MODEL',
      `The model is fixed to a batch of ${batch} and cannot be made variable: ${error.message}. Export it with a dynamic batch axis`,
      { cause: error },
    );
  }
}

/** The shape of an input or of a value that a node makes. */
export function valueShape(model: Model, name: string): Shape | undefined {
  return model.inputs.find((input) => input.name === name)?.shape ?? model.values.get(name)?.shape;
}

function rebatchReshape(
  graph: GraphBuilder,
  model: Model,
  node: ModelNode,
  inputs: readonly (Value | undefined)[],
  batch: number,
): Value[] | undefined {
  const [data, target] = inputs;
  const [output = ''] = node.outputs;
  const shape = model.values.get(output)?.shape;
  // A target computed from the shape of the data follows the batch by itself.
  if (!data || !shape || !isStatic(shape) || !target?.constant || isStatic(data.shape)) return undefined;
  const rebatched = withBatch(data.shape, shape, batch);
  if (!rebatched) {
    throw new BlindspotError(
      'INVALID_MODEL',
      `Reshape "${node.name}" mixes the batch with other dimensions (${formatShape(data.shape)} to ${formatShape(shape)})`,
    );
  }
  const targets = rebatched.map((dim) => (typeof dim === 'number' ? dim : -1));
  return graph.ops('Reshape', [data, graph.ints(targets)], 1, {}, { name: node.name, outputs: node.outputs });
}

/** `fixed`, the shape made at a fixed batch, for data whose axis `i` carries the symbolic batch; undefined if none fits. */
function withBatch(data: Shape, fixed: readonly number[], batch: number): Dim[] | undefined {
  const carrier = data.findIndex((dim) => typeof dim === 'string');
  const before = elementCount(data.slice(0, carrier));
  for (let axis = 0, product = 1; axis < fixed.length; axis++) {
    const size = fixed[axis] ?? 1;
    if (product === before && size % batch === 0) {
      const result = fixed.map((dim, i): Dim => (i === axis ? multiplyDims(size / batch, BATCH) : dim));
      return divideDims(elementCount(result), elementCount(data)) === 1 ? result : undefined;
    }
    product *= size;
  }
  return undefined;
}
