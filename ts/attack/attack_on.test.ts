import { describe, expect, test } from 'vitest';
import type { ImageSet } from '../data/image_set.ts';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import { attackWith } from './attack_model.ts';
import type { AttackOptions } from './attack_options.ts';
import type { AttackProgress } from './progress.ts';
import { doublePlatform } from './testing/double_platform.ts';
import { CLASSES, classOf, linearImages, linearModel, PIXELS } from './testing/linear_classifier.ts';
import type { DoubleBehaviour } from './testing/search_double.ts';

const model = linearModel();

const run = (data: ImageSet, options: AttackOptions = {}, behaviour: DoubleBehaviour = {}) =>
  attackWith(doublePlatform(behaviour), model, data, options);

const imageOf = (pixels: Float32Array, row: number) => pixels.subarray(row * PIXELS, (row + 1) * PIXELS);

describe('an attack', () => {
  test('delivers an adversarial image for each, and a summary of them', async () => {
    const data = linearImages(12);
    const { summary, examples, imageShape, originals, adversarial } = await run(data, { seed: 3 });
    expect(imageShape).toEqual([PIXELS]);
    expect(originals).toEqual(data.images);
    for (const [row, example] of examples.entries()) {
      expect(example).toMatchObject({ index: row, target: null, success: true, status: 'converged', starts: 1 });
      expect(example.cleanPrediction).toBe(data.labels[row]);
      expect(classOf(imageOf(adversarial, row))).toBe(example.prediction);
      expect(example.prediction).not.toBe(example.label);
      const change = imageOf(adversarial, row).map((value, i) => value - (imageOf(originals, row)[i] as number));
      expect(example.l2).toBeCloseTo(Math.hypot(...change), 6);
      expect(example.distortion).toBeCloseTo(Math.hypot(...change) / Math.sqrt(PIXELS), 6);
    }
    const lengths = examples.map(({ l2 }) => l2 as number).sort((a, b) => a - b);
    expect(summary).toMatchObject({
      images: 12,
      alreadyMisclassified: 0,
      succeeded: 12,
      successRate: 1,
      method: 'boundary',
      effort: 'fast',
      target: 'none',
      kernel: 'wasm',
      instructionSet: 'scalar',
      provider: 'cpu',
      workers: 1,
      seed: 3,
      versions: { blindspot: 'test' },
    });
    expect(summary.meanL2).toBeCloseTo(lengths.reduce((sum, length) => sum + length, 0) / 12, 12);
    expect(summary.medianL2).toBeCloseTo(((lengths[5] as number) + (lengths[6] as number)) / 2, 12);
    expect(summary.evaluationsPerImage).toBe(examples.reduce((sum, { evaluations }) => sum + evaluations, 0) / 12);
    expect(summary).not.toHaveProperty('interruptedOf');
  });

  test.each(['none', 'random', 'least-likely'] as const)(
    'reports images misclassified from the start apart, with distortion 0 unless another class was wanted: target %s',
    async (target) => {
      const { summary, examples, originals, adversarial } = await run(linearImages(10, 3), { target });
      for (const example of examples.slice(0, 3)) {
        const { label, cleanPrediction, prediction, l2, distortion, status, evaluations, success } = example;
        const reached = example.target === null || example.target === prediction;
        const zero = reached ? 0 : null;
        expect({ l2, distortion, status, evaluations, success }).toEqual({
          l2: zero,
          distortion: zero,
          status: 'already-misclassified',
          evaluations: 0,
          success: reached,
        });
        expect(prediction).toBe(cleanPrediction);
        expect(prediction).not.toBe(label);
      }
      expect(adversarial.subarray(0, 3 * PIXELS)).toEqual(originals.subarray(0, 3 * PIXELS));
      expect(summary).toMatchObject({ images: 10, alreadyMisclassified: 3, succeeded: 7, successRate: 1 });
      expect(summary.meanL2).toBeGreaterThan(0);
    },
  );

  test('with every image misclassified already searches nothing', async () => {
    const { summary } = await run(linearImages(4, 4));
    expect(summary).toMatchObject({ alreadyMisclassified: 4, succeeded: 0, successRate: 0, meanL2: null });
  });

  test.each(['random', 'least-likely', 'labels'] as const)('reaches the targets: %s', async (target) => {
    const images = linearImages(8);
    const data = { ...images, targets: images.labels.map((label) => (label + 2) % CLASSES) };
    const { examples, summary } = await run(data, { target, seed: 5 });
    expect(summary.succeeded).toBe(8);
    expect(summary.target).toBe(target);
    for (const { prediction, target: wanted, label } of examples) {
      expect(prediction).toBe(wanted);
      expect(wanted).not.toBe(label);
    }
    if (target === 'labels') expect(examples.map((example) => example.target)).toEqual([...data.targets]);
  });

  test('reaches one class from images of the others', async () => {
    const images = linearImages(30);
    const others = [...images.labels.keys()].filter((index) => images.labels[index] !== 1);
    const data = {
      images: Float32Array.from(others.flatMap((index) => [...imageOf(images.images, index)])),
      labels: others.map((index) => images.labels[index] as number),
    };
    const { examples } = await attackWith(doublePlatform(), model, data, { target: 1 });
    expect(examples.length).toBeGreaterThan(5);
    expect(examples.every(({ prediction }) => prediction === 1)).toBe(true);
  });

  test("never takes the search's word for success", async () => {
    const { summary, examples } = await run(linearImages(5), {}, { lies: true });
    expect(summary).toMatchObject({ succeeded: 0, successRate: 0, meanL2: null });
    for (const example of examples)
      expect(example).toMatchObject({ success: false, status: 'failed', l2: null, kktResidual: null });
  });

  test('gives the verdict on what 8 bits keep', async () => {
    const { examples, adversarial } = await run(linearImages(40));
    for (const [row, { quantized, label }] of examples.entries()) {
      const rounded = imageOf(adversarial, row).map((value) => Math.fround(Math.round(value * 255) / 255));
      expect(quantized).toEqual({ prediction: classOf(rounded), success: classOf(rounded) !== label });
    }
    expect(new Set(examples.map(({ quantized }) => quantized.success)).size).toBe(2);
  });

  test('takes the first images that count asks for', async () => {
    const { examples } = await run(linearImages(9), { count: 4 });
    expect(examples.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  });

  test('of a model that answers NaN says so, image by image', async () => {
    const graph = new GraphBuilder();
    const image = graph.input('image', 'float32', ['N', PIXELS]);
    // The root of a negative number where the first pixel is under a half.
    const root = graph.sqrt(
      graph.sub(
        image,
        graph.constant(
          Float32Array.from({ length: PIXELS }, (_, i) => (i ? 0 : 0.5)),
          [PIXELS],
        ),
      ),
    );
    const ramp = Float32Array.from({ length: PIXELS * CLASSES }, (_, i) => i % CLASSES);
    graph.output(graph.matmul(root, graph.constant(ramp, [PIXELS, CLASSES])), 'scores');
    const images = new Float32Array(2 * PIXELS).fill(0.7);
    images[PIXELS] = 0.3;
    const { examples } = await attackWith(doublePlatform(), graph.toBytes(), { images, labels: [2, 2] }, {});
    expect(examples[0]?.cleanPrediction).toBe(2);
    expect(examples[1]).toMatchObject({ status: 'not-finite', success: false, l2: null, cleanPrediction: -1 });
  });

  test('tells its progress', async () => {
    const told: AttackProgress[] = [];
    await run(linearImages(20, 5), { lanes: 2, onProgress: (progress) => told.push(progress) });
    expect(told[0]).toMatchObject({ phase: 'searching', total: 20, done: 5, successRate: null, secondsLeft: null });
    expect(told.at(-1)).toMatchObject({ phase: 'judging', done: 20, succeeded: 15, successRate: 1, secondsLeft: 0 });
    expect(told.at(-1)?.meanDistortion).toBeCloseTo((told.at(-1)?.meanL2 as number) / Math.sqrt(PIXELS), 12);
  });
});

describe('an interrupted attack', () => {
  test('keeps what is done, at its place in the data', async () => {
    const interruption = new AbortController();
    const counts: number[] = [];
    // Aborts in the middle: the third full batch.
    const push = counts.push.bind(counts);
    counts.push = (count) => {
      if (counts.length === 12) interruption.abort();
      return push(count);
    };
    const data = linearImages(40, 2);
    const { summary, examples, adversarial, originals } = await run(
      data,
      { lanes: 3, signal: interruption.signal },
      { counts },
    );
    expect(summary.interruptedOf).toBe(40);
    expect(summary.images).toBe(examples.length);
    expect(examples.length).toBeGreaterThan(2);
    expect(examples.length).toBeLessThan(40);
    expect(adversarial.length).toBe(examples.length * PIXELS);
    for (const [row, { index, prediction }] of examples.entries()) {
      expect(imageOf(originals, row)).toEqual(imageOf(data.images, index));
      expect(classOf(imageOf(adversarial, row))).toBe(prediction);
    }
  });

  test('before anything is done throws the reason', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(run(linearImages(4), { signal })).rejects.toThrow('enough');
  });
});

