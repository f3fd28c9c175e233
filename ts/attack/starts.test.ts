import { expect, test } from 'vitest';
import type { ImageSet } from '../data/image_set.ts';
import { chooseStarts } from './starts.ts';

/** Images of one pixel. */
function setOf(pixels: number[], labels: number[]): ImageSet {
  return {
    images: Float32Array.from(pixels),
    shape: [1],
    count: pixels.length,
    labels: Int32Array.from(labels),
    source: 'pixels',
  };
}

const set = setOf([0, 0.1, 0.9, 0.5, 0.6], [0, 0, 1, 1, 2]);
const untargeted = new Int32Array(5).fill(-1);
const all = Int32Array.of(0, 1, 2, 3, 4);

test('the nearest of a few that the model answers otherwise, by its own answers', () => {
  expect([...chooseStarts(set, Int32Array.of(0, 0, 1, 1, 2), untargeted, all)]).toEqual([3, 3, 4, 4, 3]);
});

test('towards a target, one of that class alone; none where the data holds none', () => {
  const targets = Int32Array.of(2, 3, 0, -1, 1);
  const starts = chooseStarts(set, Int32Array.of(0, 0, 1, 1, 2), targets, all);
  expect(starts[0]).toBe(4);
  expect(starts[1]).toBe(-1);
  expect([0, 1]).toContain(starts[2]);
});

test('images that are not attacked have none, nor has data of one class', () => {
  expect([...chooseStarts(set, Int32Array.of(0, 0, 1, 1, 2), untargeted, Int32Array.of(1))]).toEqual([
    -1, 3, -1, -1, -1,
  ]);
  const one = setOf([0, 1], [0, 0]);
  expect([...chooseStarts(one, Int32Array.of(0, 0), untargeted.subarray(0, 2), Int32Array.of(0, 1))]).toEqual([-1, -1]);
});
