/**
 * What the experiments share: settings, data, trained models and adversarial examples, each made once and kept in the
 * store, so that a run that was killed goes on where it was. Training goes on from its last epoch.
 */
import { attack } from '../attack/attack.ts';
import type { TargetChoice } from '../attack/attack_options.ts';
import { versions } from '../attack/versions.ts';
import type { MnistSplit } from '../data/idx_dataset.ts';
import { type ImageSet, selectImages, takeImages } from '../data/image_set.ts';
import { loadMnist } from '../data/mnist.ts';
import { formatNpz, parseNpz } from '../data/npz.ts';
import { evaluate } from '../nn/evaluate.ts';
import { folderCheckpoint } from '../nn/save_training.ts';
import type { Recipe, TrainingRecord } from '../nn/train_classifier.ts';
import { createSession } from '../runtime/node_session.ts';
import { type ImagenetSource, SHIPPED_IMAGENET } from './imagenet_source.ts';
import { average, type Proportion, proportion } from './statistics.ts';
import type { Key, Store } from './store.ts';
import { STUDY_MODELS, type StudyModel, type StudyModelName } from './study_models.ts';

/** All that decides the numbers of a study. */
export interface StudySettings {
  /** For pages and the time left. */
  readonly profile: 'full' | 'quick';
  readonly seed: number;
  /** Images distorted for each model. */
  readonly images: number;
  /** Training and test images, the first of each; undefined for all. */
  readonly trainCount?: number;
  readonly testCount?: number;
  /** Epochs of every training; undefined: as the model has it. */
  readonly epochs?: number;
  /** Runs of each kind of training in section 4.2. */
  readonly trainingSeeds: number;
}

/** @param share of the step that is done, 0 to 1. */
export type Tell = (share: number, text: string) => void;

export interface TrainedStudyModel {
  readonly name: StudyModelName;
  readonly label: string;
  /** model.onnx. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly record: TrainingRecord;
}

/** Images that a model answers rightly, and the nearest ones that it answers wrongly. */
export interface Distorted {
  /** Of those attacked, the ones for which an example was found; labels included. */
  readonly originals: ImageSet;
  /** The same order. */
  readonly adversarial: ImageSet;
  /** Of each example. */
  readonly distortions: readonly number[];
  /** Means of the above. */
  readonly distortion: number;
  readonly attacked: number;
  readonly evaluationsPerImage: number;
}

export interface StudyHooks {
  readonly signal: AbortSignal;
  /** Network and photos of the ImageNet part; default those shipped. */
  readonly imagenet?: ImagenetSource | undefined;
}

export class Study {
  readonly settings: StudySettings;
  readonly store: Store;
  readonly signal: AbortSignal;
  readonly imagenet: ImagenetSource;
  readonly #data = new Map<MnistSplit, Promise<ImageSet>>();
  readonly #models = new Map<StudyModelName, TrainedStudyModel>();

  constructor(settings: StudySettings, store: Store, hooks: StudyHooks) {
    this.settings = settings;
    this.store = store;
    this.signal = hooks.signal;
    this.imagenet = hooks.imagenet ?? SHIPPED_IMAGENET;
  }

  /** MNIST, as much of it as the settings say. */
  data(split: MnistSplit): Promise<ImageSet> {
    let loading = this.#data.get(split);
    if (loading === undefined) {
      loading = this.#load(split);
      this.#data.set(split, loading);
    }
    return loading;
  }

  async #load(split: MnistSplit): Promise<ImageSet> {
    const { trainCount, testCount, seed } = this.settings;
    const set = await loadMnist({ split, seed, signal: this.signal });
    const count = split === 'test' ? testCount : trainCount;
    return count === undefined ? set : takeImages(set, Math.min(count, set.count));
  }

  /** What decides a model. */
  modelKey(name: StudyModelName): Key {
    const { entry, split, seed } = studyModel(name);
    const { trainCount, testCount } = this.settings;
    const settings = {
      definition: entry.definition,
      recipe: this.#recipe(name),
      seed: this.settings.seed + seed,
      split,
      dataSeed: this.settings.seed,
      trainCount: trainCount ?? null,
      testCount: testCount ?? null,
    };
    return { name: `model-${name}`, settings };
  }

