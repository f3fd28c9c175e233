import { expect, test } from 'vitest';
import { Random } from '../../base/random.ts';
import { buildInferenceModel } from '../../nn/inference_model.ts';
import { batchNorm, conv, dense, flatten, type Layer, maxPool, relu, residual } from '../../nn/layers.ts';
import { drawParameters, parameterSpecs } from '../../nn/network.ts';
import { readModel } from '../../onnx/read_model.ts';
import { circularConvolutionNorm } from './convolution_symbol.ts';
import { productOfNorms, trainedNorms } from './trained_norms.ts';

function network(layers: readonly Layer[], given: ReadonlyMap<string, Float32Array> = new Map()) {
  const definition = { name: 'net', inputShape: [2, 8, 8], layers };
  const specs = parameterSpecs(definition);
  const values = drawParameters(specs, 3);
  const parameters = new Map(specs.map(({ name }, i) => [name, given.get(name) ?? (values[i] as Float32Array)]));
  return { model: readModel(buildInferenceModel(definition, parameters)), parameters };
}

test('convolutions by the formula, dense layers by the largest singular value, and their product', async () => {
  const { model, parameters } = network(
    [conv(3, 3, { padding: 1 }), relu, maxPool(2), flatten, dense(2)],
    new Map([['fc1.weight', new Float32Array(96).fill(0.5)]]),
  );
  const seen: number[] = [];
  const norms = await trainedNorms(model, (done, of) => {
    seen.push(done / of);
  });
  expect(seen).toEqual([0.5, 1]);
  expect(norms.map(({ kind, size, stride }) => [kind, size, stride])).toEqual([
    ['convolution', '2 × 3 × 3 × 3', 1],
    ['dense', '48 × 2', null],
  ]);
  const expected = circularConvolutionNorm({
    weights: parameters.get('conv1.weight') ?? [],
    outputChannels: 3,
    inputChannels: 2,
    kernel: [3, 3],
    inputSize: [8, 8],
  }).norm;
  expect(norms[0]?.norm).toBeCloseTo(expected, 6);
  expect(norms[1]?.norm).toBeCloseTo(0.5 * Math.sqrt(96), 6);
  expect(productOfNorms(model, norms)).toBeCloseTo(expected * 0.5 * Math.sqrt(96), 5);
});

test('a batch normalisation is folded into the layer before it', async () => {
  const random = new Random(7);
  const scale = Float32Array.from({ length: 3 }, () => random.normal());
  const variance = Float32Array.of(0.25, 4, 1);
  const given = new Map([
    ['norm1.scale', scale],
    ['norm1.variance', variance],
  ]);
  const { model, parameters } = network([conv(3, 3), batchNorm, relu, flatten, dense(2)], given);
  const [first, last] = await trainedNorms(model);
  const folded = Float32Array.from(parameters.get('conv1.weight') ?? [], (value, i) => {
    const channel = Math.floor(i / 18);
    return (value * (scale[channel] as number)) / Math.sqrt((variance[channel] as number) + 1e-5);
  });
  const norm = circularConvolutionNorm({
    weights: folded,
    outputChannels: 3,
    inputChannels: 2,
    kernel: [3, 3],
    inputSize: [8, 8],
  }).norm;
  expect(first?.norm).toBeCloseTo(norm, 5);
  expect([first?.folded, last?.folded]).toEqual([true, false]);
  expect(productOfNorms(model, first && last ? [first, last] : [])).toBeCloseTo(norm * (last?.norm ?? 0), 4);
});

test('branches have norms but no product', async () => {
  const { model } = network([...residual(conv(2, 3, { padding: 1 }), relu), flatten, dense(2)]);
  const norms = await trainedNorms(model);
  expect(norms).toHaveLength(2);
  expect(productOfNorms(model, norms)).toBeNull();
});
