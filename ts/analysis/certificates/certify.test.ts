import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attack } from '../../attack/attack.ts';
import { Random } from '../../base/random.ts';
import { exactDistance, linearModel } from '../../bench/exact_distance.ts';
import type { ImageSet } from '../../data/image_set.ts';
import { evaluate } from '../../nn/evaluate.ts';
import { buildInferenceModel } from '../../nn/inference_model.ts';
import {
  type ActivationLayer,
  conv,
  dense,
  flatten,
  type ModelDefinition,
  maxPool,
  relu,
  sigmoid,
  tanh,
} from '../../nn/layers.ts';
import { drawParameters, parameterSpecs } from '../../nn/network.ts';
import { readModel } from '../../onnx/read_model.ts';
import { createSession } from '../../runtime/node_session.ts';
import { leastOnBallInBox } from './ball_in_box.ts';
import { certifiedRadius, certify } from './certify.ts';
import { chainNetwork } from './chain_network.ts';
import { activate, relax } from './relaxation.ts';
import { logitsOf } from './relaxed_network.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const ACTIVATIONS = { relu, sigmoid, tanh } as const;
const names = fc.constantFrom(...(Object.keys(ACTIVATIONS) as (keyof typeof ACTIVATIONS)[]));

/** Random weights, biases included, steep enough for activations to bend within the box. */
function randomModel(definition: ModelDefinition, seed: number, scale: number): Uint8Array<ArrayBuffer> {
  const specs = parameterSpecs(definition);
  const random = new Random(seed, 1);
  const values = drawParameters(specs, seed).map((array) =>
    array.map((value) => scale * (value === 0 ? random.normal() : value)),
  );
  return buildInferenceModel(definition, new Map(specs.map(({ name }, i) => [name, values[i] as Float32Array])));
}

function network(inputs: number, activation: ActivationLayer, classes = 3): ModelDefinition {
  const layers = [dense(6), activation, dense(5), activation, dense(classes)];
  return { name: 'random', inputShape: [inputs], layers };
}

/** Images of random pixels, many of them at 0 or 1, with the model's own answers as labels. */
async function answered(bytes: Uint8Array, shape: readonly number[], count: number, seed: number): Promise<ImageSet> {
  const random = new Random(seed, 2);
  const size = shape.reduce((product, dim) => product * dim, 1);
  const images = Float32Array.from({ length: count * size }, () => {
    return Math.min(1, Math.max(0, 1.6 * random.uniform() - 0.3));
  });
  const set = { images, shape: [...shape], count, labels: new Int32Array(count), source: 'random' };
  return { ...set, labels: (await evaluate(bytes, set, { createSession })).predictions };
}

