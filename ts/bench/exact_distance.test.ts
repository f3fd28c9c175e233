import { expect, test } from 'vitest';
import { linearModel as linearClassifier } from '../attack/testing/linear_classifier.ts';
import { buildInferenceModel } from '../nn/inference_model.ts';
import { dense, sigmoid } from '../nn/layers.ts';
import { readModel } from '../onnx/read_model.ts';
import { exactDistance, type LinearModel, linearModel } from './exact_distance.ts';

/** z = (x₀ + x₁, 1.2): a change to class 1 goes along the diagonal until a pixel is 0. */
const DIAGONAL: LinearModel = {
  n: 2,
  classes: 2,
  weights: Float64Array.of(1, 0, 1, 0),
  bias: Float64Array.of(0, 1.2),
};

test('inside the box it is the distance to the plane', () => {
  expect(exactDistance(DIAGONAL, [0.9, 0.9], 0, -1)).toBeCloseTo(0.6 / Math.SQRT2, 12);
  expect(exactDistance(DIAGONAL, [0.9, 0.9], 0, 1)).toBeCloseTo(0.6 / Math.SQRT2, 12);
});

test('a pixel at its bound stays there', () => {
  const towards: LinearModel = { ...DIAGONAL, bias: Float64Array.of(0, 0.5) };
  // From (0.1, 1): the first pixel ends at 0, the second goes on to 0.5.
  expect(exactDistance(towards, [0.1, 1], 0, -1)).toBeCloseTo(Math.hypot(0.1, 0.5), 12);
});

test('a class out of reach of the box has no distance', () => {
  expect(exactDistance({ ...DIAGONAL, bias: Float64Array.of(0, -1) }, [0.5, 0.5], 0, 1)).toBeNaN();
});

test('a corner of three halfspaces: no point nearer that is answered so, found by trying', () => {
  // z = (1.2 + 0.5 x₀, 1.1 + 0.6 x₁, 1 + 0.9 x₂, x₀ + x₁ + x₂)
  const model: LinearModel = {
    n: 3,
    classes: 4,
    weights: Float64Array.of(0.5, 0, 0, 1, 0, 0.6, 0, 1, 0, 0, 0.9, 1),
    bias: Float64Array.of(1.2, 1.1, 1, 0),
  };
  const image = [0.2, 0.1, 0.6];
  const exact = exactDistance(model, image, 0, 3);
  let nearest = Number.POSITIVE_INFINITY;
  const steps = 80;
  for (let a = 0; a <= steps; a++)
    for (let b = 0; b <= steps; b++)
      for (let c = 0; c <= steps; c++) {
        const y = [a / steps, b / steps, c / steps] as const;
        const score = (k: number) =>
          y.reduce((sum, v, i) => sum + v * (model.weights[i * 4 + k] as number), model.bias[k] as number);
        if ([0, 1, 2].every((k) => score(k) <= score(3)))
          nearest = Math.min(nearest, Math.hypot(y[0] - 0.2, y[1] - 0.1, y[2] - 0.6));
      }
  expect(exact).toBeLessThanOrEqual(nearest);
  expect(exact).toBeGreaterThan(nearest - 2 / steps);
});

test('only a single dense layer is taken for linear', () => {
  const weights = (n: number) =>
    new Map([
      ['fc1.weight', new Float32Array(n * 10).fill(0.5)],
      ['fc1.bias', new Float32Array(10)],
    ]);
  const model = buildInferenceModel({ name: 'm', inputShape: [4], layers: [dense(10)] }, weights(4));
  expect(linearModel(readModel(model))).toMatchObject({ n: 4, classes: 10 });
  const deep = buildInferenceModel({ name: 'm', inputShape: [4], layers: [dense(10), sigmoid] }, weights(4));
  expect(linearModel(readModel(deep))).toBeUndefined();
  // A product without a bias is none of ours.
  expect(linearModel(readModel(linearClassifier()))).toBeUndefined();
});
