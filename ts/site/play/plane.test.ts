import { expect, test } from 'vitest';
import { blockCentre, PLANE_CELLS, PLANE_FRAME, planeCoordinates, planeThrough, writePlanePoint } from './plane.ts';

const image = Float32Array.of(0.5, 0.5, 0.5, 0.5);
const mistake = Float32Array.of(0.7, 0.5, 0.5, 0.4);

test('the image, the mistake and any point of the plane come back', () => {
  const plane = planeThrough(image, mistake, { across: 'random', seed: 1, points: [] });
  expect(planeCoordinates(plane, image)).toEqual([0, 0]);
  const [a, b] = planeCoordinates(plane, mistake);
  expect(a).toBeCloseTo(1, 5);
  expect(b).toBeCloseTo(0, 5);
  const point = new Float32Array(4);
  writePlanePoint(plane, 1.5, -0.75, point);
  const [c, d] = planeCoordinates(plane, point);
  expect(c).toBeCloseTo(1.5, 5);
  expect(d).toBeCloseTo(-0.75, 5);
  expect(Math.hypot(...plane.across)).toBeCloseTo(Math.hypot(...plane.along), 5);
});

test('the second direction goes where the search strayed most, and is drawn where it did not', () => {
  const points = [Float32Array.of(0.6, 0.6, 0.5, 0.45), Float32Array.of(0.6, 0.5, 0.9, 0.45)];
  const plane = planeThrough(image, mistake, { across: 'search', seed: 1, points });
  const [, first, second] = [0, ...points.map((point) => planeCoordinates(plane, point)[1])];
  expect(Math.abs(first ?? 1)).toBeLessThan(0.1);
  expect(second).toBeGreaterThan(1);
  const straight = { seed: 4, points: [mistake] };
  expect(planeThrough(image, mistake, { across: 'search', ...straight })).toEqual(
    planeThrough(image, mistake, { across: 'random', ...straight }),
  );
});

test('blocks of every size tile the frame', () => {
  const { left, right, top } = PLANE_FRAME;
  const cell = (right - left) / PLANE_CELLS.columns;
  const [a, b] = blockCentre(0, 0, 8);
  expect(a).toBeCloseTo(left + 4 * cell, 9);
  expect(b).toBeCloseTo(top - 4 * cell, 9);
  expect(blockCentre(PLANE_CELLS.columns - 1, 0, 1)[0]).toBeCloseTo(right - cell / 2, 9);
});
