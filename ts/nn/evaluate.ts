/** How often a model is wrong. */

import { adaptImages } from '../data/image_layout.ts';
import { type ImageSet, imageSize } from '../data/image_set.ts';
import { BlindspotError } from '../errors.ts';
import type { Session, SessionFactory, SessionOptions, Tensor } from '../runtime/session.ts';

export interface Evaluation {
  /** Share of the images answered wrongly. */
  readonly error: number;
  /** Class answered for each image. */
  readonly predictions: Int32Array;
}

export interface EvaluateOptions extends SessionOptions {
  createSession: SessionFactory;
  /** Images a call; default 1000. */
  batchSize?: number;
}

/**
 * @param model an ONNX file with one image input [N, …] and class scores [N, classes] as its first float output.
 * @throws MODEL_DATA_MISMATCH, INVALID_MODEL, and what createSession throws.
 */
export async function evaluate(model: Uint8Array, data: ImageSet, options: EvaluateOptions): Promise<Evaluation> {
  const { createSession, batchSize, ...sessionOptions } = options;
  await using session = await createSession(model, sessionOptions);
  const shape = session.inputs[0]?.shape.slice(1) ?? [];
  const fixed = shape.filter((size) => typeof size === 'number');
  return await evaluateSession(session, fixed.length === shape.length ? adaptImages(data, fixed) : data, batchSize);
}

/**
 * @param data in the model's shape.
 * @param parameters inputs besides the image.
 */
export async function evaluateSession(
  session: Session,
  data: ImageSet,
  batchSize = 1000,
  parameters: Readonly<Record<string, Tensor>> = {},
): Promise<Evaluation> {
  const image = session.inputs.find((input) => !(input.name in parameters));
  const scores = session.outputs.find((output) => output.type === 'float32');
  if (!image || !scores)
    throw new BlindspotError('INVALID_MODEL', 'The model needs an image input and class scores as output');
  const step = typeof image.shape[0] === 'number' ? image.shape[0] : batchSize;
  const size = imageSize(data.shape);
  const predictions = new Int32Array(data.count);
  for (let start = 0; start < data.count; start += step) {
    const rows = Math.min(step, data.count - start);
    const pixels = data.images.subarray(start * size, (start + rows) * size);
    const fed = typeof image.shape[0] === 'number' ? padRows(pixels, step * size) : pixels;
    const batch = fed.length / size;
    const feed = { data: fed, dims: [batch, ...data.shape] };
    const results = await session.run({ ...parameters, [image.name]: feed }, { [scores.name]: null });
    const logits = results[scores.name] as Tensor;
    const classes = logits.data.length / batch;
    for (let row = 0; row < rows; row++) predictions[start + row] = largest(logits.data, row * classes, classes);
  }
  let wrong = 0;
  for (let i = 0; i < data.count; i++) if (predictions[i] !== data.labels[i]) wrong++;
  return { error: wrong / data.count, predictions };
}

/** Index of the largest of `count` values from `offset`; the first among equals, -1 if one is NaN. */
export function largest(values: Float32Array, offset: number, count: number): number {
  let best = 0;
  for (let i = 0; i < count; i++) {
    const value = values[offset + i] as number;
    if (Number.isNaN(value)) return -1;
    if (value > (values[offset + best] as number)) best = i;
  }
  return best;
}

/** A model of fixed batch gets full batches: the last one is filled up with zeros. */
function padRows(pixels: Float32Array, length: number): Float32Array {
  if (pixels.length === length) return pixels;
  const padded = new Float32Array(length);
  padded.set(pixels);
  return padded;
}
