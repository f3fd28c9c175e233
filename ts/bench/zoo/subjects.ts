/** What is judged: the networks of the zoo, and ONNX files of a folder, each with images that it answers rightly. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { adaptImages } from '../../data/image_layout.ts';
import { type ImageSet, imageSize, selectImages } from '../../data/image_set.ts';
import { loadData } from '../../data/load_data.ts';
import { readUserFile } from '../../data/read_file.ts';
import { BlindspotError } from '../../errors.ts';
import { describeClassifier } from '../../onnx/classifier.ts';
import { readClassifier } from '../../onnx/read_classifier.ts';
import { wrongClasses } from '../models.ts';
import { Oracle } from '../opinions/oracle.ts';
import type { BenchContext } from '../report.ts';
import { type Half, ZOO } from './networks.ts';
import { zooModel } from './zoo_model.ts';

export interface Subject {
  readonly name: string;
  /** Of the zoo; undefined for a file of the user's. */
  readonly half: Half | undefined;
  /** Trains or reads it. */
  load(): Promise<{ readonly bytes: Uint8Array; readonly images: ImageSet }>;
}

const QUICK_NETWORKS = 3;
/** As many images are looked at for each one wanted. */
const POOL = 5;
const CLASSES = 10;

/** @throws FILE_NOT_FOUND, INVALID_DATA for a folder without ONNX files. */
export async function subjects(context: BenchContext): Promise<Subject[]> {
  const { half, models, quick, signal } = context;
  const wanted = ZOO.filter((network) => half === undefined || network.half === half);
  const zoo = (quick ? wanted.slice(0, QUICK_NETWORKS) : wanted).map((network): Subject => {
    const load = async () => {
      const bytes = await zooModel(network, context);
      return { bytes, images: await rightOnes(bytes, network.data, imageCount(context), signal) };
    };
    return { name: network.definition.name, half: network.half, load };
  });
  return models === undefined ? zoo : [...zoo, ...(await filesOf(models, context))];
}

export function imageCount({ count, quick }: BenchContext): number {
  return count ?? (quick ? 4 : 20);
}

async function filesOf(folder: string, context: BenchContext): Promise<Subject[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new BlindspotError('FILE_NOT_FOUND', `Cannot read the folder of models ${folder}`, { cause });
  });
  const files = names.filter((name) => name.toLowerCase().endsWith('.onnx')).sort();
  if (files.length === 0) throw new BlindspotError('INVALID_DATA', `${folder} holds no .onnx files`);
  return files.map((name) => ({
    name: name.replace(/\.onnx$/i, ''),
    half: undefined,
    load: async () => {
      const bytes = new Uint8Array(await readUserFile(path.join(folder, name), 'model'));
      return { bytes, images: await rightOnes(bytes, dataFor(name, bytes), imageCount(context), context.signal) };
    },
  }));
}

function dataFor(name: string, bytes: Uint8Array): 'mnist' | 'cifar10' {
  const { imageShape, classes } = describeClassifier(readClassifier(bytes).model);
  const size = imageSize(imageShape);
  if (size === 28 * 28 && classes === CLASSES) return 'mnist';
  if (size === 32 * 32 * 3 && classes === CLASSES) return 'cifar10';
  throw new BlindspotError(
    'MODEL_DATA_MISMATCH',
    `${name}: expected a model of MNIST or CIFAR-10 images with ten classes but it takes [${imageShape.join(', ')}] to ${classes}`,
  );
}

/** The first test images that the model answers rightly, each with a wrong class as target. */
async function rightOnes(
  bytes: Uint8Array,
  data: 'mnist' | 'cifar10',
  count: number,
  signal: AbortSignal,
): Promise<ImageSet> {
  const { imageShape } = describeClassifier(readClassifier(bytes).model);
  const pool = adaptImages(await loadData(`${data}:test`, { count: POOL * count, signal }), imageShape);
  await using oracle = await Oracle.create(bytes, pool);
  const predictions = oracle.predictions();
  const right = Array.from(pool.labels.keys()).filter((i) => predictions[i] === pool.labels[i]);
  if (right.length === 0)
    throw new BlindspotError('MODEL_DATA_MISMATCH', `The model answers none of ${pool.count} ${data} images rightly`);
  const chosen = selectImages(pool, right.slice(0, count));
  return { ...chosen, targets: wrongClasses(chosen.labels) };
}
