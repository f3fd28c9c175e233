/** The networks of the zoo as files: trained once by their recipes, then kept. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type ImageSet, imageSize } from '../../data/image_set.ts';
import { loadData } from '../../data/load_data.ts';
import { saveTraining } from '../../nn/save_training.ts';
import { type TrainedModel, type TrainOptions, trainClassifier } from '../../nn/train_classifier.ts';
import { createSession } from '../../runtime/node_session.ts';
import type { BenchContext } from '../report.ts';
import type { ZooNetwork } from './networks.ts';

/** Of --quick: enough that classes are told apart. */
const QUICK = { epochs: 1, images: 4000 } as const;
const CLASSES = 10;

/** model.onnx of a network, trained now unless it was before. */
export async function zooModel(network: ZooNetwork, context: BenchContext): Promise<Uint8Array> {
  const { definition, data, distilled } = network;
  const recipe = context.quick ? { ...network.recipe, epochs: QUICK.epochs } : network.recipe;
  const count = context.quick ? QUICK.images : network.images;
  const key = createHash('sha256').update(JSON.stringify({ definition, recipe, data, count, distilled })).digest('hex');
  const folder = path.join(context.folder, 'zoo', 'models', key.slice(0, 16));
  const file = path.join(folder, 'model.onnx');
  if (!existsSync(file)) {
    context.tell(`training ${definition.name}`);
    const [train, test] = await Promise.all([
      loadData(`${data}:train`, { imageShape: definition.inputShape, count, signal: context.signal }),
      loadData(`${data}:test`, { imageShape: definition.inputShape, count: 2000, signal: context.signal }),
    ]);
    const common = { model: definition, train, test, createSession, signal: context.signal };
    const trained =
      distilled === undefined
        ? await trainClassifier({ ...common, recipe })
        : await distil({ ...common, recipe }, distilled);
    context.tell(
      `training ${definition.name}: test error ${((trained.record.testError ?? Number.NaN) * 100).toFixed(1)} %`,
    );
    await saveTraining(folder, trained);
  }
  return new Uint8Array(await readFile(file));
}

/** Papernot et al. 2016: teacher and pupil both learn at the temperature, the pupil the teacher's answers; it is used at 1. */
async function distil(options: TrainOptions, temperature: number): Promise<TrainedModel> {
  const recipe = { ...options.recipe, loss: { type: 'cross-entropy', temperature } as const };
  const teacher = await trainClassifier({ ...options, recipe });
  const softLabels = await softAnswers(teacher.bytes, options.train, temperature);
  return await trainClassifier({ ...options, recipe, softLabels, seed: (options.seed ?? 0) + 1 });
}

const ROWS = 1000;

/** softmax(z/temperature), [count, classes]. */
async function softAnswers(model: Uint8Array, images: ImageSet, temperature: number): Promise<Float32Array> {
  await using session = await createSession(model);
  const size = imageSize(images.shape);
  const answers = new Float32Array(images.count * CLASSES);
  for (let start = 0; start < images.count; start += ROWS) {
    const rows = Math.min(ROWS, images.count - start);
    const pixels = images.images.subarray(start * size, (start + rows) * size);
    const { logits } = await session.run({ image: { data: pixels, dims: [rows, ...images.shape] } });
    if (logits === undefined) throw new TypeError('a model of ours answers logits');
    for (let row = 0; row < rows; row++) {
      const z = Array.from(logits.data.subarray(row * CLASSES, (row + 1) * CLASSES), (value) => value / temperature);
      const largest = Math.max(...z);
      const weights = z.map((value) => Math.exp(value - largest));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      answers.set(
        weights.map((weight) => weight / sum),
        (start + row) * CLASSES,
      );
    }
  }
  return answers;
}
