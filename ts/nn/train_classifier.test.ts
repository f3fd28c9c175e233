import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { Random } from '../base/random.ts';
import type { ImageSet } from '../data/image_set.ts';
import { createSession } from '../runtime/node_session.ts';
import type { CheckpointStore } from './checkpoint.ts';
import type { TrainingProgress } from './epochs.ts';
import { evaluate } from './evaluate.ts';
import { conv, dense, dropout, flatten, type ModelDefinition, maxPool, relu, sigmoid } from './layers.ts';
import { folderCheckpoint, saveTraining } from './save_training.ts';
import { type Recipe, type TrainOptions, trainClassifier } from './train_classifier.ts';

/** 6×6 images: a bright row, its number the class, and noise. */
function rows(count: number, seed: number): ImageSet {
  const random = new Random(seed);
  const images = Float32Array.from({ length: count * 36 }, () => 0.6 * random.uniform());
  const labels = Int32Array.from({ length: count }, () => random.below(3));
  for (const [image, label] of labels.entries()) images.fill(0.8, image * 36 + 12 * label, image * 36 + 12 * label + 6);
  return { images, shape: [6, 6], count, labels, source: `rows ${seed}` };
}

const MODELS: Record<string, ModelDefinition> = {
  dense: { name: 'small', inputShape: [36], layers: [dense(12, { weightDecay: 1e-3 }), sigmoid, dense(3)] },
  convolutional: {
    name: 'small conv',
    inputShape: [1, 6, 6],
    layers: [conv(4, 3), relu, maxPool(2), flatten, dropout(0.2), dense(3)],
  },
};

const RECIPE: Recipe = {
  epochs: 4,
  batchSize: 16,
  optimizer: { type: 'adam', learningRate: 0.02 },
  schedule: 'cosine',
};

const options = (over: Partial<TrainOptions> = {}): TrainOptions => ({
  model: MODELS['dense'] as ModelDefinition,
  recipe: RECIPE,
  train: rows(203, 1),
  test: rows(100, 2),
  seed: 7,
  createSession,
  ...over,
});

/** In memory; `at` is called after each save. */
function memoryCheckpoint(at: (saves: number) => void = () => undefined): CheckpointStore & { bytes?: Uint8Array } {
  let saves = 0;
  const store: CheckpointStore & { bytes?: Uint8Array } = {
    load: async () => store.bytes,
    save: async (_, bytes) => {
      store.bytes = bytes;
      at(++saves);
    },
  };
  return store;
}

describe.each(Object.entries(MODELS))('a %s network', (_, model) => {
  test('learns, and the saved model answers as the record says', async () => {
    const { bytes, record } = await trainClassifier(options({ model, recipe: { ...RECIPE, epochs: 8 } }));
    expect(record.history.length).toBe(8);
    expect(record.history.at(-1)?.loss).toBeLessThan(0.5 * (record.history[0]?.loss ?? 0));
    expect(record.testError).toBeLessThan(0.1);
    const [train, test] = await Promise.all([
      evaluate(bytes, rows(203, 1), { createSession, batchSize: 50 }),
      evaluate(bytes, rows(100, 2), { createSession }),
    ]);
    expect([train.error, test.error]).toEqual([record.trainError, record.testError]);
  });

  test('the same seed gives the same bytes, another seed others', async () => {
    const [first, again, other] = [
      await trainClassifier(options({ model })),
      await trainClassifier(options({ model })),
      await trainClassifier(options({ model, seed: 8 })),
    ];
    expect(again.bytes).toEqual(first.bytes);
    expect(other.bytes).not.toEqual(first.bytes);
  });

  test('an interrupted training goes on to the same bytes', async () => {
    const through = await trainClassifier(options({ model }));
    const controller = new AbortController();
    const checkpoint = memoryCheckpoint((saves) => {
      if (saves === 2) controller.abort(new Error('stopped by the user'));
    });
    const interrupted = trainClassifier(options({ model, checkpoint, signal: controller.signal }));
    await expect(interrupted).rejects.toThrow('stopped by the user');
    const resumed = await trainClassifier(options({ model, checkpoint }));
    expect(resumed.bytes).toEqual(through.bytes);
    const withoutTimes = (trained: typeof through) => trained.record.history.map(({ seconds: _, ...epoch }) => epoch);
    expect(withoutTimes(resumed)).toEqual(withoutTimes(through));
  });
});

test('progress goes from little to all, with the time left', async () => {
  const seen: TrainingProgress[] = [];
  await trainClassifier(options({ onProgress: (progress) => seen.push(progress) }));
  const last = seen.at(-1);
  expect(last).toMatchObject({ stage: 'classifier', epoch: 4, epochs: 4, done: 1, secondsLeft: 0 });
  expect(last?.testError).toBeTypeOf('number');
  expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((a, b) => a - b));
  expect(seen.every(({ loss, secondsLeft }) => loss > 0 && secondsLeft >= 0)).toBe(true);
});

test('the file is opset 17, IR 8, with its weights and what was trained on what', async () => {
  const { bytes, record } = await trainClassifier(options());
  const model = fromBinary(ModelProtoSchema, bytes);
  expect([model.irVersion, model.opsetImport[0]?.version]).toEqual([8n, 17n]);
  expect(model.graph?.input.map(({ name }) => name)).toEqual(['image']);
  expect(model.graph?.initializer.map(({ name }) => name).sort()).toEqual([
    'fc1.bias',
    'fc1.weight',
    'fc2.bias',
    'fc2.weight',
  ]);
  expect(Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]))).toEqual({
    model: 'small',
    class_names: '["0","1","2"]',
    pixel_range: '[0, 1]',
    training_data: 'rows 1',
    train_error: String(record.trainError),
    test_error: String(record.testError),
  });
});

