/** Networks for CIFAR-10 that differ by seed, width, training images or kind, each trained once and kept. */
import { alexnet } from '../../models/alexnet.ts';
import type { ModelEntry } from '../../models/model_entry.ts';
import { resnet8 } from '../../models/resnet.ts';
import { loadCifar10 } from '../data/cifar10.ts';
import { adaptImages } from '../data/image_layout.ts';
import { type ImageSet, splitHalves } from '../data/image_set.ts';
import { folderCheckpoint } from '../nn/save_training.ts';
import type { TrainingRecord } from '../nn/train_classifier.ts';
import { createSession } from '../runtime/node_session.ts';
import type { Key } from './store.ts';
import { parseJson, type Study, type Tell } from './study.ts';

export interface CifarModel {
  /** For the report. */
  readonly label: string;
  readonly entry: ModelEntry;
  readonly half: 'P1' | 'P2';
  /** Added to the study's. */
  readonly seed: number;
}

export const CIFAR_MODELS: readonly CifarModel[] = [
  { label: 'AlexNet', entry: alexnet(), half: 'P1', seed: 0 },
  { label: 'another seed', entry: alexnet(), half: 'P1', seed: 1 },
  { label: 'half as wide', entry: alexnet(0.5), half: 'P1', seed: 0 },
  { label: 'the other half', entry: alexnet(), half: 'P2', seed: 2 },
  { label: 'residual network', entry: resnet8(), half: 'P1', seed: 0 },
];

/** All five take 12 minutes of a core’s time; AlexNet’s error still falls when they are over. */
export const CIFAR_EPOCHS = 3;

export interface CifarData {
  readonly halves: Readonly<Record<CifarModel['half'], ImageSet>>;
  readonly test: ImageSet;
}

const SHAPE = [3, 32, 32];

export async function cifarData({ settings, signal }: Study): Promise<CifarData> {
  const isQuick = settings.profile === 'quick';
  const load = async (split: 'train' | 'test', count: number) =>
    adaptImages(await loadCifar10({ split, signal, ...(isQuick ? { count } : {}) }), SHAPE);
  const [first, second] = splitHalves(await load('train', 512), settings.seed);
  return { halves: { P1: first, P2: second }, test: await load('test', 256) };
}

export interface TrainedCifarModel extends CifarModel {
  /** model.onnx. */
  readonly bytes: Uint8Array;
  readonly record: TrainingRecord;
}

/** Trained, now or before; an interrupted training goes on from its last epoch. */
export async function trainedCifarModel(
  study: Study,
  model: CifarModel,
  { halves, test }: CifarData,
  tell: Tell,
): Promise<TrainedCifarModel> {
  const { store, settings } = study;
  const train = halves[model.half];
  const epochs = Math.min(CIFAR_EPOCHS, settings.epochs ?? CIFAR_EPOCHS);
  const recipe = { ...model.entry.recipe, epochs };
  const seed = settings.seed + model.seed;
  const key: Key = {
    name: `cifar-${model.entry.name}-${model.half}`,
    settings: { definition: model.entry.definition, recipe, seed, data: [train.source, train.count, settings.seed] },
  };
  if (!(await store.has(key))) {
    const { bytes, record } = await model.entry.train({
      train,
      test,
      recipe,
      seed,
      createSession,
      checkpoint: folderCheckpoint(store.unfinished(key)),
      signal: study.signal,
      onProgress: ({ done, epoch }) => tell(done, `${model.label}, epoch ${epoch} of ${epochs}`),
    });
    await store.write(
      key,
      new Map<string, Uint8Array | string>([
        ['model.onnx', bytes],
        ['training.json', JSON.stringify(record)],
      ]),
    );
    await store.removeUnfinished(key);
  }
  const [bytes, record] = [await store.read(key, 'model.onnx'), await store.read(key, 'training.json')];
  if (bytes === undefined || record === undefined) throw new TypeError(`the store lost ${model.label}`);
  return { ...model, bytes: new Uint8Array(bytes), record: parseJson<TrainingRecord>(record) };
}
