import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttackResults } from '../attack/result.ts';
import { linearImages, linearModel, PIXELS } from '../attack/testing/linear_classifier.ts';
import { loadData } from '../data/load_data.ts';
import { formatNpz, parseNpz } from '../data/npz.ts';
import { parseCheckpoint } from '../nn/checkpoint.ts';
import { recordedRun } from './testing/recorded_run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-attack-'));
const at = (...names: string[]) => path.join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

// A small network that knows its digits somewhat.
beforeAll(async () => {
  await writeDigits();
  const train = [
    'train',
    '--model',
    'fc20-10',
    '--data',
    'mnist',
    '--count',
    '3000',
    '--epochs',
    '3',
    '--out',
    at('fc'),
  ];
  const { code, out, err } = await recordedRun(train);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(
    /model {3}fc20-10: \[784\] to 10 classes\n.*3,000 images of MNIST train.*\n\ntest accuracy \d+\.\d\u00a0%/,
  );
});

/** 128 digits as a file. */
async function writeDigits(): Promise<void> {
  const { images, labels } = await loadData('mnist', { count: 128 });
  const npz = formatNpz({ images: { shape: [128, 28, 28], data: images }, labels: { shape: [128], data: labels } });
  writeFileSync(at('digits.npz'), npz);
}

const resultsOf = (name: string): AttackResults => JSON.parse(readFileSync(at(name, 'results.json'), 'utf8'));

describe('training', () => {
  test('leaves a model, its record and nothing else', () => {
    expect(readdirSync(at('fc')).sort()).toEqual(['model.onnx', 'training.json']);
    const { testError, versions, seed } = JSON.parse(readFileSync(at('fc', 'training.json'), 'utf8'));
    expect(testError).toBeLessThan(0.5);
    expect(versions).toHaveProperty('onnxruntime');
    expect(seed).toBe(0);
  });

  test('that is interrupted keeps its epochs, and the same command goes on from there', async () => {
    const argv = ['train', '--model', 'fc10', '--data', at('digits.npz'), '--epochs', '100000', '--out', at('stopped')];
    const epochsOf = async () => {
      const interruption = new AbortController();
      // Training has begun when the data is named; an epoch takes about a millisecond.
      const onOut = (text: string) => {
        if (text.includes('data ')) setTimeout(() => interruption.abort(), 500);
      };
      const { code, out, err } = await recordedRun(argv, { signal: interruption.signal, onOut });
      expect({ code, err }).toEqual({ code: 130, err: '' });
      expect(out).toContain('Interrupted: the finished epochs are kept');
      expect(readdirSync(at('stopped'))).toEqual(['classifier.checkpoint.npz']);
      return parseCheckpoint(readFileSync(at('stopped', 'classifier.checkpoint.npz'))).history.length;
    };
    const first = await epochsOf();
    expect(first).toBeGreaterThan(0);
    expect(await epochsOf()).toBeGreaterThan(first);
  });
});

