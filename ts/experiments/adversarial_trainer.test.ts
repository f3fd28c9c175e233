import { beforeAll, describe, expect, test } from 'vitest';
import { sigmoidNetwork } from '../../models/paper.ts';
import { Random } from '../base/random.ts';
import { type ImageSet, takeImages } from '../data/image_set.ts';
import { loadMnist } from '../data/mnist.ts';
import { evaluate } from '../nn/evaluate.ts';
import { createSession } from '../runtime/node_session.ts';
import { AdversarialPool } from './adversarial_pool.ts';
import { type AdversarialTraining, trainAdversarially } from './adversarial_trainer.ts';

const network = sigmoidNetwork([20, 12]);
const signal = new AbortController().signal;
let train: ImageSet;
let unseen: ImageSet;

beforeAll(async () => {
  train = await loadMnist({ split: 'train', count: 480 });
  unseen = await loadMnist({ count: 200 });
});

function training(changes: Partial<AdversarialTraining>): AdversarialTraining {
  return {
    model: network.definition,
    recipe: { ...network.recipe, epochs: 4, batchSize: 16 },
    seed: 3,
    train,
    test: unseen,
    places: [],
    poolSize: 60,
    replaced: 40,
    warmUp: 2,
    share: 0.3,
    reach: 1,
    signal,
    ...changes,
  };
}

describe('trainAdversarially', () => {
  test('without places is the plain training, to the bit', async () => {
    const plain = await network.train({
      train,
      test: unseen,
      seed: 3,
      createSession,
      recipe: { epochs: 4, batchSize: 16 },
    });
    const { bytes, ...errors } = await trainAdversarially(training({}));
    expect(errors).toMatchObject({ trainError: plain.record.trainError, testError: plain.record.testError });
    const { predictions } = await evaluate(bytes, unseen, { createSession });
    expect(predictions).toEqual((await evaluate(plain.bytes, unseen, { createSession })).predictions);
  });

  test.each([[[0]], [[0, 1, 2]]])('learns with pools at %j, the same each time', async (places) => {
    const first = await trainAdversarially(training({ places }));
    expect(first.trainError).toBeLessThan(0.3);
    expect(first.poolDistortions.every((distortion) => distortion > 0)).toBe(true);
    const plain = await trainAdversarially(training({}));
    expect(first.history.slice(0, 2).map(({ loss }) => loss)).toEqual(
      plain.history.slice(0, 2).map(({ loss }) => loss),
    );
    expect(first.history[2]?.loss).not.toBe(plain.history[2]?.loss);
    const second = await trainAdversarially(training({ places }));
    expect(second.history.map(({ loss }) => loss)).toEqual(first.history.map(({ loss }) => loss));
  });
});

test('a pool holds mistakes with their true labels', async () => {
  const { bytes } = await trainAdversarially(training({}));
  const pool = new AdversarialPool({ size: 784, capacity: 30, reach: 1 });
  const images = takeImages(train, 80);
  // As sigmoids round: the float32 after 1.
  const inputs = images.images.map((value) => (value === 1 ? 1 + 2 ** -23 : value));
  expect(inputs).not.toEqual(images.images);
  await pool.replace(bytes, inputs, images.labels, new Random(1), signal);
  expect(pool.count).toBe(30);
  const examples = new Float32Array(50 * 784);
  const oneHot = new Float32Array(50 * 10);
  pool.draw(examples, oneHot, new Random(2));
  const labels = Int32Array.from({ length: 50 }, (_, row) => oneHot.subarray(row * 10, row * 10 + 10).indexOf(1));
  const drawn = { images: examples, shape: [784], count: 50, labels, source: 'pool' };
  expect((await evaluate(bytes, drawn, { createSession })).error).toBe(1);
});