describe('files', () => {
  const inFolder = async (use: (folder: string) => Promise<void>) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'blindspot-train-'));
    await use(folder).finally(() => rm(folder, { recursive: true }));
  };

  test('model.onnx, training.json and the checkpoint; nothing else stays', async () => {
    await inFolder(async (folder) => {
      const checkpoint = folderCheckpoint(path.join(folder, 'made'));
      const trained = await trainClassifier(options({ checkpoint }));
      await saveTraining(path.join(folder, 'made'), trained);
      expect((await readdir(path.join(folder, 'made'))).sort()).toEqual([
        'classifier.checkpoint.npz',
        'model.onnx',
        'training.json',
      ]);
      expect(new Uint8Array(await readFile(path.join(folder, 'made', 'model.onnx')))).toEqual(trained.bytes);
      const record: unknown = JSON.parse(await readFile(path.join(folder, 'made', 'training.json'), 'utf8'));
      expect(record).toEqual(trained.record);
    });
  });

  test('a folder that cannot be written', async () => {
    await inFolder(async (folder) => {
      await writeFile(path.join(folder, 'file'), '');
      const trained = await trainClassifier(options({ recipe: { ...RECIPE, epochs: 1 } }));
      await expect(saveTraining(path.join(folder, 'file'), trained)).rejects.toMatchObject({
        code: 'OUTPUT_NOT_WRITABLE',
      });
    });
  });
});

describe('mistakes', () => {
  test('data of another size than the model takes', async () => {
    const model: ModelDefinition = { name: 'other', inputShape: [784], layers: [dense(3)] };
    await expect(trainClassifier(options({ model }))).rejects.toMatchObject({
      code: 'MODEL_DATA_MISMATCH',
      message: 'The model takes images of shape [784] but rows 1 has [6, 6]',
    });
  });

  test('labels outside the classes', async () => {
    const model: ModelDefinition = { name: 'two', inputShape: [36], layers: [dense(2)] };
    await expect(trainClassifier(options({ model }))).rejects.toThrow('has label 2');
  });

  test('a learning rate that diverges', async () => {
    const recipe: Recipe = { ...RECIPE, optimizer: { type: 'sgd', learningRate: 1e30, momentum: 0.9 } };
    await expect(trainClassifier(options({ recipe }))).rejects.toMatchObject({
      code: 'NOT_FINITE',
      message: expect.stringMatching(
        /^Training diverged in epoch 1: the loss is .*; lower the learning rate \(1e\+30\)$/,
      ),
    });
  });

  test.each([['epochs'], ['batchSize']])('%s of 0', async (name) => {
    await expect(trainClassifier(options({ recipe: { ...RECIPE, [name]: 0 } }))).rejects.toThrow(`for ${name}`);
  });

  test("another run's checkpoint, and what is no checkpoint", async () => {
    const checkpoint = memoryCheckpoint();
    await trainClassifier(options({ checkpoint }));
    await expect(trainClassifier(options({ checkpoint, seed: 9 }))).rejects.toThrow('belongs to another training');
    const broken: CheckpointStore = { load: async () => new Uint8Array(9), save: async () => undefined };
    await expect(trainClassifier(options({ checkpoint: broken }))).rejects.toMatchObject({ code: 'INVALID_DATA' });
  });
});

test('evaluate fills up the last batch of a model whose batch is fixed', async () => {
  const { bytes } = await trainClassifier(options());
  const model = fromBinary(ModelProtoSchema, bytes);
  for (const value of [...(model.graph?.input ?? []), ...(model.graph?.output ?? [])]) {
    const type = value.type?.value;
    if (type?.case !== 'tensorType' || !type.value.shape?.dim[0]) throw new Error('unexpected type');
    type.value.shape.dim[0].value = { case: 'dimValue', value: 32n };
  }
  const fixed = await evaluate(toBinary(ModelProtoSchema, model), rows(100, 2), { createSession });
  const free = await evaluate(bytes, rows(100, 2), { createSession });
  expect(fixed.predictions).toEqual(free.predictions);
});

test('mirrored images teach what mirrored images are, and flat pixels cannot be mirrored', async () => {
  // One class is bright on the left, the other dark: a pixel on the right says nothing unless images are mirrored.
  const images = Float32Array.from({ length: 40 }, (_, i) => Number(i % 4 === 0));
  const train = {
    images,
    shape: [1, 1, 2],
    count: 20,
    labels: Int32Array.from({ length: 20 }, (_, i) => i % 2),
    source: 'sides',
  };
  const model: ModelDefinition = { name: 'sides', inputShape: [1, 1, 2], layers: [flatten, dense(2)] };
  const recipe: Recipe = { ...RECIPE, epochs: 30, batchSize: 4, optimizer: { type: 'sgd', learningRate: 0.5 } };
  /** How much more the right pixel speaks for the first class than for the second. */
  const right = async (mirror: boolean) => {
    const { parameters } = await trainClassifier({ model, recipe: { ...recipe, mirror }, train, createSession });
    const [, , first = 0, second = 0] = parameters.get('fc1.weight') ?? [];
    return first - second;
  };
  expect(await right(true)).toBeGreaterThan((await right(false)) + 1);
  const flat = { model: MODELS['dense'] as ModelDefinition, train: rows(32, 1), createSession };
  await expect(trainClassifier({ ...flat, recipe: { ...RECIPE, mirror: true } })).rejects.toThrow(
    'false for a model of flat pixels for mirror',
  );
});
