import { describe, expect, it } from 'vitest';
import { example } from './outcome.fixture.ts';
import {
  confusion,
  distortionAtAccuracy,
  evenlySpaced,
  foundExamples,
  landmarks,
  niceMagnification,
  quantile,
  robustnessCorners,
} from './outcome_statistics.ts';

const wrong = (index: number) => example(index, { status: 'already-misclassified', l2: 0, distortion: 0 });
const failed = (index: number) =>
  example(index, { status: 'failed', success: false, l2: null, distortion: null, kktResidual: null });
const at = (index: number, distortion: number) => example(index, { distortion, l2: 28 * distortion });

describe('found examples', () => {
  it('are the adversarial ones that were attacked, by distortion and then by place', () => {
    const examples = [at(0, 0.3), wrong(1), at(2, 0.1), failed(3), at(4, 0.1)];
    expect(foundExamples(examples).map(({ index }) => index)).toEqual([2, 4, 0]);
  });

  it('leave out a candidate that was judged not adversarial', () => {
    expect(foundExamples([example(0, { success: false, status: 'budget' })])).toEqual([]);
  });
});

describe('robust accuracy', () => {
  it('starts under the misclassified, falls at each distortion, and counts failures as right', () => {
    const examples = [at(0, 0.2), wrong(1), at(2, 0.1), failed(3), at(4, 0.1)];
    expect(robustnessCorners(examples)).toEqual([
      { distortion: 0, accuracy: 0.8 },
      { distortion: 0.1, accuracy: 0.4 },
      { distortion: 0.2, accuracy: 0.2 },
    ]);
  });

  it('is flat without examples found and empty without images', () => {
    expect(robustnessCorners([wrong(0), wrong(1)])).toEqual([{ distortion: 0, accuracy: 0 }]);
    expect(robustnessCorners([])).toEqual([]);
  });

  it('names the distortion at which a share is lost, if it ever is', () => {
    const corners = robustnessCorners([at(0, 0.1), at(1, 0.2), failed(2), failed(3)]);
    expect(distortionAtAccuracy(corners, 0.5)).toBe(0.2);
    expect(distortionAtAccuracy(corners, 0.4)).toBeNull();
  });
});

it('counts which class becomes which, the commonest change first', () => {
  const found = foundExamples([
    example(0, { label: 4, prediction: 9 }),
    example(1, { label: 9, prediction: 4 }),
    example(2, { label: 4, prediction: 9 }),
  ]);
  expect(confusion(found)).toEqual({
    classes: [4, 9],
    counts: [
      [0, 2],
      [1, 0],
    ],
    pairs: [
      { from: 4, to: 9, count: 2 },
      { from: 9, to: 4, count: 1 },
    ],
  });
});

it('interpolates quantiles', () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([1, 2, 3, 4], 1)).toBe(4);
  expect(quantile([], 0.5)).toBeNull();
});

it('chooses evenly spaced ranks, the ends among them', () => {
  const items = Array.from({ length: 101 }, (_, i) => i);
  expect(evenlySpaced(items, 5)).toEqual([0, 25, 50, 75, 100]);
  expect(evenlySpaced(items, 1)).toEqual([50]);
  expect(evenlySpaced([1, 2], 5)).toEqual([1, 2]);
  expect(new Set(evenlySpaced(items, 60)).size).toBe(60);
});

it('finds the landmarks of few and of many', () => {
  expect(landmarks([])).toBeNull();
  expect(landmarks(['a'])).toEqual({ first: 'a', middle: 'a', last: 'a' });
  expect(landmarks(['a', 'b', 'c', 'd'])).toEqual({ first: 'a', middle: 'b', last: 'd' });
});

it.each([
  [[0.24, 0.1, 0.5], 1, 4],
  [[0.1], 1, 10],
  [[0.1], 0.5, 5],
  [[0.013], 1, 60],
  [[0.9], 1, 1],
  [[], 1, 1],
  [[0, Number.NaN], 1, 1],
])('magnifies changes of %j within ±%d by %d', (changes, range, factor) => {
  expect(niceMagnification(changes, range)).toBe(factor);
});
