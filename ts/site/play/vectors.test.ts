import { expect, test } from 'vitest';
import { answerOf, between, concatenated, distance } from './vectors.ts';

test('points of the line from an image to its mistake', () => {
  const [x, y] = [Float32Array.of(0, 0.5), Float32Array.of(0.25, 1)];
  expect([...between(x, y, 0)]).toEqual([0, 0.5]);
  expect([...between(x, y, 1)]).toEqual([0.25, 1]);
  expect([...between(x, y, 2)]).toEqual([0.5, 1]);
  expect(distance(Float32Array.of(0, 3), Float32Array.of(4, 0))).toBe(5);
  expect(answerOf(Float32Array.of(0.1, 0.7, 0.2))).toBe(1);
  expect([...concatenated([x, y])]).toEqual([0, 0.5, 0.25, 1]);
});
