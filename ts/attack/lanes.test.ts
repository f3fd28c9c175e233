import { describe, expect, test } from 'vitest';
import { readModel } from '../onnx/read_model.ts';
import { convolutionalClassifier } from '../onnx/testing/classifiers.ts';
import { activationBytes, chooseLanes, MOST_LANES, shareMemory, smoothingBytes } from './lanes.ts';
import { CLASSES, linearModel, PIXELS } from './testing/linear_classifier.ts';

const budget = {
  provider: 'cpu' as const,
  images: 100,
  workers: 1,
  maxMemory: 2 ** 31,
  searchBytes: (lanes: number) => 1000 + 100 * lanes,
  activationBytes: 50,
};

test('as many lanes as images, up to the most that help', () => {
  expect(chooseLanes({ ...budget, images: 20 })).toBe(20);
  expect(chooseLanes({ ...budget, images: 1e6 })).toBe(MOST_LANES.cpu);
  expect(chooseLanes({ ...budget, images: 1e6, provider: 'webgpu' })).toBe(MOST_LANES.webgpu);
  expect(chooseLanes({ ...budget, images: 101, workers: 4 })).toBe(26);
  expect(chooseLanes({ ...budget, images: 0 })).toBe(1);
});

test('fewer when memory is short, counting every worker', () => {
  const lanes = chooseLanes({ ...budget, workers: 2, maxMemory: 2 * (1000 + 150 * 20) });
  expect(lanes).toBe(12);
});

test('not even one lane fits: says how much is needed', () => {
  expect(() => chooseLanes({ ...budget, workers: 2, maxMemory: 2000 })).toThrow(
    expect.objectContaining({
      code: 'OUT_OF_MEMORY',
      message: expect.stringContaining('at least 2300 bytes for 2 workers'),
    }),
  );
});

test('activations of a model: three times its values, in bytes', () => {
  expect(activationBytes(readModel(linearModel()))).toBe(3 * 4 * (PIXELS + CLASSES));
});

test('smoothed gradients: three times the windows of a model, in bytes', () => {
  expect(smoothingBytes(readModel(linearModel()))).toBe(0);
  // 3 channels of 3 × 3 windows, 2 × 2 each.
  expect(smoothingBytes(readModel(convolutionalClassifier({ batch: 'N' })))).toBe(3 * 4 * (27 * 4));
});

describe('memory that is too small for a lane of each worker', () => {
  const lane = budget.searchBytes(1) + budget.activationBytes;
  const small = { ...budget, workers: 4, maxMemory: 2 * lane };

  test('is shared by fewer workers, unless so many were asked for', () => {
    expect(shareMemory(small, { workers: false, maxMemory: true })).toEqual({ workers: 2, lanes: 1 });
    expect(() => shareMemory(small, { workers: true, maxMemory: true })).toThrow(/at least \d+ bytes for 4 workers/);
  });

  test('gives way to a large model, unless it was asked for', () => {
    const least = { ...budget, workers: 2, maxMemory: lane - 1 };
    expect(shareMemory(least, { workers: false, maxMemory: false })).toEqual({ workers: 1, lanes: 1 });
    expect(() => shareMemory(least, { workers: false, maxMemory: true })).toThrow(/for 1 worker with one lane/);
  });
});