describe('the least value on the ball in the box', () => {
  const problem = fc.record({
    seed: seeds,
    n: fc.integer({ min: 1, max: 12 }),
    epsilon: fc.double({ min: 0.01, max: 3, noNaN: true }),
  });

  test('is under every point there, and reached by one', () => {
    fc.assert(
      fc.property(problem, ({ seed, n, epsilon }) => {
        const random = new Random(seed);
        const a = Float64Array.from({ length: n }, () => random.normal());
        const low = a.map(() => (random.below(3) === 0 ? 0 : -random.uniform()));
        const high = a.map(() => (random.below(3) === 0 ? 0 : random.uniform()));
        const least = leastOnBallInBox(a, low, high, epsilon);
        // clip(−a/λ) of every λ, made shorter where it is too long, is a point of both; one of them is the least.
        let best = 0;
        for (let k = -600; k <= 600; k++) {
          const lambda = 10 ** (k / 100);
          const d = a.map((slope, i) => Math.min(high[i] ?? 0, Math.max(low[i] ?? 0, -slope / lambda)));
          const shorter = Math.min(1, epsilon / Math.max(1e-300, Math.hypot(...d)));
          const value = d.reduce((sum, change, i) => sum + (a[i] ?? 0) * change * shorter, 0);
          expect(value).toBeGreaterThanOrEqual(least - 1e-9);
          best = Math.min(best, value);
        }
        expect(best - least).toBeLessThan(0.02 * Math.abs(least) + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  test('of a ball without walls is −ε‖a‖, and of a box without a ball that of its corner', () => {
    const a = Float64Array.of(3, -4);
    expect(leastOnBallInBox(a, Float64Array.of(-9, -9), Float64Array.of(9, 9), 0.5)).toBeCloseTo(-2.5, 12);
    expect(leastOnBallInBox(a, Float64Array.of(-0.1, -0.2), Float64Array.of(0.3, 0.2), 50)).toBeCloseTo(-1.1, 12);
    expect(leastOnBallInBox(a, Float64Array.of(0, 0), Float64Array.of(1, 0), 1)).toBe(0);
  });
});

test('lines hold the function between them, also on intervals of no width', () => {
  const interval = fc.record({
    name: names,
    low: fc.double({ min: -40, max: 40, noNaN: true }),
    width: fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 60, noNaN: true }),
      fc.double({ min: 0, max: 1e-8, noNaN: true }),
    ),
  });
  fc.assert(
    fc.property(interval, ({ name, low, width }) => {
      const { under, over } = relax(name, low, low + width);
      for (let i = 0; i <= 50; i++) {
        const x = low + (width * i) / 50;
        const y = activate(name, x);
        const tolerance = 1e-12 * (1 + Math.abs(x));
        expect(under.slope * x + under.intercept).toBeLessThanOrEqual(y + tolerance);
        expect(over.slope * x + over.intercept).toBeGreaterThanOrEqual(y - tolerance);
      }
    }),
    { numRuns: 300 },
  );
});

test('the chain answers as the model does, convolutions and what is done to pixels included', async () => {
  const definition: ModelDefinition = {
    name: 'conv',
    inputShape: [2, 7, 6],
    layers: [conv(3, 3, { padding: 1, stride: 2 }), relu, conv(4, 2), tanh, flatten, dense(3)],
  };
  const bytes = randomModel(definition, 4, 1);
  const data = await answered(bytes, definition.inputShape, 3, 5);
  await using session = await createSession(bytes);
  const { logits } = await session.run({ image: { data: data.images, dims: [3, 2, 7, 6] } });
  const chain = chainNetwork(readModel(bytes));
  for (let row = 0; row < 3; row++) {
    const own = logitsOf(chain, data.images.subarray(row * 84, (row + 1) * 84));
    for (const [k, value] of own.entries()) expect(logits?.data[row * 3 + k]).toBeCloseTo(value, 4);
  }
});

describe('certified distances', () => {
  test('of a linear model are the exact ones', async () => {
    const bytes = randomModel({ name: 'linear', inputShape: [20], layers: [dense(4)] }, 9, 1);
    const { images, labels } = await answered(bytes, [20], 8, 9);
    const model = readModel(bytes);
    const linear = linearModel(model);
    if (!linear) throw new Error('not linear');
    for (const [row, label] of labels.entries()) {
      const image = images.subarray(row * 20, (row + 1) * 20);
      const exact = exactDistance(linear, image, label, -1);
      const certified = certifiedRadius(chainNetwork(model), image, label);
      expect(certified).toBeLessThanOrEqual(exact);
      expect(certified).toBeGreaterThan(0.99 * exact);
    }
  });

  test('are never over the nearest mistake on a fine grid of the plane', async () => {
    const problem = fc.record({ seed: seeds, name: names, scale: fc.double({ min: 0.5, max: 6, noNaN: true }) });
    await fc.assert(
      fc.asyncProperty(problem, async ({ seed, name, scale }) => {
        const bytes = randomModel(network(2, ACTIVATIONS[name]), seed, scale);
        const data = await answered(bytes, [2], 2, seed);
        const chain = chainNetwork(readModel(bytes));
        for (const [row, label] of data.labels.entries()) {
          const [x = 0, y = 0] = data.images.subarray(2 * row, 2 * row + 2);
          const certified = certifiedRadius(chain, [x, y], label);
          for (let i = 0; i <= 60; i++) {
            for (let j = 0; j <= 60; j++) {
              const distance = Math.hypot(i / 60 - x, j / 60 - y);
              if (distance >= certified) continue;
              const logits = logitsOf(chain, [i / 60, j / 60]);
              expect(logits.indexOf(Math.max(...logits)), `${distance} < ${certified}`).toBe(label);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('are never over the distance found, and over the product of norms', async () => {
    const problem = fc.record({ seed: seeds, name: names, scale: fc.double({ min: 0.5, max: 4, noNaN: true }) });
    await fc.assert(
      fc.asyncProperty(problem, async ({ seed, name, scale }) => {
        const bytes = randomModel(network(16, ACTIVATIONS[name]), seed, scale);
        const data = await answered(bytes, [16], 4, seed);
        const certificates = await certify(bytes, data);
        const { examples } = await attack(bytes, data, { workers: 1, effort: 'thorough' });
        for (const [row, { l2, productL2, distortion }] of certificates.entries()) {
          const found = examples[row]?.l2;
          if (examples[row]?.success && found) expect(l2).toBeLessThanOrEqual(found);
          expect(l2).toBeGreaterThanOrEqual(productL2);
          expect(distortion).toBeCloseTo(l2 / 4, 12);
        }
        expect(certificates.some(({ l2, productL2 }) => l2 > 1.05 * productL2 || productL2 >= 4)).toBe(true);
      }),
      { numRuns: 12 },
    );
  });

  test('of an image answered wrongly are 0', async () => {
    const bytes = randomModel(network(16, sigmoid), 3, 2);
    const data = await answered(bytes, [16], 2, 3);
    const wrong = { ...data, labels: data.labels.map((label) => (label + 1) % 3) };
    expect((await certify(bytes, wrong)).map(({ l2, productL2 }) => [l2, productL2])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test('name a layer without a relaxation, and end on a signal', async () => {
    const pooled: ModelDefinition = { name: 'p', inputShape: [1, 4, 4], layers: [maxPool(2), flatten, dense(2)] };
    const bytes = randomModel(pooled, 1, 1);
    const data = await answered(bytes, [1, 4, 4], 1, 1);
    await expect(certify(bytes, data)).rejects.toMatchObject({
      code: 'UNSUPPORTED_OP',
      message: expect.stringMatching(/^No certificate through MaxPool/),
    });
    const plain = randomModel(network(16, relu), 1, 1);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(certify(plain, await answered(plain, [16], 1, 1), { signal })).rejects.toThrow('enough');
  });
});
