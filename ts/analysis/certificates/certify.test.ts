import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { attack } from '../../attack/attack.ts';
import { Random } from '../../base/random.ts';
import { exactDistance, linearModel } from '../../bench/exact_distance.ts';
import type { ImageSet } from '../../data/image_set.ts';
import { loadKernel } from '../../kernel/load_kernel_node.ts';
import { evaluate } from '../../nn/evaluate.ts';
import { buildInferenceModel } from '../../nn/inference_model.ts';
import {
  type ActivationLayer,
  averagePool,
  batchNorm,
  conv,
  dense,
  flatten,
  globalAveragePool,
  globalMaxPool,
  type Layer,
  leakyRelu,
  type ModelDefinition,
  maxPool,
  relu,
  relu6,
  sigmoid,
  tanh,
} from '../../nn/layers.ts';
import { drawParameters, parameterSpecs } from '../../nn/network.ts';
import { type AttributesInput, GraphBuilder } from '../../onnx/graph_builder.ts';
import type { OpName } from '../../onnx/op_table.ts';
import { readModel } from '../../onnx/read_model.ts';
import { createSession } from '../../runtime/node_session.ts';
import { certifiedRadius } from './certified_radius.ts';
import { certify } from './certify.ts';
import { chainNetwork } from './chain_network.ts';
import { leastChange } from './region.ts';
import { activate, lineAt, relax, type Side } from './relaxation.ts';
import { logitsOf } from './relaxed_network.ts';

const kernel = await loadKernel();
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

function least(a: Float64Array, low: Float64Array, high: Float64Array, radius: number, norm: 'l2' | 'linf' = 'l2') {
  const change = new Float64Array(a.length);
  const value = leastChange(a, { image: a, low, high, radius, norm }, change);
  return { value, change };
}

