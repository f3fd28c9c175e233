import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { type ImageSet, takeImages } from '../data/image_set.ts';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import { rawFloats, rawModel, rawNode, rawValue } from '../onnx/testing/raw_model.ts';
import { attack, check, openModel } from './attack.ts';
import type { AttackPlatform } from './attack_on.ts';
import { NODE_PLATFORM } from './node_platform.ts';
import { type OpenedModel, openModelOn, type Predictions } from './opened_model.ts';
import type { AttackOutcome } from './result.ts';
import { CLASSES, classOf, linearImages, linearModel, logitsOf, PIXELS } from './testing/linear_classifier.ts';

const bytes = linearModel();
const data = linearImages(12);
const imageOf = (row: number) => data.images.subarray(row * PIXELS, (row + 1) * PIXELS);

/** Node's platform, counting the sessions made and released. */
function countingPlatform(): { platform: AttackPlatform; sessions: { made: number; released: number } } {
  const sessions = { made: 0, released: 0 };
  const createSession: AttackPlatform['createSession'] = async (...given) => {
    sessions.made += 1;
    const session = await NODE_PLATFORM.createSession(...given);
    return new Proxy(session, {
      get(target, name) {
        if (name === 'release') sessions.released += 1;
        const value = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return { platform: { ...NODE_PLATFORM, createSession }, sessions };
}

describe('an open model', () => {
  test('tells what it is, and what it answers', async () => {
    await using model = await openModel(bytes);
    expect({ classes: model.classes, imageShape: model.imageShape, provider: model.provider }).toEqual({
      classes: CLASSES,
      imageShape: [PIXELS],
      provider: 'cpu',
    });
    const { classes, logits } = await model.predict(data.images);
    expect([...classes]).toEqual([...data.labels]);
    expect(logits).toHaveLength(12 * CLASSES);
    for (const [k, logit] of logitsOf(imageOf(5)).entries()) expect(logits[5 * CLASSES + k]).toBeCloseTo(logit, 5);
    expect(await model.predict(data)).toEqual({ classes, logits });
    expectTypeOf(model.predict).returns.resolves.toEqualTypeOf<Predictions>();
    expectTypeOf(model.attack).returns.resolves.toEqualTypeOf<AttackOutcome>();
  });

  test('is attacked as its file is, with two sessions for any number of attacks, which end with it', async () => {
    const { platform, sessions } = countingPlatform();
    const expected = await attack(bytes, data, { seed: 4, workers: 1 });
    const model = await openModelOn(platform, bytes);
    for (let turn = 0; turn < 3; turn++) {
      const { examples, adversarial } = await model.attack(data, { seed: 4, workers: 1 });
      expect(examples).toEqual(expected.examples);
      expect(adversarial).toEqual(expected.adversarial);
    }
    expect((await attack(model, data, { seed: 4 })).examples).toEqual(expected.examples);
    expect(sessions).toEqual({ made: 2, released: 0 });
    await model[Symbol.asyncDispose]();
    await model[Symbol.asyncDispose]();
    expect(sessions).toEqual({ made: 2, released: 2 });
    for (const use of [() => model.attack(data), () => model.predict(data), () => model.check()]) {
      await expect(use()).rejects.toMatchObject({ code: 'DISPOSED' });
    }
  });

  test('takes two attacks at once', async () => {
    await using model = await openModel(bytes);
    const [first, second] = await Promise.all([
      model.attack(data, { workers: 1 }),
      model.attack(data, { workers: 1, target: 'random' }),
    ]);
    expect(first.examples).toEqual((await attack(bytes, data)).examples);
    expect(second.examples).toEqual((await attack(bytes, data, { target: 'random' })).examples);
  });

  test('has its provider from when it was opened', async () => {
    await using model = await openModel(bytes, { provider: 'cpu' });
    const options: Parameters<OpenedModel['attack']>[1] = { provider: 'cpu' } as object;
    await expect(model.attack(data, options)).rejects.toThrow('for a key of attack options but received "provider"');
  });

  test('takes what a preprocessor_config.json beside its file says, unless told otherwise', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'blindspot-hugging-'));
    try {
      // As Optimum exports them: all axes open.
      const file = path.join(folder, 'model.onnx');
      const node = [
        rawNode('Conv', ['pixel_values', 'w'], ['c']),
        rawNode('GlobalAveragePool', ['c'], ['p']),
        rawNode('Flatten', ['p'], ['logits']),
      ];
      const graph = {
        ...{ node, output: [rawValue('logits', ['N', 2])] },
        input: [rawValue('pixel_values', ['batch_size', 'num_channels', 'height', 'width'])],
        initializer: [rawFloats('w', [2, 3, 1, 1], [1, 0, 0, 0, 0, 1])],
      };
      await writeFile(file, rawModel(13, graph));
      await expect(openModel(file)).rejects.toThrow('give height and width (--size');
      const config = { image_mean: [0.5, 0.5, 0], image_std: [0.5, 0.5, 2], size: 2, do_flip_channel_order: false };
      await writeFile(path.join(folder, 'preprocessor_config.json'), JSON.stringify(config));
      const images = new Float32Array(12).fill(1);
      await using model = await openModel(file);
      expect(model.imageShape).toEqual([3, 2, 2]);
      expect(model.preprocessor?.pictures).toEqual({ resize: 'exact' });
      expect([...(await model.predict(images)).logits]).toEqual([1, 0.5]);
      await using plain = await openModel(file, { preprocessor: false, input: { size: [2, 2] } });
      expect([...(await plain.predict(images)).logits]).toEqual([1, 1]);
      await using given = await openModel(file, { input: { std: [1] } });
      expect([...(await given.predict(images)).logits]).toEqual([0.5, 1]);
      expect((await check(file)).classifier?.imageShape).toEqual([3, 2, 2]);
      const { examples } = await attack(file, { images, labels: [0] }, { workers: 1 });
      expect(examples[0]?.cleanPrediction).toBe(0);
      await expect(
        openModelOn({ ...NODE_PLATFORM, findPreprocessor: undefined }, file, { preprocessor: 'x' }),
      ).rejects.toThrow('for preprocessor');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('is checked on images of the caller', async () => {
    await using model = await openModel(bytes);
    const { accuracy, gradient, classifier } = await model.check(linearImages(10, 3));
    expect(accuracy).toBeCloseTo(0.7, 12);
    expect(gradient).toMatchObject({ images: 8, zero: 0, notFinite: 0 });
    expect(classifier?.classes).toBe(CLASSES);
    expect(await model.check()).not.toHaveProperty('accuracy');
    expect((await check(bytes, linearImages(10, 3))).accuracy).toBe(accuracy);
    const graph = new GraphBuilder({ name: 'no classes' });
    graph.output(graph.op('Relu', [graph.input('image', 'float32', ['N', 2, 3])]), 'scores');
    expect(await check(graph.toBytes())).toMatchObject({ blocked: expect.stringContaining('classes]') });
  });
});

describe('a model by its place', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'blindspot-opened-'));
    await writeFile(path.join(folder, 'model.onnx'), bytes);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('a path, the address of a file', async () => {
    const file = path.join(folder, 'model.onnx');
    for (const place of [file, pathToFileURL(file), pathToFileURL(file).href]) {
      await using model = await openModel(place);
      expect(model.classes).toBe(CLASSES);
    }
  });

  test('an address to fetch, compressed too; what is not there is told', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/model.onnx') response.end(bytes);
      else if (request.url === '/model.onnx.gz') response.end(gzipSync(bytes));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    try {
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      for (const name of ['model.onnx', 'model.onnx.gz']) {
        await using model = await openModel(`${base}/${name}`);
        expect([...(await model.predict(data)).classes]).toEqual([...data.labels]);
      }
      await expect(openModel(new URL(`${base}/other.onnx`))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    } finally {
      server.close();
    }
  });
});

describe('a slice of a data set', () => {
  test.each(['none', 'random'] as const)('gives what the whole gives, target %s', async (target) => {
    const whole = await attack(bytes, data, { seed: 9, target, workers: 1, effort: 'thorough' });
    const rows = (outcome: AttackOutcome, from: number, to: number) =>
      outcome.adversarial.subarray(from * PIXELS, to * PIXELS);
    const slices: [ImageSet, { start?: number; count?: number }][] = [
      [data, { start: 4, count: 5 }],
      [takeImages(data, 5, 4), {}],
      [takeImages(takeImages(data, 8, 2), 5, 2), {}],
    ];
    for (const [set, slice] of slices) {
      const part = await attack(bytes, set, { seed: 9, target, workers: 1, effort: 'thorough', ...slice });
      expect(part.examples).toEqual(whole.examples.slice(4, 9));
      expect(part.adversarial).toEqual(rows(whole, 4, 9));
    }
  });

  test('workers keep to it', async () => {
    const whole = await attack(bytes, data, { target: 'random', workers: 1 });
    const part = await attack(bytes, data, { target: 'random', workers: 2, start: 3 });
    expect(part.examples).toEqual(whole.examples.slice(3));
  });

  test('beyond the data is refused', async () => {
    await expect(attack(bytes, data, { start: 10, count: 5 })).rejects.toThrow(
      'linear images has 12 images but images 10 to 14 are asked for',
    );
    await expect(attack(bytes, data, { start: 12 })).rejects.toThrow('images 12 to 12 are asked for');
    await expect(attack(bytes, data, { start: -1 })).rejects.toThrow('an integer of at least 0 for start');
    await expect(attack(bytes, { ...data, indices: new Int32Array(12) })).rejects.toThrow(
      'has index 0 at image 1: indices must ascend from 0',
    );
  });
});

test('a target that the model answers already is refused where it stands for the label', async () => {
  const targets = data.labels.map((label, index) => (index === 4 ? label : (label + 1) % CLASSES));
  const unlabelled = { images: data.images, targets };
  await expect(attack(bytes, unlabelled, { target: 'labels' })).rejects.toMatchObject({
    code: 'INVALID_DATA',
    message: expect.stringContaining('of image 4, which is its label'),
  });
});

test('equal scores are no mistake: the image is attacked', async () => {
  // z = (x, x): the label has one of two equal scores everywhere but where its own pixel is moved.
  const graph = new GraphBuilder({ name: 'tie' });
  const image = graph.input('image', 'float32', ['N', 2]);
  graph.output(graph.matmul(image, graph.constant(Float32Array.of(1, 0, 0, 1), [2, 2], 'weights')), 'scores');
  const tied = { images: Float32Array.of(0.5, 0.5, 0.5, 0.5), labels: [0, 1] };
  const { examples, summary } = await attack(graph.toBytes(), tied, {});
  expect(summary).toMatchObject({ alreadyMisclassified: 0, succeeded: 2 });
  for (const { success, label, prediction, cleanPrediction, l2 } of examples) {
    expect({ success, cleanPrediction, other: prediction !== label }).toEqual({
      success: true,
      cleanPrediction: label,
      other: true,
    });
    expect(l2).toBeGreaterThan(0);
    expect(l2).toBeLessThan(0.01);
  }
});

test('an image that another class was wanted of, and that was answered wrongly from the start, is no success', async () => {
  const wrong = linearImages(6, 6);
  const reached = wrong.images.subarray(0, PIXELS);
  const targets = wrong.labels.map((label) => (label + 1) % CLASSES);
  targets[0] = classOf(reached);
  const { examples } = await attack(bytes, { ...wrong, targets }, { target: 'labels' });
  const [first, ...others] = examples;
  expect(first).toMatchObject({ status: 'already-misclassified', success: true, l2: 0 });
  for (const example of others) {
    const hit = example.prediction === example.target;
    expect(example).toMatchObject({ status: 'already-misclassified', success: hit, l2: hit ? 0 : null });
  }
  expect(others.some(({ success }) => !success)).toBe(true);
});
