import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { attack } from './attack.ts';
import type { AttackOptions } from './attack_options.ts';
import type { AttackOutcome } from './result.ts';
import { CLASSES, linearImages, linearModel, PIXELS } from './testing/linear_classifier.ts';

const COUNT = 30;
const WRONG = 4;
const model = linearModel();
const data = linearImages(COUNT, WRONG);

/** Classes that ONNX Runtime alone answers. */
async function plainAnswers(images: Float32Array): Promise<number[]> {
  const session = await InferenceSession.create(model);
  const { scores } = await session.run({ image: new Tensor('float32', images, [images.length / PIXELS, PIXELS]) });
  await session.release();
  const logits = scores?.data as Float32Array;
  return Array.from({ length: logits.length / CLASSES }, (_, row) => {
    const own = logits.subarray(row * CLASSES, (row + 1) * CLASSES);
    return own.indexOf(Math.max(...own));
  });
}

const attacked = (outcome: AttackOutcome) =>
  outcome.examples.filter(({ status }) => status !== 'already-misclassified');

describe.each(['native', 'wasm'] as const)('attack on the %s kernel', (kernel) => {
  describe.each(['boundary', 'penalty', 'deepfool'] as const)('by %s', (method) => {
    test.each(['none', 'random', 'least-likely'] as const)(
      'delivers what plain ONNX Runtime gets wrong: target %s',
      async (target) => {
        const outcome = await attack(model, data, { kernel, method, target, seed: 1 });
        const { summary, examples, adversarial } = outcome;
        expect(summary).toMatchObject({ kernel, method, images: COUNT, alreadyMisclassified: WRONG, successRate: 1 });
        const answers = await plainAnswers(adversarial);
        for (const [row, example] of examples.entries()) {
          expect(answers[row]).toBe(example.prediction);
          expect(answers[row]).not.toBe(data.labels[row]);
          if (example.target !== null && row >= WRONG) expect(answers[row]).toBe(example.target);
        }
        expect(adversarial.every((value) => value >= 0 && value <= 1)).toBe(true);
        for (const { l2, margin, evaluations } of attacked(outcome)) {
          expect(l2).toBeGreaterThan(0);
          expect(margin).toBeLessThan(0);
          expect(evaluations).toBeGreaterThan(0);
        }
      },
    );
  });

  test('boundary is never farther than penalty', async () => {
    const lengths = async (method: 'boundary' | 'penalty') =>
      (await attack(model, data, { kernel, method })).summary.meanL2 as number;
    expect(await lengths('boundary')).toBeLessThanOrEqual((await lengths('penalty')) * (1 + 1e-6));
  });

  test('quantized, survives 8 bits', async () => {
    const { summary, adversarial } = await attack(model, data, { kernel, quantize: 8 });
    expect(summary).toMatchObject({ successRate: 1, quantizedSuccessRate: 1 });
    const changed = adversarial.subarray(WRONG * PIXELS);
    expect(Math.max(...changed.map((value) => Math.abs(value * 255 - Math.round(value * 255))))).toBeLessThan(1e-4);
  });

  test.each<[string, AttackOptions]>([
    ['two workers', { workers: 2 }],
    ['three workers of two lanes', { workers: 3, lanes: 2 }],
    ['one lane', { workers: 1, lanes: 1 }],
  ])('finds the same with %s', async (_what, options) => {
    const common: AttackOptions = { kernel, effort: 'thorough', target: 'random', seed: 9 };
    const one = await attack(model, data, { ...common, workers: 1 });
    const other = await attack(model, data, { ...common, ...options });
    expect(other.summary.workers).toBe(options.workers ?? 1);
    expect(other.examples.map(({ index }) => index)).toEqual(one.examples.map(({ index }) => index));
    for (const [row, { l2, target }] of other.examples.entries()) {
      expect(target).toBe(one.examples[row]?.target);
      // float32 products may differ in the last bits between batch sizes.
      expect(Math.abs((l2 as number) - (one.examples[row]?.l2 as number))).toBeLessThan(1e-4);
    }
  });

  test('keeps to the budget', async () => {
    const { examples } = await attack(model, data, { kernel, maxEvaluations: 5 });
    expect(Math.max(...examples.map(({ evaluations }) => evaluations))).toBeLessThanOrEqual(5);
  });
});

test('the kernel: native and the kernel: wasm come to the same mean distance', async () => {
  const [native, wasm] = await Promise.all(
    (['native', 'wasm'] as const).map((kernel) => attack(model, data, { kernel })),
  );
  const ratio = (native?.summary.meanL2 as number) / (wasm?.summary.meanL2 as number);
  expect(Math.abs(ratio - 1)).toBeLessThan(1e-3);
});

describe('the model', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-attack-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('may be a path, bytes, or a Buffer', async () => {
    const file = path.join(folder, 'model.onnx');
    writeFileSync(file, model);
    const lengths = [];
    for (const given of [file, model, Buffer.from(model)])
      lengths.push((await attack(given, data, { count: 8 })).summary.meanL2);
    expect(lengths[0]).toBeGreaterThan(0);
    expect(new Set(lengths).size).toBe(1);
  });

  test('that is not there, or no model, is refused by name', async () => {
    await expect(attack(path.join(folder, 'absent.onnx'), data)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(attack({} as string, data)).rejects.toThrow(
      'Expected a path, a URL or the bytes of an ONNX file for model',
    );
  });
});

test('an interrupted attack of two workers keeps what is done', async () => {
  const many = linearImages(3000);
  const interruption = new AbortController();
  const outcome = await attack(model, many, {
    workers: 2,
    lanes: 2,
    method: 'penalty',
    signal: interruption.signal,
    onProgress: ({ done }) => {
      if (done > 0) interruption.abort();
    },
  });
  expect(outcome.summary.interruptedOf).toBe(3000);
  expect(outcome.examples.length).toBeGreaterThan(0);
  expect(outcome.examples.length).toBeLessThan(3000);
  expect(outcome.summary.successRate).toBe(1);
});

describe('labels', () => {
  test('without them the answers of the model count as right', async () => {
    const { summary, examples } = await attack(model, { images: data.images });
    expect(summary).toMatchObject({ images: COUNT, alreadyMisclassified: 0, successRate: 1 });
    expect(examples.map(({ label }) => label)).toEqual(examples.map(({ cleanPrediction }) => cleanPrediction));
  });

  test('of 64 bits are taken; one that 32 bits would wrap is refused, as is what is no array', async () => {
    const { images, labels } = data;
    const long = BigInt64Array.from([...labels].map(BigInt));
    const { examples } = await attack(model, { images, labels: long });
    expect(examples.map(({ label }) => label)).toEqual([...labels]);
    long[1] = 4294967297n;
    await expect(attack(model, { images, labels: long })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(attack(model, { images, labels: 5 as never })).rejects.toThrow('an array of class indices for labels');
  });
});
