import { expect, test } from 'vitest';
import { QUOCNET_RECIPE } from '../../models/quocnet.ts';
import { Random } from '../base/random.ts';
import type { ImageSet } from '../data/image_set.ts';
import { evaluate } from '../nn/evaluate.ts';
import { createSession } from '../runtime/node_session.ts';
import { carsAndOthers, trainedOnPixels } from './quocnet_model.ts';
import { quocnetClaims } from './quocnet_report.ts';
import { proportion } from './statistics.ts';

const purity = {
  probes: 512,
  natural: 0.4,
  random: 0.39,
  chance: 0.27,
  difference: 0.01,
  interval: [-0.02, 0.03] as [number, number],
  distinguishable: false,
};
const measures = {
  attacked: 64,
  found: 64,
  distortion: 0.003,
  carDistortion: 0.002,
  otherDistortion: 0.004,
  noiseError: proportion(1, 64),
  units: { purity },
};

test('what is alike and means something holds', () => {
  expect(quocnetClaims(measures).map(({ verdict }) => verdict)).toEqual(['holds', 'holds']);
});

test('units that mean hardly more than chance, or more than directions, are told as they are', () => {
  const judged = (changed: Partial<typeof purity>) =>
    quocnetClaims({ ...measures, found: 63, units: { purity: { ...purity, ...changed } } });
  const [found, alike] = judged({ natural: 0.28, random: 0.28 });
  expect(found).toMatchObject({ verdict: 'holds in part' });
  expect(alike).toMatchObject({ verdict: 'holds in part' });
  expect(alike?.finding).toContain('little meaning is there to compare');
  expect(judged({ distinguishable: true })[1]).toMatchObject({ verdict: 'does not hold' });
});

test('as many others as cars, whatever the seed', () => {
  const labels = Int32Array.from({ length: 60 }, (_, i) => i % 10);
  const images: ImageSet = { images: Float32Array.from(labels), shape: [1], count: 60, labels, source: 'test' };
  const chosen = carsAndOthers(images, 3);
  expect(chosen.count).toBe(12);
  expect(Array.from(chosen.labels)).toEqual(Array.from(chosen.images, (pixel) => Number(pixel === 1)));
  expect(chosen.labels.reduce((sum, label) => sum + label, 0)).toBe(6);
});

test('a layer on the pixels learns what is linear in them', async () => {
  const random = new Random(5);
  const images = Float32Array.from({ length: 2000 * 12 }, () => random.uniform());
  const redder = (i: number) => Number((images[12 * i] ?? 0) > (images[12 * i + 4] ?? 0));
  const labels = Int32Array.from({ length: 2000 }, (_, i) => redder(i));
  const train: ImageSet = { images, shape: [3, 2, 2], count: 2000, labels, source: 'test' };
  const bytes = await trainedOnPixels(train, QUOCNET_RECIPE.classifier, { seed: 1 });
  expect((await evaluate(bytes, train, { createSession })).error).toBeLessThan(0.1);
});
