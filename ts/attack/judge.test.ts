import { describe, expect, test } from 'vitest';
import { CopyScorer } from '../model/scorer.ts';
import { logitsGraph } from '../onnx/attack_graph.ts';
import { readModel } from '../onnx/read_model.ts';
import { createSession } from '../runtime/node_session.ts';
import { distance, hardMargin, Judge, roundTo8Bits } from './judge.ts';
import { CLASSES, classOf, linearImages, linearModel, logitsOf, PIXELS } from './testing/linear_classifier.ts';

async function judgeOf(rows: number, use: (judge: Judge) => Promise<void>): Promise<void> {
  await using session = await createSession(logitsGraph(readModel(linearModel())));
  await use(new Judge(new CopyScorer(session), CLASSES, rows));
}

describe('the verdict', () => {
  const set = linearImages(11);
  const judged = { pixels: set.images, shape: set.shape, labels: set.labels };
  const untargeted = new Int32Array(set.count).fill(-1);
  const everything = Int32Array.from(set.labels.keys());

  // Batches of 4, 4 and 3.
  test("is the model's, image by image, whatever the batches", () =>
    judgeOf(4, async (judge) => {
      const { predictions, leastLikely } = await judge.classify(judged);
      expect([...predictions]).toEqual([...set.labels]);
      for (const index of everything) {
        const logits = logitsOf(set.images.subarray(index * PIXELS, (index + 1) * PIXELS));
        expect(logits[leastLikely[index] as number]).toBe(Math.min(...logits));
      }
      const verdicts = await judge.judge({ ...judged, targets: untargeted }, everything);
      for (const [index, { delivered }] of verdicts.entries()) {
        const { margin, success, prediction } = delivered;
        const logits = logitsOf(set.images.subarray(index * PIXELS, (index + 1) * PIXELS)).sort((a, b) => b - a);
        expect(margin).toBeCloseTo((logits[0] as number) - (logits[1] as number), 5);
        expect(success).toBe(false);
        expect(prediction).toBe(set.labels[index]);
      }
    }));

  test('follows the order of the indices asked for', () =>
    judgeOf(2, async (judge) => {
      const targets = untargeted;
      const picked = await judge.judge({ ...judged, targets }, Int32Array.of(7, 2, 9));
      expect(picked.map(({ delivered }) => delivered.prediction)).toEqual([7, 2, 9].map((index) => set.labels[index]));
    }));

  test('is success for a class that is reached, and for any wrong one', () =>
    judgeOf(4, async (judge) => {
      const wrongLabels = set.labels.map((label) => (label + 1) % CLASSES);
      const missing = await judge.judge({ ...judged, labels: wrongLabels, targets: untargeted }, everything);
      expect(missing.every(({ delivered }) => delivered.success && delivered.margin < 0)).toBe(true);
      const reached = await judge.judge({ ...judged, labels: wrongLabels, targets: set.labels }, everything);
      expect(reached.every(({ delivered }) => delivered.success)).toBe(true);
      const other = wrongLabels.map((label) => (label + 1) % CLASSES);
      const missed = await judge.judge({ ...judged, labels: wrongLabels, targets: other }, everything);
      expect(missed.some(({ delivered }) => delivered.success)).toBe(false);
    }));

  test.each([1.0001, -1e-6, Number.NaN])('is failure for a pixel of %d, outside the box', (value) =>
    judgeOf(4, async (judge) => {
      const pixels = set.images.slice();
      pixels[3 * PIXELS] = value;
      const labels = set.labels.map((label) => (label + 1) % CLASSES);
      const verdicts = await judge.judge({ ...judged, pixels, labels, targets: untargeted }, everything);
      expect(verdicts.map(({ delivered }) => delivered.success)).toEqual(
        Array.from(everything, (index) => index !== 3),
      );
    }),
  );

  test('after rounding is that of the rounded pixels, and leaves the pixels alone', () =>
    judgeOf(4, async (judge) => {
      const pixels = set.images.slice();
      const verdicts = await judge.judge({ ...judged, pixels, targets: untargeted }, everything);
      expect(pixels).toEqual(set.images);
      const rounded = set.images.slice();
      roundTo8Bits(rounded);
      expect(rounded).not.toEqual(set.images);
      for (const [index, { quantized }] of verdicts.entries()) {
        const image = rounded.subarray(index * PIXELS, (index + 1) * PIXELS);
        expect(quantized.margin).toBeCloseTo(
          hardMargin(Float32Array.from(logitsOf(image)), 0, CLASSES, classOf(image), -1),
          4,
        );
      }
    }));
});

test('rounding to 8 bits gives what a file gives back', () => {
  const pixels = Float32Array.of(0, 1, 0.5, 0.1, 0.9999, 1 / 255);
  roundTo8Bits(pixels);
  expect([...pixels]).toEqual([0, 255, 128, 26, 255, 1].map((level) => Math.fround(level / 255)));
});

test('hard margins, from any place in a batch', () => {
  const logits = Float32Array.of(9, 9, 9, 1, 4, 2);
  expect(hardMargin(logits, 3, 3, 1, -1)).toBe(2);
  expect(hardMargin(logits, 3, 3, 0, -1)).toBe(-3);
  expect(hardMargin(logits, 3, 3, 1, 2)).toBe(2);
  expect(hardMargin(logits, 3, 3, 0, 1)).toBe(-2);
  expect(hardMargin(Float32Array.of(1, Number.NaN), 0, 2, 0, -1)).toBeNaN();
});

test('distance is that of one image', () => {
  expect(distance(Float32Array.of(0, 0, 1, 1), Float32Array.of(9, 9, 1.5, 0), 1, 2)).toBeCloseTo(Math.sqrt(1.25), 7);
});
