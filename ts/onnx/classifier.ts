/** What a model is as a classifier: one image input, one row of scores an image. */
import { BlindspotError } from '../errors.ts';
import { finalNormalization } from './endings.ts';
import type { Model, ModelValue } from './model.ts';
import { elementCount, formatShape, isStatic } from './shape.ts';

export interface ClassifierDescription {
  inputName: string;
  /** Of one image, the batch left out: [784], [1, 28, 28], [3, 224, 224]. */
  imageShape: number[];
  classes: number;
  /** As the model declares it; graphs made from the model take any batch. */
  batch: 'symbolic' | number;
  /** Whether the model ends in a softmax or the like, which is left out so that logits are used. */
  endsWithSoftmax: boolean;
}

/**
 * @throws INVALID_MODEL when the model is no classifier of images: several inputs, a symbolic height or width,
 *   an output that is not one row of at least two scores an image.
 */
export function describeClassifier(model: Model): ClassifierDescription {
  const input = imageInput(model);
  const output = scoreOutput(model);
  const [batch] = input.shape;
  return {
    inputName: input.name,
    imageShape: imageShape(input),
    classes: classCount(input, output),
    batch: typeof batch === 'number' ? batch : 'symbolic',
    endsWithSoftmax: finalNormalization(model, output.name).size > 0,
  };
}

function invalid(message: string): BlindspotError {
  return new BlindspotError('INVALID_MODEL', message);
}

function listed(values: readonly ModelValue[]): string {
  return values.map(({ name, shape }) => `"${name}" ${formatShape(shape)}`).join(', ');
}

function imageInput(model: Model): ModelValue {
  const [input, ...others] = model.inputs;
  if (!input) throw invalid('Expected a model with one image input but it has no input');
  if (others.length > 0)
    throw invalid(`Expected a model with one image input but it has ${model.inputs.length}: ${listed(model.inputs)}`);
  if (input.type !== 'float32')
    throw invalid(`Expected image input "${input.name}" of type float32 but it is ${input.type}`);
  return input;
}

function imageShape({ name, shape }: ModelValue): number[] {
  const image = shape.slice(1);
  if (image.length === 0 || !isStatic(image)) {
    const cure =
      shape.length === 4 ? 'give height and width (--size, or the option input.size)' : 'export it with fixed sizes';
    throw invalid(
      `Expected image input "${name}" of shape [batch, …] with known sizes but it is ${formatShape(shape)}; ${cure}`,
    );
  }
  return [...image];
}

/** The scores: the first output. */
export function scoreOutput(model: Model): ModelValue {
  const [output] = model.outputs;
  if (!output) throw invalid('The model has no output');
  return output;
}

function classCount(input: ModelValue, { name, shape, type }: ModelValue): number {
  const scores = shape.slice(1);
  const classes = isStatic(scores) ? elementCount(scores) : 0;
  const oneRow = scores.filter((dim) => dim !== 1).length === 1 && scores[0] === classes;
  if (shape[0] !== input.shape[0] || !oneRow || type !== 'float32') {
    throw invalid(
      `Expected output "${name}" to be float32 [${input.shape[0]}, classes], at least two, but it is ${type} ${formatShape(shape)}`,
    );
  }
  return classes;
}