describe('refusals, in one line', () => {
  const data = linearImages(6);
  const changed = (change: (images: Float32Array) => void): ImageSet => {
    const images = data.images.slice();
    change(images);
    return { ...data, images };
  };
  const withLabels = (...labels: number[]): ImageSet => ({ ...data, labels: Int32Array.from(labels) });
  const targets = data.labels.map((label) => (label + 1) % CLASSES);
  targets[4] = data.labels[4] as number;

  const cases: [string, () => Promise<unknown>, RegExp][] = [
    [
      'NaN in images',
      () => run(changed((images) => images.fill(Number.NaN, 20, 21))),
      /has a pixel that is NaN at image 1, pixel 4/,
    ],
    [
      'pixels over 1',
      () => run(changed((images) => images.fill(200, 3, 4))),
      /has a pixel of 200 at image 0, pixel 3: pixels must be in \[0, 1\]; divide by 255/,
    ],
    ['pixels under 0', () => run(changed((images) => images.fill(-0.5, 3, 4))), /has a pixel of -0.5 at image 0/],
    [
      'labels outside the classes',
      () => run(withLabels(0, 1, 2, 3, 0, 0)),
      /has label 3 at image 3: labels must be in 0 … 2/,
    ],
    ['negative labels', () => run(withLabels(0, -1, 2, 0, 0, 0)), /has label -1 at image 1/],
    [
      'target equal to the label',
      () => run({ ...data, targets }, { target: 'labels' }),
      /has target \d equal to the label at image 4/,
    ],
    ['no targets', () => run(data, { target: 'labels' }), /has no targets/],
    [
      'a class for all that is a label',
      () => run(data, { target: data.labels[0] as number }),
      /at image 0, which is the target/,
    ],
    [
      'empty data',
      () => run({ ...data, images: new Float32Array(), labels: new Int32Array(), count: 0 }),
      /holds no images/,
    ],
    [
      'empty arrays',
      () => attackWith(doublePlatform(), model, { images: new Float32Array(), labels: [] }, {}),
      /holds no images/,
    ],
    ['count over the data', () => run(data, { count: 7 }), /has 6 images but count asks for 7/],
    [
      'another size',
      () => run({ ...data, shape: [4, 4, 2], count: 3 }),
      /The model takes images of shape \[16\] but linear images has \[4, 4, 2\]/,
    ],
    [
      'pixels that make no image',
      () => attackWith(doublePlatform(), model, { images: new Float32Array(17), labels: [0] }, {}),
      /16 pixels each, but received 17/,
    ],
    ['fewer labels', () => run(withLabels(0)), /has 6 images but 1 labels/],
    [
      'not an ONNX file',
      () => attackWith(doublePlatform(), new TextEncoder().encode('hello'), data, {}),
      /Not an ONNX model/,
    ],
    [
      'truncated ONNX',
      () => attackWith(doublePlatform(), model.slice(0, model.length >> 1), data, {}),
      /truncated or damaged/,
    ],
    [
      'weights that are not finite',
      () => attackWith(doublePlatform(), linearModel(Number.NaN), data, {}),
      /weights.*(NaN|not finite)/i,
    ],
    ['memory for no lane', () => run(data, { maxMemory: 100 }), /at least \d+ bytes/],
  ];
  test.each(cases)('%s', async (_what, attempt, message) => {
    const error = await attempt().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'BlindspotError', message: expect.stringMatching(message) });
    expect(String(error)).not.toContain('\n');
  });

  test.each([
    [{ target: 'nearest' }, 'none, random, least-likely, labels or a class index for target but received "nearest"'],
    [{ method: 'fgsm' }, 'Expected boundary, penalty or deepfool for method but received "fgsm"'],
    [{ effort: 'some' }, 'Expected fast, thorough or exhaustive for effort'],
    [{ kernel: 'rust' }, 'Expected auto, native or wasm for kernel but received "rust"'],
    [{ provider: 'tpu' }, 'Expected one of cpu, cuda, webgpu, wasm for provider but received "tpu"'],
    [{ workers: 0 }, 'Expected an integer from 1 to 256 for workers but received 0'],
    [{ lanes: 1.5 }, 'for lanes but received 1.5'],
    [{ seed: -1 }, 'Expected an integer of at least 0 for seed but received -1'],
    [{ quantize: 17 }, 'Expected an integer from 0 to 16 for quantize but received 17'],
    [{ maxEvaluations: -3 }, 'for maxEvaluations but received -3'],
    [{ epsilon: 0.1 }, 'for a key of attack options but received "epsilon"'],
  ])('option %j', async (options, message) => {
    await expect(run(data, options as AttackOptions)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });
});
