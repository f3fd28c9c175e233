import { describe, expect, test } from 'vitest';
import { loadMnist } from '../ts/data/mnist.ts';
import type { TrainingProgress } from '../ts/nn/epochs.ts';
import { evaluate } from '../ts/nn/evaluate.ts';
import { parameterSpecs } from '../ts/nn/network.ts';
import { createSession } from '../ts/runtime/node_session.ts';
import { modelByName } from './registry.ts';

describe('modelByName', () => {
  test.each([
    ['fc100-100-10', [784, 100, 100, 10], [1e-7, 1e-7, 1e-7]],
    ['fc123-456-10', [784, 123, 456, 10], [1e-5 / 123, 1e-5 / 456, 1e-7]],
    ['FC200-200-10', [784, 200, 200, 10], [5e-8, 5e-8, 1e-7]],
    ['fc10', [784, 10], [1e-5]],
    ['fc10(1)', [784, 10], [0.1]],
    ['fc10(1e-2)', [784, 10], [1e-3]],
  ])('%s has widths %j and decays λ/k of %j', (name, widths, decays) => {
    const weights = parameterSpecs(modelByName(name).definition).filter(({ shape }) => shape.length === 2);
    expect(weights.map(({ shape }) => shape)).toEqual(widths.slice(1).map((units, i) => [widths[i], units]));
    for (const [i, { decay }] of weights.entries()) expect(decay).toBeCloseTo(decays[i] as number, 15);
  });

  test('the convolutional network', () => {
    const shapes = parameterSpecs(modelByName('convnet').definition).map(({ shape }) => shape);
    expect(shapes).toEqual([[16, 1, 5, 5], [16], [32, 16, 5, 5], [32], [512, 10], [10]]);
  });

  test('AlexNet: five convolutions and three dense layers', () => {
    const shapes = parameterSpecs(modelByName('alexnet').definition).map(({ shape }) => shape);
    expect(shapes.filter(({ length }) => length === 4)).toHaveLength(5);
    expect(shapes.filter(({ length }) => length === 2)).toEqual([
      [432, 256],
      [256, 128],
      [128, 10],
    ]);
  });

  test.each(['', 'fc', 'fc100', 'fc0-10', 'fc10()', 'fc10(-1)', 'fc100-', 'resnet', 'constructor', 'toString'])(
    'refuses %j and lists what there is',
    (name) => {
      expect(() => modelByName(name)).toThrow(
        /^Expected one of fc10, fc10\(LAMBDA\), fc100-100-10.*convnet.* for model/,
      );
    },
  );
});

test('AE400-10 learns codes first, then a softmax on them', async () => {
  const [train, test] = await Promise.all([loadMnist({ split: 'train', count: 4000 }), loadMnist({ count: 1000 })]);
  const stages: string[] = [];
  const options = {
    train,
    test,
    createSession,
    seed: 1,
    recipe: { epochs: 6 },
    onProgress: ({ stage }: TrainingProgress) => stages.at(-1) !== stage && stages.push(stage),
  };
  const { bytes, parameters, record } = await modelByName('ae400-10').train(options);
  expect(stages).toEqual(['autoencoder', 'classifier']);
  expect([...parameters.keys()]).toEqual(['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias']);
  const losses = record.pretraining?.history.map(({ loss }) => loss) ?? [];
  expect(losses.at(-1)).toBeLessThan(0.8 * (losses[0] ?? 0));
  expect(record.testError).toBeLessThan(0.35);
  // The file does the whole way from pixels.
  expect((await evaluate(bytes, test, { createSession })).error).toBe(record.testError);
});

// Full recipes take a minute or more: a shortened one shows that a model learns (chance: 0.9).
test.each([
  ['fc100-100-10', 10_000, 0.2],
  ['fc10(1e-2)', 10_000, 0.25],
  ['convnet', 4000, 0.25],
])('%s learns from %d images', async (name, count, most) => {
  const [train, test] = await Promise.all([loadMnist({ split: 'train', count }), loadMnist({ count: 2000 })]);
  const epochs = name === 'convnet' ? 1 : 3;
  const { record } = await modelByName(name).train({ train, test, createSession, seed: 1, recipe: { epochs } });
  expect(record.recipe.epochs).toBe(epochs);
  expect(record.testError).toBeLessThan(most);
});