  /** With as many epochs as the settings allow. */
  #recipe(name: StudyModelName): Recipe {
    const { entry, epochs = entry.recipe.epochs } = studyModel(name);
    return { ...entry.recipe, epochs: Math.min(epochs, this.settings.epochs ?? epochs) };
  }

  /** Trained, now or before. */
  async model(name: StudyModelName, tell: Tell = () => undefined): Promise<TrainedStudyModel> {
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    const key = this.modelKey(name);
    if (!(await this.store.has(key))) await this.#train(name, key, tell);
    const bytes = await this.store.read(key, 'model.onnx');
    const record = await this.store.read(key, 'training.json');
    if (bytes === undefined || record === undefined) throw new TypeError(`the store lost ${name}`);
    const model = {
      name,
      label: studyModel(name).label,
      bytes: copy(bytes),
      record: parseJson<TrainingRecord>(record),
    };
    this.#models.set(name, model);
    return model;
  }

  async models(names: readonly StudyModelName[]): Promise<TrainedStudyModel[]> {
    const models: TrainedStudyModel[] = [];
    for (const name of names) models.push(await this.model(name));
    return models;
  }

  async #train(name: StudyModelName, key: Key, tell: Tell): Promise<void> {
    const { entry, split, seed } = studyModel(name);
    const trained = await entry.train({
      train: await this.data(split),
      test: await this.data('test'),
      recipe: this.#recipe(name),
      seed: this.settings.seed + seed,
      createSession,
      checkpoint: folderCheckpoint(this.store.unfinished(key)),
      signal: this.signal,
      versions: await versions(),
      onProgress: ({ done, stage, epoch, epochs }) =>
        tell(done, `training ${name}: ${stage}, epoch ${epoch} of ${epochs}`),
    });
    const files = new Map<string, Uint8Array | string>([
      ['model.onnx', trained.bytes],
      ['training.json', `${JSON.stringify(trained.record)}\n`],
    ]);
    await this.store.write(key, files);
    await this.store.removeUnfinished(key);
  }

  /** Share answered wrongly. */
  async errorOn(model: { readonly bytes: Uint8Array }, images: ImageSet): Promise<Proportion> {
    const { predictions } = await evaluate(model.bytes, images, { createSession });
    return proportion(countWrong(predictions, images.labels), images.count);
  }

  /**
   * The first images that the model answers rightly, as many as the settings say, each changed as little as will
   * make the model answer wrongly.
   * @param target a random wrong class, as the paper probably took; or any (none).
   */
  async distorted(
    name: StudyModelName,
    split: MnistSplit,
    target: Extract<TargetChoice, 'random' | 'none'> = 'random',
    tell: Tell = () => undefined,
  ): Promise<Distorted> {
    const { images, seed, testCount, trainCount } = this.settings;
    const settings = { model: this.modelKey(name).settings, split, target, images, seed, testCount, trainCount };
    const key: Key = { name: `distorted-${name}-${split}-${target}`, settings };
    const model = await this.model(name);
    const candidates = await this.#rightlyAnswered(model, split);
    const kept = await this.store.read(key, 'examples.npz');
    const details = await this.store.read(key, 'summary.json');
    if (kept !== undefined && details !== undefined) return readDistorted(candidates, kept, details);

    const outcome = await attack(model.bytes, candidates, {
      target,
      seed,
      signal: this.signal,
      onProgress: ({ done, total }) => tell(done / total, `distorting for ${name}: ${done} of ${total} images`),
    });
    this.signal.throwIfAborted();
    const found = outcome.examples
      .map((example, row) => ({ example, row }))
      .filter(({ example }) => example.success && example.status !== 'already-misclassified');
    const size = outcome.adversarial.length / outcome.examples.length;
    const pixels = new Float32Array(found.length * size);
    for (const [place, { row }] of found.entries()) {
      pixels.set(outcome.adversarial.subarray(row * size, (row + 1) * size), place * size);
    }
    const npz = formatNpz({
      images: { shape: [found.length, size], data: pixels },
      indices: { shape: [found.length], data: Int32Array.from(found, ({ example }) => example.index) },
      distortions: { shape: [found.length], data: Float64Array.from(found, ({ example }) => example.distortion ?? 0) },
    });
    const summary = JSON.stringify({
      attacked: outcome.examples.length,
      evaluationsPerImage: outcome.summary.evaluationsPerImage,
    });
    await this.store.write(
      key,
      new Map<string, Uint8Array | string>([
        ['examples.npz', npz],
        ['summary.json', summary],
      ]),
    );
    return readDistorted(candidates, npz, new TextEncoder().encode(summary));
  }

  async #rightlyAnswered(model: TrainedStudyModel, split: MnistSplit): Promise<ImageSet> {
    const { images } = this.settings;
    const all = await this.data(split);
    // Softmax regression with the strongest decay is wrong on a fifth of the images.
    const first = takeImages(all, Math.min(all.count, 3 * images + 100));
    const { predictions } = await evaluate(model.bytes, first, { createSession });
    const right = [...predictions.keys()].filter((index) => predictions[index] === first.labels[index]);
    return selectImages(first, right.slice(0, images));
  }
}

function studyModel(name: StudyModelName): StudyModel {
  return STUDY_MODELS[name];
}

function readDistorted(candidates: ImageSet, npz: Uint8Array, summary: Uint8Array): Distorted {
  const arrays = parseNpz(npz, { source: 'examples.npz' });
  const array = <T>(name: string, type: new () => T): T => {
    const data = arrays.get(name)?.data;
    if (!(data instanceof type)) throw new TypeError(`examples.npz has no ${name}`);
    return data;
  };
  const originals = selectImages(candidates, array('indices', Int32Array));
  const distortions = Array.from(array('distortions', Float64Array));
  return {
    originals,
    adversarial: { ...originals, images: array('images', Float32Array), source: `${candidates.source}, distorted` },
    distortions,
    distortion: average(distortions),
    ...parseJson<{ attacked: number; evaluationsPerImage: number }>(summary),
  };
}

export function countWrong(predictions: Int32Array, labels: Int32Array): number {
  let wrong = 0;
  for (const [index, prediction] of predictions.entries()) if (prediction !== labels[index]) wrong++;
  return wrong;
}

/** What this program wrote itself. */
export function parseJson<T>(bytes: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(bytes)) as T;
}

/** A Buffer's slice() is a view where a Uint8Array's is a copy: readers of models rely on the copy. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
