/**
 * Which output of a model holds the class scores, and one score made into two classes.
 *
 * Scores are one row of at least two numbers an image: [N, C], [N, C, 1, 1]. One number an image, [N] or [N, 1], is the
 * score z of the second of two classes, its sigmoid left out: it becomes (0, z), whose larger one is the answer.
 */
import { BlindspotError } from '../errors.ts';
import { finalNormalization } from './endings.ts';
import { leaveOut } from './leave_out.ts';
import type { Model, ModelNode, ModelValue } from './model.ts';
import { inferModel } from './read_model.ts';
import { type Dim, elementCount, formatShape, isStatic } from './shape.ts';
import { tensorFromNumbers } from './tensor.ts';
import { unusedName } from './unused_name.ts';

/** The model with its class scores as its only output. @param output as findScores gives it. */
export function selectScores(model: Model, output: ModelValue | undefined): Model {
  if (!output) return model;
  if (isSingle(model, output)) return twoClasses(model, output);
  return model.outputs.length === 1 ? model : inferModel(model, [output.name]);
}

/**
 * The output that holds the class scores; undefined when the model has none at all.
 * @param name of the output, where the caller knows it.
 * @throws INVALID_MODEL when several may, and none of them is made from the others.
 */
export function findScores(model: Model, name?: string): ModelValue | undefined {
  const named = model.outputs.find((output) => output.name === name);
  if (named || model.outputs.length <= 1) return named ?? model.outputs[0];
  const rows = model.outputs.filter((output) => isRow(model, output));
  const candidates = rows.length > 0 ? rows : model.outputs.filter((output) => isSingle(model, output));
  const [first, ...others] = candidates;
  // Whatever the first output is when none will do, it is described, and refused, like a model's only one.
  if (!first || others.length === 0) return first ?? model.outputs[0];
  // Probabilities beside their logits, logits beside the features that they are made from: the last one counts.
  const last = candidates.filter(
    (output) => !candidates.some((other) => other !== output && needs(model, other, output)),
  );
  const [only] = last;
  const classes = (output: ModelValue): Dim => elementCount(output.shape.slice(1));
  // Auxiliary heads, as of Inception, have as many classes as the first one.
  if (only && last.every((output) => classes(output) === classes(only))) return only;
  throw new BlindspotError(
    'INVALID_MODEL',
    `Several outputs could be the class scores: ${last.map(({ name, shape }) => `"${name}" ${formatShape(shape)}`).join(', ')}; name one (--output, or the option output)`,
  );
}

function batchOf(model: Model): Dim | undefined {
  return model.inputs[0]?.shape[0];
}

/** [N, C, …1], C at least 2. */
function isRow(model: Model, { type, shape }: ModelValue): boolean {
  const [batch, classes, ...rest] = shape;
  const isMany = typeof classes === 'number' && classes > 1;
  return type === 'float32' && batch === batchOf(model) && isMany && rest.every((dim) => dim === 1);
}

/** [N] or [N, …1] */
function isSingle(model: Model, { type, shape }: ModelValue): boolean {
  const [batch, ...rest] = shape;
  return (
    type === 'float32' &&
    batch === batchOf(model) &&
    shape.length > 0 &&
    isStatic(rest) &&
    rest.every((dim) => dim === 1)
  );
}

/** Is `output` made from `input`? */
function needs(model: Model, output: ModelValue, input: ModelValue): boolean {
  const makers = new Map(model.nodes.flatMap((node) => node.outputs.map((value) => [value, node] as const)));
  const seen = new Set<string>();
  const stack = [output.name];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    for (const read of makers.get(name)?.inputs ?? []) {
      if (read === input.name) return true;
      if (!seen.has(read)) stack.push(read);
      seen.add(read);
    }
  }
  return false;
}

/** (0, z): the score times (0, 1). */
function twoClasses(model: Model, output: ModelValue): Model {
  const bare = leaveOut(model, finalNormalization(model, output.name));
  const score = bare.outputs[model.outputs.indexOf(output)]?.name ?? output.name;
  const unused = (stem: string): string => unusedName(model, stem);
  const [column, pair, scores] = [unused('score_column'), unused('two_classes'), unused('scores')];
  const [shape, row] = [unused('column_shape'), column];
  const added: ModelNode[] = [
    { op: 'Reshape', name: row, inputs: [score, shape], outputs: [row], attributes: {} },
    { op: 'Mul', name: scores, inputs: [row, pair], outputs: [scores], attributes: {} },
  ];
  const initializers = new Map(model.initializers)
    .set(shape, tensorFromNumbers('int64', [-1, 1], [2]))
    .set(pair, tensorFromNumbers('float32', [0, 1], [1, 2]));
  return inferModel({ ...bare, nodes: [...bare.nodes, ...added], initializers }, [scores]);
}
