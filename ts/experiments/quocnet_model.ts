/** QuocNet learnt on CIFAR-10 and its classifier of cars, once, and kept. */
import {
  CAR_CLASSES,
  QUOCNET_RECIPE,
  type QuocnetRecipe,
  quocnet,
  type TrainedQuocnet,
  trainQuocnet,
} from '../../models/quocnet.ts';
import { Random } from '../base/random.ts';
import { loadCifar10 } from '../data/cifar10.ts';
import { adaptImages } from '../data/image_layout.ts';
import { type ImageSet, selectImages, takeImages } from '../data/image_set.ts';
import { dense, flatten, type Layer } from '../nn/layers.ts';
import { folderCheckpoint } from '../nn/save_training.ts';
import { type Recipe, trainClassifier } from '../nn/train_classifier.ts';
import { createSession } from '../runtime/node_session.ts';
import type { Key } from './store.ts';
import { parseJson, type Study, type Tell } from './study.ts';

/** CIFAR-10's class of automobiles. */
const AUTOMOBILE = 1;
/** Training images that the stages see, the first ones: as many as five minutes allow. */
export const UNLABELLED = 10_000;
const HELD_OUT = 500;

export interface QuocnetData {
  readonly unlabelled: ImageSet;
  /** As many cars as others, labelled 1 and 0; of the training images all cars. */
  readonly train: ImageSet;
  readonly test: ImageSet;
  /** Test images with CIFAR-10's own labels. */
  readonly allTest: ImageSet;
}

export async function quocnetData({ settings, signal }: Study): Promise<QuocnetData> {
  const isQuick = settings.profile === 'quick';
  const load = async (split: 'train' | 'test', count: number) =>
    adaptImages(await loadCifar10({ split, signal, ...(isQuick ? { count } : {}) }), [3, 32, 32]);
  const [train, allTest] = [await load('train', 1000), await load('test', 500)];
  return {
    unlabelled: takeImages(train, isQuick ? 400 : UNLABELLED),
    train: carsAndOthers(train, settings.seed),
    test: carsAndOthers(allTest, settings.seed),
    allTest,
  };
}

/** All cars, and as many others, drawn by seed: in the order in which they were. */
export function carsAndOthers(images: ImageSet, seed: number): ImageSet {
  const order = [...new Random(seed).permutation(images.count)];
  const cars = order.filter((index) => images.labels[index] === AUTOMOBILE);
  const others = order.filter((index) => images.labels[index] !== AUTOMOBILE).slice(0, cars.length);
  const chosen = selectImages(
    images,
    [...cars, ...others].sort((a, b) => a - b),
    `${images.source}, cars and others`,
  );
  return { ...chosen, labels: chosen.labels.map((label) => Number(label === AUTOMOBILE)) };
}

export type KeptQuocnet = Pick<TrainedQuocnet, 'bytes' | 'untrained' | 'stages' | 'classifier'> & {
  readonly recipe: QuocnetRecipe;
};

/** Learnt, now or before; an interrupted training goes on from its last epoch. */
export async function trainedQuocnet(study: Study, data: QuocnetData, tell: Tell): Promise<KeptQuocnet> {
  const { store, settings } = study;
  const recipe = recipeOf(settings.epochs);
  const model = quocnet();
  const { unlabelled, train, allTest } = data;
  const sources = [unlabelled.source, unlabelled.count, train.count];
  const key: Key = { name: 'quocnet-cars', settings: { model, recipe, seed: settings.seed, sources } };
  if (!(await store.has(key))) {
    const trained = await trainQuocnet(model, {
      unlabelled,
      labelled: train,
      heldOut: takeImages(allTest, Math.min(HELD_OUT, allTest.count)),
      recipe,
      seed: settings.seed,
      createSession,
      checkpoint: folderCheckpoint(store.unfinished(key)),
      signal: study.signal,
      onProgress: tell,
    });
    const { bytes, untrained, stages, classifier } = trained;
    await store.write(
      key,
      new Map<string, Uint8Array | string>([
        ['model.onnx', bytes],
        ['untrained.onnx', untrained],
        ['training.json', JSON.stringify({ stages, classifier, classes: CAR_CLASSES })],
      ]),
    );
    await store.removeUnfinished(key);
  }
  const read = async (file: string) => {
    const bytes = await store.read(key, file);
    if (bytes === undefined) throw new TypeError(`the store lost ${file} of QuocNet`);
    return bytes;
  };
  return {
    ...parseJson<Pick<KeptQuocnet, 'stages' | 'classifier'>>(await read('training.json')),
    bytes: new Uint8Array(await read('model.onnx')),
    untrained: new Uint8Array(await read('untrained.onnx')),
    recipe,
  };
}

/** A logistic layer on the pixels themselves, by the recipe of the one on the features: what learning them is worth. */
export async function trainedOnPixels(
  train: ImageSet,
  recipe: Recipe,
  { seed, signal, tell }: { seed: number; signal?: AbortSignal; tell?: Tell },
): Promise<Uint8Array<ArrayBuffer>> {
  const layers: Layer[] = [flatten, dense(CAR_CLASSES.length, { initializer: { kind: 'zeros' } })];
  const { bytes } = await trainClassifier({
    model: { name: 'cars-by-pixels', inputShape: train.shape, layers },
    train,
    recipe: { ...recipe, batchSize: Math.min(recipe.batchSize, train.count) },
    seed,
    createSession,
    ...(signal === undefined ? {} : { signal }),
    onProgress: ({ done, epoch, epochs }) => tell?.(done, `bare pixels, epoch ${epoch} of ${epochs}`),
  });
  return bytes;
}

function recipeOf(epochs = Number.POSITIVE_INFINITY): QuocnetRecipe {
  const { stage, classifier } = QUOCNET_RECIPE;
  return {
    stage: { ...stage, epochs: Math.min(epochs, stage.epochs) },
    classifier: { ...classifier, epochs: Math.min(epochs, classifier.epochs) },
  };
}
