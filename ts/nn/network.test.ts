import { describe, expect, test } from 'vitest';
import { Random } from '../base/random.ts';
import { createSession } from '../runtime/node_session.ts';
import { buildInferenceModel } from './inference_model.ts';
import { drawWeights } from './initializers.ts';
import {
  classCount,
  conv,
  dense,
  dropout,
  flatten,
  type Initializer,
  type Layer,
  maxPool,
  relu,
  responseNorm,
  sigmoid,
} from './layers.ts';
import { drawParameters, dropoutMasks, parameterSpecs } from './network.ts';

const model = (inputShape: number[], ...layers: Layer[]) => ({ name: 'net', inputShape, layers });

describe('parameterSpecs', () => {
  test('names, shapes and decay by layer', () => {
    const net = model(
      [1, 28, 28],
      conv(16, 5, { weightDecay: 0.32 }),
      relu,
      maxPool(2),
      conv(32, 5),
      maxPool(2),
      flatten,
      dropout(0.5),
      dense(10, { weightDecay: 1 }),
    );
    expect(parameterSpecs(net).map(({ name, shape, decay }) => [name, shape, decay])).toEqual([
      ['conv1.weight', [16, 1, 5, 5], 0.02],
      ['conv1.bias', [16], 0],
      ['conv2.weight', [32, 16, 5, 5], 0],
      ['conv2.bias', [32], 0],
      ['fc1.weight', [512, 10], 0.1],
      ['fc1.bias', [10], 0],
    ]);
    expect(dropoutMasks(net)).toEqual([{ name: 'dropout1.mask', shape: [512], rate: 0.5 }]);
    expect(classCount(net)).toBe(10);
  });

  test.each([
    [
      model([1, 28, 28], dense(10)),
      'net, layer 1 (dense): expected an input of shape [n]; put flatten before it but received [1, 28, 28]',
    ],
    [model([784], conv(4, 3)), 'layer 1 (conv): expected an input of shape [channels, height, width]'],
    [model([1, 4, 4], conv(4, 5)), "at least the 5×5 kernel's size"],
    [model([4], responseNorm()), 'layer 1 (response-norm): expected an input of shape [channels, height, width]'],
    [model([4], { type: 'skip-start' }, dense(3), { type: 'skip-end' }), 'that was skipped, [4], but received [3]'],
    [model([4], { type: 'skip-end' }), 'there is no skip-start before it'],
    [model([4], { type: 'skip-start' }), 'a skip-start has no skip-end'],
    [
      model([1, 4, 4], maxPool(2), maxPool(3)),
      "layer 2 (max-pool): expected an input of at least the 3×3 window's size",
    ],
  ])('a layer that does not fit is named: %#', (net, message) => {
    expect(() => parameterSpecs(net)).toThrow(message);
  });

  test('a classifier ends with a dense layer', () => {
    expect(() => classCount(model([4], dense(3), sigmoid))).toThrow('a dense layer');
  });

  test.each([
    [() => dense(0), 'units'],
    [() => dense(2.5), 'units'],
    [() => dense(2, { weightDecay: -1 }), 'weightDecay'],
    [() => conv(2, 3, { stride: 0 }), 'stride'],
    [() => dropout(1), 'rate'],
    [() => maxPool(1), 'size'],
    [() => maxPool(3, 0), 'stride'],
    [() => responseNorm({ size: 0 }), 'size'],
  ])('options are checked by name: %#', (make, name) => {
    expect(make).toThrow(`for ${name}`);
  });
});

describe('initial weights', () => {
  test.each<[Initializer, number]>([
    [{ kind: 'xavier-normal', gain: 2 }, 2 * Math.sqrt(2 / 500)],
    [{ kind: 'he-normal' }, Math.sqrt(2 / 300)],
    [{ kind: 'zeros' }, 0],
  ])('%j has its standard deviation', (initializer, expected) => {
    const weights = drawWeights(initializer, [300, 200], 300, 200, new Random(1));
    const deviation = Math.sqrt(weights.reduce((sum, w) => sum + w * w, 0) / weights.length);
    // Five standard errors of a deviation from 60,000 draws.
    expect(Math.abs(deviation - expected)).toBeLessThanOrEqual(expected * 0.0145);
  });

  test('depend on the seed alone, and differ between layers', () => {
    const specs = parameterSpecs(model([50], dense(50), dense(50)));
    const [first, , second] = drawParameters(specs, 3);
    expect(drawParameters(specs, 3)[0]).toEqual(first);
    expect(drawParameters(specs, 4)[0]).not.toEqual(first);
    expect(second).not.toEqual(first);
  });
});

test('the saved model computes the layers', async () => {
  const net = model([2], dense(2), relu, dropout(0.9), dense(2));
  const bytes = buildInferenceModel(
    net,
    new Map([
      ['fc1.weight', Float32Array.of(1, -1, 2, 0)],
      ['fc1.bias', Float32Array.of(0.5, 0)],
      ['fc2.weight', Float32Array.of(1, 2, 3, 4)],
      ['fc2.bias', Float32Array.of(0, 1)],
    ]),
    { model: 'net' },
  );
  await using session = await createSession(bytes);
  expect(session.inputs).toEqual([{ name: 'image', type: 'float32', shape: ['N', 2] }]);
  expect(session.outputs).toEqual([{ name: 'logits', type: 'float32', shape: ['N', 2] }]);
  // Rows times columns: (1·1 + 1·2 + 0.5, −1) → relu → (3.5, 0) → (3.5, 8).
  const { logits } = await session.run({ image: { data: Float32Array.of(1, 1, -1, 0), dims: [2, 2] } });
  expect([...(logits?.data ?? [])]).toEqual([3.5, 8, 3, 5]);
});

test('normalised responses are the formula, windows overlap where the stride says so', async () => {
  const layers = [responseNorm({ size: 3, alpha: 1.5, beta: 0.75, bias: 2 }), maxPool(2, 1), flatten, dense(1)];
  const net = model([3, 2, 3], ...layers);
  // What the dense layer sees, one value after the other.
  const pixels = Float32Array.from({ length: 18 }, (_, i) => ((7 * i) % 11) / 11);
  const at = (channel: number, place: number) => pixels[6 * channel + place] ?? 0;
  const normalised = (channel: number, place: number) => {
    const near = [channel - 1, channel, channel + 1].filter((c) => c >= 0 && c < 3);
    const sum = near.reduce((total, c) => total + at(c, place) ** 2, 0);
    return at(channel, place) / (2 + 0.5 * sum) ** 0.75;
  };
  for (let seen = 0; seen < 6; seen++) {
    const weights = new Map([
      ['fc1.weight', Float32Array.from({ length: 6 }, (_, i) => Number(i === seen))],
      ['fc1.bias', new Float32Array(1)],
    ]);
    await using session = await createSession(buildInferenceModel(net, weights));
    const { logits } = await session.run({ image: { data: pixels, dims: [1, 3, 2, 3] } });
    const [channel, left] = [Math.floor(seen / 2), seen % 2];
    const window = [left, left + 1, left + 3, left + 4].map((place) => normalised(channel, place));
    expect(logits?.data[0]).toBeCloseTo(Math.max(...window), 6);
  }
});
