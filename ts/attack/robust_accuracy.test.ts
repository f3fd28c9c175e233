import { expect, test } from 'vitest';
import { attack } from './attack.ts';
import { robustAccuracy } from './robust_accuracy.ts';
import { linearImages, linearModel, PIXELS } from './testing/linear_classifier.ts';

test('falls from the accuracy to nothing, image by image', async () => {
  const outcome = await attack(linearModel(), linearImages(10, 2));
  const lengths = outcome.examples.filter(({ status }) => status !== 'already-misclassified').map(({ l2 }) => l2 ?? 0);
  expect(robustAccuracy(outcome, { l2: 0 })).toBeCloseTo(0.8, 12);
  lengths.sort((a, b) => a - b);
  for (const [taken, length] of lengths.entries()) {
    expect(robustAccuracy(outcome, { l2: length })).toBeCloseTo((8 - taken - 1) / 10, 12);
    const distortion = (length * (1 + 1e-12)) / Math.sqrt(PIXELS);
    expect(robustAccuracy(outcome, { distortion })).toBeCloseTo((8 - taken - 1) / 10, 12);
  }
  expect(robustAccuracy({ examples: [] }, { l2: 1 })).toBe(0);
  expect(() => robustAccuracy(outcome, { l2: Number.NaN })).toThrow('a number from 0 for l2');
});