describe('the least value in the region', () => {
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
        const { value: bound, change } = least(a, low, high, epsilon);
        // clip(−a/λ) of every λ, made shorter where it is too long, is a point of both; one of them is the least.
        let best = 0;
        for (let k = -600; k <= 600; k++) {
          const lambda = 10 ** (k / 100);
          const d = a.map((slope, i) => Math.min(high[i] ?? 0, Math.max(low[i] ?? 0, -slope / lambda)));
          const shorter = Math.min(1, epsilon / Math.max(1e-300, Math.hypot(...d)));
          const value = d.reduce((sum, change, i) => sum + (a[i] ?? 0) * change * shorter, 0);
          expect(value).toBeGreaterThanOrEqual(bound - 1e-9);
          best = Math.min(best, value);
        }
        expect(best - bound).toBeLessThan(0.02 * Math.abs(bound) + 1e-9);
        // Where it is met.
        expect(Math.hypot(...change)).toBeLessThanOrEqual(epsilon * (1 + 1e-9));
        expect(a.reduce((sum, slope, i) => sum + slope * (change[i] ?? 0), 0)).toBeCloseTo(bound, 6);
        const cube = least(a, low, high, epsilon, 'linf');
        const corner = a.map(
          (slope, i) => -Math.abs(slope) * Math.min(epsilon, slope > 0 ? -(low[i] ?? 0) : (high[i] ?? 0)),
        );
        expect(cube.value).toBeCloseTo(
          corner.reduce((sum, x) => sum + x, 0),
          9,
        );
      }),
      { numRuns: 60 },
    );
  });

  test('of a ball without walls is −ε‖a‖, and of a box without a ball that of its corner', () => {
    const a = Float64Array.of(3, -4);
    expect(least(a, Float64Array.of(-9, -9), Float64Array.of(9, 9), 0.5).value).toBeCloseTo(-2.5, 12);
    expect(least(a, Float64Array.of(-0.1, -0.2), Float64Array.of(0.3, 0.2), 50).value).toBeCloseTo(-1.1, 12);
    expect(least(a, Float64Array.of(0, 0), Float64Array.of(1, 0), 1).value).toBe(0);
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
      // Those of the least area, and others of their families.
      const others = ({ from, to }: Side) =>
        to > from ? [0, 0.3, 1].map((p) => lineAt(name, from + p * (to - from))) : [];
      for (let i = 0; i <= 50; i++) {
        const x = low + (width * i) / 50;
        const y = activate(name, x);
        const tolerance = 1e-12 * (1 + Math.abs(x));
        for (const { slope, intercept } of [under, ...others(under)]) {
          expect(slope * x + intercept).toBeLessThanOrEqual(y + tolerance);
        }
        for (const { slope, intercept } of [over, ...others(over)]) {
          expect(slope * x + intercept).toBeGreaterThanOrEqual(y - tolerance);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test.each<[string, Layer[]]>([
  ['convolutions', [conv(3, 3, { padding: 1, stride: 2 }), relu, conv(4, 2), tanh, flatten, dense(3)]],
  ['the largest of windows that overlap', [conv(3, 3, { padding: 1 }), relu, maxPool(3, 2), flatten, dense(3)]],
  ['pools one after the other', [maxPool(2), averagePool(2), sigmoid, flatten, dense(3)]],
  ['leaky ReLU and normalised channels', [conv(3, 3), batchNorm, leakyRelu, globalAveragePool, dense(3)]],
  ['the largest of all', [conv(4, 3), tanh, globalMaxPool, dense(3)]],
])('the chain answers as the model does: %s', async (_, layers) => {
  const definition: ModelDefinition = { name: 'chain', inputShape: [2, 7, 6], layers };
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

test.each<[string, OpName, AttributesInput]>([
  [
    'padding that counts',
    'AveragePool',
    { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
  ],
  ['padding that does not count', 'AveragePool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  [
    'windows over the edge, where padding counts',
    'AveragePool',
    { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 0, 0], ceil_mode: 1, count_include_pad: 1 },
  ],
  ['maxima over the edge', 'MaxPool', { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 0, 0], ceil_mode: 1 }],
  ['the mean of all but the images', 'ReduceMean', { axes: [-1, 1], keepdims: 0 }],
])('the chain pools as ONNX Runtime does: %s', async (_, op, attributes) => {
  const graph = new GraphBuilder();
  const random = new Random(3);
  const pooled = graph.op('Flatten', [graph.op(op, [graph.input('x', 'float32', ['N', 2, 6, 6])], attributes)]);
  const features = Number(pooled.shape[1]);
  const weights = Float32Array.from({ length: 3 * features }, () => random.normal());
  graph.output(graph.matmul(pooled, graph.constant(weights, [features, 3])), 'scores');
  const bytes = graph.toBytes();
  const images = Float32Array.from({ length: 2 * 72 }, () => random.uniform());
  await using session = await createSession(bytes);
  const { scores } = await session.run({ x: { data: images, dims: [2, 2, 6, 6] } });
  const chain = chainNetwork(readModel(bytes));
  for (let row = 0; row < 2; row++) {
    const own = logitsOf(chain, images.subarray(row * 72, (row + 1) * 72));
    for (const [k, value] of own.entries()) expect(scores?.data[row * 3 + k]).toBeCloseTo(value, 4);
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
      const certified = certifiedRadius(chainNetwork(model), image, label, { kernel });
      expect(certified).toBeLessThanOrEqual(exact);
      expect(certified).toBeGreaterThan(0.99 * exact);
    }
  });

  test('are never over the nearest mistake on a fine grid of the plane, in either norm', async () => {
    const problem = fc.record({ seed: seeds, name: names, scale: fc.double({ min: 0.5, max: 6, noNaN: true }) });
    await fc.assert(
      fc.asyncProperty(problem, async ({ seed, name, scale }) => {
        const bytes = randomModel(network(2, ACTIVATIONS[name]), seed, scale);
        const data = await answered(bytes, [2], 2, seed);
        const chain = chainNetwork(readModel(bytes));
        for (const [row, label] of data.labels.entries()) {
          const image = data.images.subarray(2 * row, 2 * row + 2);
          const [x = 0, y = 0] = image;
          const l2 = certifiedRadius(chain, image, label, { kernel });
          const linf = certifiedRadius(chain, image, label, { norm: 'linf', kernel });
          expect(linf).toBeGreaterThanOrEqual(0.99 * (l2 / Math.SQRT2));
          for (let i = 0; i <= 60; i++) {
            for (let j = 0; j <= 60; j++) {
              const [dx, dy] = [Math.abs(i / 60 - x), Math.abs(j / 60 - y)];
              if (Math.hypot(dx, dy) >= l2 && Math.max(dx, dy) >= linf) continue;
              const logits = logitsOf(chain, [i / 60, j / 60]);
              expect(logits.indexOf(Math.max(...logits)), `(${dx}, ${dy}): ${l2}, ${linf}`).toBe(label);
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('are never over the distance found, nor under the product of norms, and better lines reach further', async () => {
    const problem = fc.record({ seed: seeds, name: names, scale: fc.double({ min: 0.5, max: 4, noNaN: true }) });
    let [fixed, optimized] = [0, 0];
    await fc.assert(
      fc.asyncProperty(problem, async ({ seed, name, scale }) => {
        const bytes = randomModel(network(16, ACTIVATIONS[name]), seed, scale);
        const data = await answered(bytes, [16], 4, seed);
        const certificates = await certify(bytes, data, { slopes: 'optimized' });
        const plain = await certify(bytes, data);
        const { examples } = await attack(bytes, data, { workers: 1, effort: 'thorough' });
        for (const [row, { distance, productOfNorms, norm }] of certificates.entries()) {
          const found = examples[row]?.l2;
          if (examples[row]?.success && found) expect(distance).toBeLessThanOrEqual(found);
          expect(distance).toBeGreaterThanOrEqual(productOfNorms ?? Number.NaN);
          expect(distance).toBeGreaterThanOrEqual(plain[row]?.distance ?? Number.NaN);
          expect(norm).toBe('l2');
          // The largest there is cannot be passed.
          const before = plain[row]?.distance ?? 0;
          if (before >= 3) continue;
          optimized += distance;
          fixed += before;
        }
        expect(
          certificates.some(
            ({ distance, productOfNorms }) => distance > 1.05 * (productOfNorms ?? 9) || (productOfNorms ?? 0) >= 4,
          ),
        ).toBe(true);
      }),
      { numRuns: 12 },
    );
    expect(optimized).toBeGreaterThan(1.02 * fixed);
  });

  test.each<[string, Layer[]]>([
    ['pools of ReLUs', [conv(3, 3), relu, maxPool(2), flatten, dense(3)]],
    ['pools of sigmoids', [conv(3, 3), sigmoid, averagePool(2), flatten, dense(3)]],
    ['leaky ReLU', [flatten, dense(8), leakyRelu, dense(3)]],
  ])('of %s are under what is found, in both norms', async (_, layers) => {
    let met = 0;
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const bytes = randomModel({ name: 'n', inputShape: [1, 6, 6], layers }, seed, 1);
      const data = await answered(bytes, [1, 6, 6], 4, seed);
      const { examples, adversarial } = await attack(bytes, data, { workers: 1, effort: 'thorough' });
      const [l2, linf] = [
        await certify(bytes, data, { slopes: 'optimized' }),
        await certify(bytes, data, { norm: 'linf' }),
      ];
      for (const [row, { success, l2: found }] of examples.entries()) {
        if (!success || found === null) continue;
        met += 1;
        const pixels = adversarial.subarray(36 * row, 36 * row + 36);
        const largest = pixels.reduce(
          (most, x, i) => Math.max(most, Math.abs(x - (data.images[36 * row + i] ?? x))),
          0,
        );
        expect(l2[row]?.distance).toBeLessThanOrEqual(found);
        expect(l2[row]?.distance).toBeGreaterThan(found / 4);
        expect(linf[row]?.distance).toBeLessThanOrEqual(largest);
        expect(linf[row]?.distance).toBeGreaterThan((l2[row]?.distance ?? 0) / 6.1);
      }
    }
    expect(met).toBeGreaterThan(2);
  });

  test('of an image answered wrongly are 0', async () => {
    const bytes = randomModel(network(16, sigmoid), 3, 2);
    const data = await answered(bytes, [16], 2, 3);
    const wrong = { ...data, labels: data.labels.map((label) => (label + 1) % 3) };
    expect((await certify(bytes, wrong)).map(({ distance, productOfNorms }) => [distance, productOfNorms])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test('name a layer without a relaxation, and end on a signal', async () => {
    const layers = [flatten, dense(4), relu6, dense(2)];
    const clipped: ModelDefinition = { name: 'clipped', inputShape: [1, 4, 4], layers };
    const bytes = randomModel(clipped, 1, 1);
    const data = await answered(bytes, [1, 4, 4], 1, 1);
    await expect(certify(bytes, data)).rejects.toMatchObject({
      code: 'UNSUPPORTED_OP',
      message: expect.stringMatching(/^No certificate through Clip/),
    });
    const plain = randomModel(network(16, relu), 1, 1);
    const signal = AbortSignal.abort(new Error('enough'));
    const image = await answered(plain, [16], 1, 1);
    await expect(certify(plain, image, { signal })).rejects.toThrow('enough');
    await expect(certify(plain, image, { norm: 'l1' as 'l2' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
