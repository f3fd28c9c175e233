import { expect, test } from 'vitest';
import { convnet } from '../../models/convnet.ts';
import { fc } from '../../models/fc.ts';
import type { ModelEntry } from '../../models/model_entry.ts';
import { buildInferenceModel } from '../nn/inference_model.ts';
import { drawParameters, parameterSpecs } from '../nn/network.ts';
import type { Model } from '../onnx/model.ts';
import { readModel } from '../onnx/read_model.ts';
import { estimateSeconds, products } from './work_estimate.ts';

function modelOf({ definition }: ModelEntry): Model {
  const specs = parameterSpecs(definition);
  const drawn = drawParameters(specs, 0);
  const values = new Map(specs.map(({ name }, i) => [name, drawn[i] ?? new Float32Array()]));
  return readModel(buildInferenceModel(definition, values));
}

test('products of dense layers are their weights', () => {
  expect(products(modelOf(fc([100, 100, 10])))).toBe(784 * 100 + 100 * 100 + 100 * 10);
});

test('products of convolutions count every place', () => {
  expect(products(modelOf(convnet()))).toBe(16 * 24 * 24 * 25 + 32 * 8 * 8 * 16 * 25 + 512 * 10);
});

test('the estimate grows with images and method, not without bounds: 100 images of FC100 take a tenth of a second', () => {
  const model = modelOf(fc([100, 100, 10]));
  const seconds = estimateSeconds(model, { images: 100, method: 'boundary', effort: 'fast' });
  expect(seconds).toBeGreaterThan(0.02);
  expect(seconds).toBeLessThan(0.2);
  expect(estimateSeconds(model, { images: 200, method: 'boundary', effort: 'fast' })).toBeCloseTo(2 * seconds, 10);
  expect(estimateSeconds(model, { images: 100, method: 'penalty', effort: 'fast' })).toBeGreaterThan(3 * seconds);
});
