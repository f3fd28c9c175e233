/** Labelled images in memory: pixel space [0, 1], row-major, whatever they were read from. */

import { Random } from '../base/random.ts';
import { BlindspotError, invalidArgument } from '../errors.ts';

export interface ImageSet {
  /** [count, ...shape], in [0, 1]. */
  readonly images: Float32Array;
  /** Of one image: [784], [28, 28], [C, H, W] or [H, W, C]. */
  readonly shape: readonly number[];
  readonly count: number;
  /** Class index of each image, [count]. */
  readonly labels: Int32Array;
  /** The data holds no labels (they are all 0): the model's own answers count as right. */
  readonly unlabelled?: true;
  /** Class wanted of each image by a targeted attack, [count]. */
  readonly targets?: Int32Array;
  /** Index of each image in the data set that these are a slice of, ascending, [count]; default 0, 1, …. */
  readonly indices?: Int32Array;
  /** File names, where there are some. */
  readonly names?: readonly string[];
  /** Where they come from, for messages and reports. */
  readonly source: string;
}

/** Values of one image. */
export function imageSize(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The pixels of image `index`: a view. */
export function imageAt(set: ImageSet, index: number): Float32Array {
  const size = imageSize(set.shape);
  return set.images.subarray(index * size, (index + 1) * size);
}

/**
 * `count` images from `start` on: a view.
 * @throws INVALID_ARGUMENT when there are fewer.
 */
export function takeImages(set: ImageSet, count: number, start = 0): ImageSet {
  checkSlice({ start, count }, set.count, set.source);
  const end = start + count;
  const size = imageSize(set.shape);
  const indices =
    start === 0
      ? set.indices?.subarray(0, end)
      : Int32Array.from({ length: count }, (_, row) => indexOf(set, start + row));
  return {
    ...set,
    images: set.images.subarray(start * size, end * size),
    count,
    labels: set.labels.subarray(start, end),
    ...(set.targets === undefined ? {} : { targets: set.targets.subarray(start, end) }),
    ...(set.names === undefined ? {} : { names: set.names.slice(start, end) }),
    ...(indices === undefined ? {} : { indices }),
  };
}

/** Index in its data set of the image at `position`. */
export function indexOf({ indices }: ImageSet, position: number): number {
  return indices?.[position] ?? position;
}

/** The images at `indices`, in that order: a copy. */
export function selectImages(set: ImageSet, indices: ArrayLike<number>, source = set.source): ImageSet {
  const order = Array.from(indices);
  const size = imageSize(set.shape);
  const images = new Float32Array(order.length * size);
  for (const [row, index] of order.entries()) images.set(imageAt(set, index), row * size);
  const pick = (values: Int32Array) => Int32Array.from(order, (index) => values[index] ?? 0);
  return {
    images,
    shape: set.shape,
    count: order.length,
    labels: pick(set.labels),
    ...(set.unlabelled === undefined ? {} : { unlabelled: true as const }),
    ...(set.targets === undefined ? {} : { targets: pick(set.targets) }),
    ...(set.names === undefined ? {} : { names: order.map((index) => set.names?.[index] ?? '') }),
    source,
  };
}

/** Two disjoint halves, P1 and P2 of the paper's tables 3 and 4, drawn by seed. */
export function splitHalves(set: ImageSet, seed = 0): [first: ImageSet, second: ImageSet] {
  const order = new Random(seed).permutation(set.count);
  const middle = Math.ceil(set.count / 2);
  return [
    selectImages(set, order.subarray(0, middle).sort(), `${set.source} P1`),
    selectImages(set, order.subarray(middle).sort(), `${set.source} P2`),
  ];
}

/** Of a data set: `count` images (default all that follow) from `start` (default 0) on. */
export interface Slice {
  readonly start?: number | undefined;
  readonly count?: number | undefined;
}

/** @throws INVALID_ARGUMENT unless start and count are whole numbers within what there is. */
export function checkSlice({ start = 0, count = 1 }: Slice, available: number, source: string): void {
  if (!Number.isInteger(start) || start < 0) throw invalidArgument('start', 'a whole number from 0', start);
  if (!Number.isInteger(count) || count < 1) throw invalidArgument('count', 'a positive whole number', count);
  if (start + count <= available) return;
  const asked = start === 0 ? `count asks for ${count}` : `images ${start} to ${start + count - 1} are asked for`;
  throw new BlindspotError('INVALID_ARGUMENT', `${source} has ${available} images but ${asked}`);
}

/** Where a slice ends; undefined for the end of the data. */
export function sliceEnd({ start = 0, count }: Slice): number | undefined {
  return count === undefined ? undefined : start + count;
}

export interface ImageSetLimits {
  /** Classes of the model: labels and targets must be under it. */
  classes?: number;
}

/**
 * Says what is wrong with a set in one line, or nothing.
 * @throws INVALID_DATA for an empty set, NaN, pixels outside [0, 1], labels or targets outside the classes, a target
 *   equal to its label.
 */
export function validateImages(set: ImageSet, limits: ImageSetLimits = {}): void {
  const size = imageSize(set.shape);
  if (set.count === 0 || size === 0) throw invalidData(set, 'holds no images');
  if (set.images.length !== set.count * size) {
    throw invalidData(set, `should hold ${set.count} × [${set.shape.join(', ')}] pixels but has ${set.images.length}`);
  }
  checkIndices(set);
  checkPixels(set, size);
  checkClasses(set, 'label', set.labels, limits.classes);
  if (set.targets !== undefined) {
    checkClasses(set, 'target', set.targets, limits.classes);
    const same = set.unlabelled ? -1 : set.targets.findIndex((target, index) => target === set.labels[index]);
    if (same >= 0) throw invalidData(set, `has target ${set.targets[same]} equal to the label ${at(set, same)}`);
  }
}

function checkIndices(set: ImageSet): void {
  const { indices, count } = set;
  if (indices === undefined) return;
  if (indices.length !== count) throw invalidData(set, `has ${count} images but ${indices.length} indices`);
  const wrong = indices.findIndex((index, row) => index <= (row === 0 ? -1 : (indices[row - 1] as number)));
  if (wrong >= 0) throw invalidData(set, `has index ${indices[wrong]} ${at(set, wrong)}: indices must ascend from 0`);
}

function checkPixels(set: ImageSet, size: number): void {
  const { images } = set;
  for (let i = 0; i < images.length; i++) {
    const value = images[i] as number;
    // Written so that NaN fails it too.
    if (value >= 0 && value <= 1) continue;
    const where = `${at(set, Math.floor(i / size))}, pixel ${i % size}`;
    if (!Number.isFinite(value)) throw invalidData(set, `has a pixel that is ${value} ${where}`);
    const hint = value > 1 && value <= 255 ? '; divide by 255, or store uint8' : '';
    throw invalidData(set, `has a pixel of ${value} ${where}: pixels must be in [0, 1]${hint}`);
  }
}

function checkClasses(set: ImageSet, name: string, values: Int32Array, classes: number | undefined): void {
  if (values.length !== set.count) throw invalidData(set, `has ${set.count} images but ${values.length} ${name}s`);
  const top = classes ?? Number.POSITIVE_INFINITY;
  const wrong = values.findIndex((value) => value < 0 || value >= top);
  if (wrong < 0) return;
  const range = classes === undefined ? 'must not be negative' : `must be in 0 … ${classes - 1}`;
  throw invalidData(set, `has ${name} ${values[wrong]} ${at(set, wrong)}: ${name}s ${range}`);
}

function at(set: ImageSet, index: number): string {
  const name = set.names?.[index];
  return name === undefined ? `at image ${index}` : `at image ${index} (${name})`;
}

function invalidData(set: ImageSet, problem: string): BlindspotError {
  return new BlindspotError('INVALID_DATA', `${set.source} ${problem}`);
}