describe.each(['native', 'wasm'] as const)('the attack command with the %s kernel', (kernel) => {
  const name = `attack-${kernel}`;
  beforeAll(async () => {
    const argv = [
      'attack',
      '--model',
      at('fc'),
      '--data',
      'mnist',
      '--count',
      '40',
      '--kernel',
      kernel,
      '--out',
      at(name),
    ];
    const { code, out, err } = await recordedRun(argv);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`kernel  ${kernel}: asked for`);
    expect(out).toMatch(
      /At a mean distortion of 0\.\d{4}, the model answers wrongly\.\nfound {7}\d+ of \d+\u00a0images attacked \(100\u00a0%\)/,
    );
    expect(out).toContain(at(name, 'report.html'));
  });

  test('leaves a report, results, images and figures', () => {
    expect(readdirSync(at(name)).sort()).toEqual(['adversarial.npz', 'figures', 'report.html', 'results.json']);
    expect(readdirSync(at(name, 'figures')).length).toBeGreaterThan(0);
    const { summary, examples } = resultsOf(name);
    expect(examples).toHaveLength(40);
    expect(summary).toMatchObject({ images: 40, kernel, method: 'boundary', target: 'none', successRate: 1 });
    const html = readFileSync(at(name, 'report.html'), 'utf8');
    expect(html).toContain(`npx blindspot attack --model`);
    expect(html).toContain('SHA-256');
  });

  test('every image of adversarial.npz is in the box and gets another answer from plain ONNX Runtime', async () => {
    const arrays = parseNpz(readFileSync(at(name, 'adversarial.npz')));
    const images = arrays.get('images');
    const pixels = images?.data as Float32Array;
    expect(images?.shape).toEqual([40, 784]);
    expect(pixels.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect([...(arrays.get('indices')?.data ?? [])]).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(Array.from(arrays.get('targets')?.data ?? [], Number)).toEqual(new Array(40).fill(-1));
    const session = await InferenceSession.create(at('fc', 'model.onnx'));
    const [input = ''] = session.inputNames;
    const results = await session.run({ [input]: new Tensor('float32', pixels, [40, 784]) });
    const scores = results[session.outputNames[0] ?? '']?.data as Float32Array;
    for (const [row, { label, prediction }] of resultsOf(name).examples.entries()) {
      const own = scores.subarray(row * 10, (row + 1) * 10);
      expect(own.indexOf(Math.max(...own))).toBe(prediction);
      expect(prediction).not.toBe(label);
      expect(arrays.get('labels')?.data[row]).toBe(label);
    }
  });
});

test('the kernel: native and the kernel: wasm come to the same mean distance on digits', () => {
  const [native, wasm] = ['attack-native', 'attack-wasm'].map((name) => resultsOf(name).summary.meanL2 as number);
  expect(Math.abs((native as number) / (wasm as number) - 1)).toBeLessThan(1e-3);
});

test('targets of the data, a budget, two workers: all of it in the results', async () => {
  const { images, labels } = linearImages(12);
  const targets = labels.map((label) => (label + 1) % 3);
  const column = (data: Int32Array) => ({ shape: [12], data });
  const npz = formatNpz({
    images: { shape: [12, 4, 4], data: images },
    labels: column(labels),
    targets: column(targets),
  });
  writeFileSync(at('data.npz'), npz);
  writeFileSync(at('linear.onnx'), linearModel());
  const argv = [
    'attack',
    '--model',
    at('linear.onnx'),
    '--data',
    at('data.npz'),
    '--target',
    'labels',
    '--workers',
    '2',
  ];
  const { code, err } = await recordedRun([...argv, '--seed', '5', '--max-evaluations', '60', '--out', at('targeted')]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { summary, examples } = resultsOf('targeted');
  expect(summary).toMatchObject({ target: 'labels', workers: 2, seed: 5, succeeded: 12 });
  expect(examples.map(({ prediction }) => prediction)).toEqual([...targets]);
  expect(readFileSync(at('targeted', 'report.html'), 'utf8')).toContain('evaluations at most');
  expect(parseNpz(readFileSync(at('targeted', 'adversarial.npz'))).get('images')?.shape).toEqual([12, PIXELS]);
});

test('Ctrl-C keeps what is done; before anything is done it writes nothing', async () => {
  const argv = [
    'attack',
    '--model',
    at('fc'),
    '--data',
    'mnist',
    '--method',
    'penalty',
    '--lanes',
    '4',
    '--workers',
    '1',
  ];
  const interruption = new AbortController();
  // The search has begun when the kernel is named.
  const onOut = (text: string) => {
    if (text.includes('kernel ')) setTimeout(() => interruption.abort(), 1000);
  };
  const { code, out } = await recordedRun([...argv, '--out', at('partial')], { signal: interruption.signal, onOut });
  expect(code).toBe(130);
  const { summary, examples } = resultsOf('partial');
  expect(summary.interruptedOf).toBe(10_000);
  expect(out).toContain(`of 10,000\u00a0images were done and are kept`);
  expect(examples.length).toBe(summary.images);

  const early = await recordedRun([...argv, '--out', at('early')], { signal: AbortSignal.abort() });
  expect(early).toMatchObject({ code: 130, err: 'Interrupted before anything was done; nothing was written.\n' });
  expect(existsSync(at('early'))).toBe(false);
});
