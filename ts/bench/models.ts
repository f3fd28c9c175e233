/** The networks that the benchmark attacks, trained once by their own recipes and kept in the benchmark's folder. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { modelByName } from '../../models/registry.ts';
import type { ImageSet } from '../data/image_set.ts';
import { loadData } from '../data/load_data.ts';
import { saveTraining } from '../nn/save_training.ts';
import { createSession } from '../runtime/node_session.ts';
import type { BenchContext } from './report.ts';

/** Of --quick: enough that the images are told apart. */
const QUICK = { epochs: 2, images: 10_000 } as const;

export interface BenchModel {
  readonly name: string;
  readonly file: string;
  readonly bytes: Uint8Array;
  /** MNIST test images in the model's shape. */
  readonly images: ImageSet;
}

export async function benchModel(name: string, seed: number, context: BenchContext): Promise<BenchModel> {
  const { definition, recipe, train } = modelByName(name);
  const folder = path.join(context.folder, 'models', `${name}-seed${seed}${context.quick ? '-quick' : ''}`);
  const file = path.join(folder, 'model.onnx');
  const common = { imageShape: definition.inputShape, signal: context.signal };
  const images = await loadData('mnist:test', common);
  if (!existsSync(file)) {
    context.tell(`training ${name}, seed ${seed}`);
    const data = await loadData('mnist:train', context.quick ? { ...common, count: QUICK.images } : common);
    const epochs = context.quick ? QUICK.epochs : recipe.epochs;
    const trained = await train({
      train: data,
      test: images,
      recipe: { epochs },
      seed,
      createSession,
      signal: context.signal,
    });
    await saveTraining(folder, trained);
  }
  return { name, file, bytes: new Uint8Array(await readFile(file)), images };
}

/** Every wrong class in turn. */
export function wrongClasses(labels: Int32Array): Int32Array {
  return labels.map((label, i) => (label + 1 + (i % 9)) % 10);
}
