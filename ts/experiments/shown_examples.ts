/**
 * A few of the examples that a table counts, small enough for a page to show them: what was changed, how, and what the model of
 * every column says of it.
 */
import { type ImageSet, imageSize, takeImages } from '../data/image_set.ts';
import { evaluate } from '../nn/evaluate.ts';
import { createSession } from '../runtime/node_session.ts';
import type { TrainedStudyModel } from './study.ts';

export interface ShownExample {
  readonly label: number;
  /** The pixels before, 8 bits each; base64. */
  readonly original: string;
  /** What was added to them, in 127ths of `largest`: signed, 8 bits a pixel; base64. */
  readonly change: string;
  readonly largest: number;
  /** Root mean square of the change. */
  readonly distortion: number;
  /** What the model of each column answers. */
  readonly predictions: readonly number[];
}

export interface ShownRow {
  /** As the table names it. */
  readonly row: string;
  /** Name of the one column that these are examples of; absent: of all. */
  readonly column?: string;
  readonly examples: readonly ShownExample[];
}

export interface ShownTable {
  readonly table: number;
  /** Those that are asked. */
  readonly models: readonly string[];
  readonly rows: readonly ShownRow[];
}

/** Of each row. */
const SHOWN = 5;
const STEPS = 127;

/** @param changed the same images as `originals`, in the same order. */
export async function shownExamples(
  models: readonly TrainedStudyModel[],
  originals: ImageSet,
  changed: ImageSet,
): Promise<ShownExample[]> {
  const count = Math.min(SHOWN, originals.count);
  const [before, after] = [takeImages(originals, count), takeImages(changed, count)];
  const answers: Int32Array[] = [];
  for (const { bytes } of models) answers.push((await evaluate(bytes, after, { createSession })).predictions);
  const size = imageSize(originals.shape);
  return Array.from({ length: count }, (_, i) => {
    const from = before.images.subarray(i * size, (i + 1) * size);
    const change = after.images.slice(i * size, (i + 1) * size).map((value, at) => value - (from[at] as number));
    const largest = change.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = largest > 0 ? STEPS / largest : 0;
    return {
      label: originals.labels[i] as number,
      original: base64(Uint8Array.from(from, (value) => Math.round(255 * value))),
      change: base64(Int8Array.from(change, (value) => Math.round(scale * value))),
      largest: Number(largest.toPrecision(5)),
      distortion: Number(Math.sqrt(change.reduce((sum, value) => sum + value * value, 0) / size).toPrecision(4)),
      predictions: answers.map((predictions) => predictions[i] as number),
    };
  });
}

function base64(bytes: Uint8Array | Int8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
