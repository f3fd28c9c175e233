import { expect, test } from 'vitest';
import type { ImageSet } from '../data/image_set.ts';
import { amplified, clipped, meanDistortion, withNoise } from './distortions.ts';

const set = (images: number[], shape: number[]): ImageSet => ({
  images: Float32Array.from(images),
  shape,
  count: images.length / shape.reduce((a, b) => a * b),
  labels: new Int32Array(images.length / shape.reduce((a, b) => a * b)),
  source: 'test',
});

test('amplified examples have the distortion wanted, each in its own direction', () => {
  const originals = set([0.5, 0.5, 0, 0], [2]);
  const adversarial = set([0.6, 0.5, 0.03, 0.04], [2]);
  const loud = amplified(originals, adversarial, 0.1);
  const { images } = loud;
  expect(meanDistortion(originals, loud)).toBeCloseTo(0.1, 6);
  expect(amplified(originals, adversarial, 0.01).images).toEqual(adversarial.images);
  expect(images[0]).toBeCloseTo(0.5 + 0.1 * Math.SQRT2, 6);
  expect(images[1]).toBe(0.5);
  expect((images[2] ?? 0) / (images[3] ?? 1)).toBeCloseTo(0.75, 6);
  expect(Math.sqrt(((images[2] ?? 0) ** 2 + (images[3] ?? 0) ** 2) / 2)).toBeCloseTo(0.1, 6);
});

test('noise has the stddev wanted and leaves the box, unless clipped', () => {
  const grey = set(new Array<number>(20_000).fill(0.5), [20_000]);
  const noisy = withNoise(grey, 0.3, 7);
  const variance = noisy.images.reduce((sum, value) => sum + (value - 0.5) ** 2, 0) / noisy.images.length;
  expect(Math.sqrt(variance)).toBeCloseTo(0.3, 2);
  expect(Math.max(...noisy.images)).toBeGreaterThan(1);
  expect(withNoise(grey, 0.3, 7).images).toEqual(noisy.images);
  expect(withNoise(grey, 0.3, 8).images).not.toEqual(noisy.images);
  const cut = clipped(noisy).images;
  expect([Math.min(...cut), Math.max(...cut)]).toEqual([0, 1]);
});
