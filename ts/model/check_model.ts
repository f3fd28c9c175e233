/**
 * What a file is, as a classifier to be attacked: what stands in it, what blocks it, whether its gradients are of use at the
 * data, and what it seems to want of its pixels.
 */

import { type ImageSet, imageSize } from '../data/image_set.ts';
import { BlindspotError } from '../errors.ts';
import type { ClassifierDescription } from '../onnx/classifier.ts';
import { describeFile, type FileDescription } from '../onnx/describe_file.ts';
import type { ClassifierOptions } from '../onnx/read_classifier.ts';
import { readModel } from '../onnx/read_model.ts';
import type { ProviderName, SessionFactory } from '../runtime/session.ts';
import { guessInputs, type InputGuess } from './input_guesses.ts';
import { LoadedClassifier } from './loaded_classifier.ts';

export interface CheckOptions extends ClassifierOptions {
  provider?: ProviderName;
}

export interface GradientHealth {
  /** Images looked at. */
  readonly images: number;
  readonly zero: number;
  readonly notFinite: number;
  /** Of one image, alone in its batch, in seconds. */
  readonly seconds: number;
}

export interface ModelCheck {
  readonly file: FileDescription;
  /** As a classifier; undefined when it cannot be attacked. */
  readonly classifier?: ClassifierDescription;
  /** The output that holds the scores. */
  readonly scores?: string;
  /** Why it cannot be attacked, in one line. */
  readonly blocked?: string;
  /** Why the file itself cannot judge what is found. */
  readonly notOriginal?: string;
  /** Share of the images answered right, with the options given. */
  readonly accuracy?: number;
  readonly gradient?: GradientHealth;
  /** What it seems to want of its pixels, the best first; only where images were given and no option `input`. */
  readonly guesses?: readonly InputGuess[];
}

/** Images whose gradient is looked at. */
const GRADIENTS = 8;
/** Images that guesses are tried on. */
const TRIED = 32;

/**
 * @param bytes an ONNX file.
 * @param loadImages the labelled images in the shape that the model takes; undefined when there are none.
 * @returns why it cannot be attacked, where that is so.
 */
export async function checkFile(
  createSession: SessionFactory,
  bytes: Uint8Array,
  loadImages: ((model: ClassifierDescription) => Promise<ImageSet>) | undefined,
  { provider = 'cpu', ...options }: CheckOptions = {},
): Promise<ModelCheck> {
  let loaded: LoadedClassifier;
  try {
    loaded = new LoadedClassifier(createSession, bytes, provider, options);
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return { file: describeFile(bytes), blocked: error.message };
  }
  await using model = loaded;
  return await checkLoaded(createSession, model, await loadImages?.(model.description));
}

/** @param set labelled images in the shape that the model takes. */
export async function checkLoaded(
  createSession: SessionFactory,
  model: LoadedClassifier,
  set: ImageSet | undefined,
): Promise<ModelCheck> {
  const { bytes, classifier, description } = model;
  const judge = await model.judge();
  const labelled = set?.unlabelled === true ? undefined : set;
  const accuracy = labelled && (await accuracyOf(judge.scorer, labelled));
  const gradient = await gradientHealth(model, set);
  const guesses =
    labelled === undefined || model.options.input !== undefined || judge.notOriginal !== undefined
      ? undefined
      : await guess(createSession, model, labelled);
  return {
    file: describeFile(bytes),
    classifier: description,
    scores: classifier.source.output,
    gradient,
    ...(judge.notOriginal === undefined ? {} : { notOriginal: judge.notOriginal }),
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(guesses === undefined ? {} : { guesses }),
  };
}

async function accuracyOf(
  scorer: { score(pixels: Float32Array, rows: number, shape: readonly number[]): Promise<Float32Array> },
  set: ImageSet,
): Promise<number> {
  const size = imageSize(set.shape);
  let right = 0;
  for (let start = 0; start < set.count; start += TRIED) {
    const rows = Math.min(TRIED, set.count - start);
    const scores = await scorer.score(set.images.subarray(start * size, (start + rows) * size), rows, set.shape);
    const classes = scores.length / rows;
    for (let row = 0; row < rows; row++) {
      const own = scores.subarray(row * classes, (row + 1) * classes);
      if (own.indexOf(own.reduce((a, b) => Math.max(a, b))) === set.labels[start + row]) right += 1;
    }
  }
  return right / set.count;
}

async function guess(
  createSession: SessionFactory,
  { bytes, classifier, provider }: LoadedClassifier,
  set: ImageSet,
): Promise<InputGuess[]> {
  await using session = await createSession(bytes, { provider });
  const count = Math.min(TRIED, set.count);
  const size = imageSize(set.shape);
  const some = { ...set, count, images: set.images.subarray(0, count * size), labels: set.labels.subarray(0, count) };
  return await guessInputs(session, classifier, readModel(bytes, { output: classifier.source.output }), some);
}

/** Gradients of the margin over all other classes, at the images, or at grey where there are none. */
async function gradientHealth(model: LoadedClassifier, set: ImageSet | undefined): Promise<GradientHealth> {
  const { imageShape, classes } = model.description;
  const size = imageSize(imageShape);
  const smoothing = model.hasKinks;
  await using borrowed = await model.borrowSession(smoothing);
  const { session } = borrowed;
  const images = Math.min(GRADIENTS, set?.count ?? 1);
  const single = (value: number) => ({ data: Float32Array.of(value), dims: [1, 1] });
  let [zero, notFinite, seconds] = [0, 0, Number.POSITIVE_INFINITY];
  for (let index = 0; index < images; index++) {
    const data = set ? set.images.slice(index * size, (index + 1) * size) : new Float32Array(size).fill(0.5);
    const oneHot = new Float32Array(classes);
    oneHot[set?.labels[index] ?? 0] = 1;
    const start = performance.now();
    const { gradient } = await session.run({
      image: { data, dims: [1, ...imageShape] },
      one_hot: { data: oneHot, dims: [1, classes] },
      sign: single(-1),
      temperature: single(1e-3),
      ...(smoothing ? { smoothing: single(0) } : {}),
    });
    // The first run is slow; the fastest is what a gradient takes.
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
    const values = gradient?.data ?? new Float32Array();
    if (values.some((value) => !Number.isFinite(value))) notFinite += 1;
    else if (values.every((value) => value === 0)) zero += 1;
  }
  return { images, zero, notFinite, seconds };
}
