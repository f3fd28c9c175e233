import { expect, test } from 'vitest';
import { Random } from '../../base/random.ts';
import type { ImageSet } from '../../data/image_set.ts';
import { buildInferenceModel } from '../../nn/inference_model.ts';
import { dense } from '../../nn/layers.ts';
import { readModel } from '../../onnx/read_model.ts';
import { exactDistance, linearModel } from '../exact_distance.ts';
import { scaledScores } from '../zoo/scaled_scores.ts';
import { adamPenalty } from './adam_penalty.ts';
import { ddn } from './ddn.ts';
import { type Opinion, Oracle } from './oracle.ts';
import { pdgd } from './pdgd.ts';

const PIXELS = 30;
const IMAGES = 6;

/** A linear model of four classes, and images with pixels at both walls of the box. */
function linear(): { bytes: Uint8Array<ArrayBuffer>; images: ImageSet; exact: number[] } {
  const random = new Random(3);
  const weights = Float32Array.from({ length: PIXELS * 4 }, () => random.normal());
  const parameters = new Map([
    ['fc1.weight', weights],
    ['fc1.bias', new Float32Array(4)],
  ]);
  const bytes = buildInferenceModel({ name: 'linear', inputShape: [PIXELS], layers: [dense(4)] }, parameters);
  const model = linearModel(readModel(bytes));
  if (model === undefined) throw new TypeError('not linear');
  const images = Float32Array.from({ length: IMAGES * PIXELS }, () =>
    Math.min(1, Math.max(0, 1.4 * random.uniform() - 0.2)),
  );
  const row = (index: number) => images.subarray(index * PIXELS, (index + 1) * PIXELS);
  const labels = Int32Array.from({ length: IMAGES }, (_, index) => {
    const score = (k: number) => row(index).reduce((sum, pixel, i) => sum + pixel * (weights[i * 4 + k] as number), 0);
    const scores = [0, 1, 2, 3].map(score);
    return scores.indexOf(Math.max(...scores));
  });
  const exact = Array.from(labels, (label, index) => exactDistance(model, row(index), label, -1));
  return { bytes, images: { images, shape: [PIXELS], count: IMAGES, labels, source: 'linear' }, exact };
}

const OPINIONS: Readonly<Record<string, { opinion: Opinion; within: number }>> = {
  ddn: { opinion: ddn(), within: 0.01 },
  pdgd: { opinion: pdgd(), within: 0.02 },
  'adam penalty': { opinion: adamPenalty(), within: 0.02 },
};

test.each(Object.entries(OPINIONS))(
  '%s comes near the exact distances of a linear model, and not under them',
  async (_, { opinion, within }) => {
    const { bytes, images, exact } = linear();
    await using oracle = await Oracle.create(bytes, images);
    const found = await opinion(oracle);
    for (const [i, distance] of exact.entries()) {
      expect(found[i]).toBeGreaterThan(distance * (1 - 1e-5));
      expect(found[i]).toBeLessThan(distance * (1 + within));
    }
  },
);

test('a factor on the scores changes no answer', async () => {
  const { bytes, images } = linear();
  const scaled = scaledScores(bytes, 1e-3);
  if (scaled === undefined) throw new TypeError('not scaled');
  await using plain = await Oracle.create(bytes, images);
  await using small = await Oracle.create(scaled, images);
  await plain.ask();
  await small.ask();
  expect(small.predictions()).toEqual(plain.predictions());
  for (const [row, margin] of plain.margins.entries()) expect(small.margins[row]).toBeCloseTo(1e-3 * margin, 8);
});

test('an aborted opinion stops', async () => {
  const { bytes, images } = linear();
  await using oracle = await Oracle.create(bytes, images);
  await expect(ddn()(oracle, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
});
