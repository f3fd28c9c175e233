import { describe, expect, test } from 'vitest';
import { Random } from '../../base/random.ts';
import { type ImageSet, selectImages } from '../../data/image_set.ts';
import { loadMnist } from '../../data/mnist.ts';
import { GraphBuilder } from '../../onnx/graph_builder.ts';
import { ALEXNET_TABLE5, alexnetInitialWeights, alexnetTable5Layout } from './alexnet_table5.ts';
import { certifiedDistortions } from './certified_distortion.ts';
import { spectralReport } from './spectral_report.ts';

/** z = Wx + b, W of [classes, pixels]. */
function linearModel(weights: Float32Array, bias: Float32Array, pixels: number): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const x = graph.input('image', 'float32', ['N', pixels]);
  const w = graph.constant(weights, [bias.length, pixels]);
  graph.output(graph.op('Gemm', [x, w, graph.constant(bias, [bias.length])], { transB: 1 }), 'logits');
  return graph.toBytes();
}

/** The nearest class mean, a linear classifier: w_k = μ_k, b_k = −|μ_k|²/2. */
function nearestMean(images: ImageSet): { weights: Float32Array; bias: Float32Array } {
  const weights = new Float32Array(7840);
  const counts = new Float32Array(10);
  for (const label of images.labels) counts[label] = (counts[label] ?? 0) + 1;
  images.images.forEach((value, at) => {
    const label = images.labels[Math.floor(at / 784)] ?? 0;
    weights[label * 784 + (at % 784)] = (weights[label * 784 + (at % 784)] ?? 0) + value / (counts[label] ?? 1);
  });
  const square = (k: number): number => weights.subarray(k * 784, (k + 1) * 784).reduce((sum, w) => sum + w * w, 0);
  return { weights, bias: Float32Array.from({ length: 10 }, (_, k) => -square(k) / 2) };
}

/** min ‖r‖ with a·(x + r) + c ≤ 0 and x + r in [0, 1]: r = clip(x − μa) − x, μ by bisection; ∞ when out of reach. */
function distanceInBox(x: Float32Array, a: Float64Array, c: number): number {
  const moved = (mu: number): Float64Array =>
    a.map((slope, i) => Math.min(1, Math.max(0, (x[i] ?? 0) - mu * slope)) - (x[i] ?? 0));
  const value = (r: Float64Array): number => r.reduce((sum, step, i) => sum + (a[i] ?? 0) * ((x[i] ?? 0) + step), c);
  let low = 0;
  let high = 1e6;
  if (value(moved(high)) > 0) return Number.POSITIVE_INFINITY;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (value(moved(middle)) > 0) low = middle;
    else high = middle;
  }
  return Math.hypot(...moved(high));
}

describe('certified distortion', () => {
  test('of a linear model of two opposite rows is the distance itself: the bound is tight', async () => {
    const random = new Random(2);
    const row = Float32Array.from({ length: 20 }, () => random.normal());
    const model = linearModel(Float32Array.of(...row, ...row.map((w) => -w)), Float32Array.of(0.3, -0.1), 20);
    const images: ImageSet = {
      images: Float32Array.from({ length: 100 }, () => random.uniform()),
      shape: [20],
      count: 5,
      labels: new Int32Array(5),
      source: 'noise',
    };
    const z = (i: number): number => row.reduce((sum, w, j) => sum + w * (images.images[20 * i + j] ?? 0), 0);
    images.labels.forEach((_, i) => {
      images.labels[i] = 2 * z(i) + 0.4 > 0 ? 0 : 1;
    });
    const { examples, summary } = await spectralReport(model, { images });
    expect(summary).toMatchObject({ images: 5, correct: 5 });
    for (const example of examples) {
      const exact = Math.abs(2 * z(example.index) + 0.4) / (2 * Math.hypot(...row));
      expect(example.l2 / exact).toBeCloseTo(1, 5);
      expect(example.pairwiseL2 ?? 0).toBeCloseTo(exact, 5);
      expect(example.distortion).toBeCloseTo(example.l2 / Math.sqrt(20), 12);
    }
  });

  test('of a linear model of MNIST never exceeds the minimum in the box, by pairs is the minimum without it', async () => {
    const all = await loadMnist({ count: 300 });
    const images = selectImages(
      all,
      Array.from({ length: 60 }, (_, i) => i),
    );
    const { weights, bias } = nearestMean(all);
    const { examples, summary, lipschitz } = await spectralReport(linearModel(weights, bias, 784), {
      images,
      batchSize: 23,
    });
    expect(examples).toHaveLength(60);
    expect(summary.correct).toBeGreaterThan(40);
    expect(lipschitz).toBeGreaterThan(5);
    let tightest = 0;
    for (const { index, label, l2, pairwiseL2, margin, prediction } of examples) {
      expect(prediction === label).toBe(margin > 0);
      if (margin <= 0) {
        expect([l2, pairwiseL2]).toEqual([0, 0]);
        continue;
      }
      const x = images.images.subarray(index * 784, (index + 1) * 784);
      let boxed = Number.POSITIVE_INFINITY;
      let free = Number.POSITIVE_INFINITY;
      for (let j = 0; j < 10; j++) {
        if (j === label) continue;
        const a = Float64Array.from(
          { length: 784 },
          (_, i) => (weights[label * 784 + i] ?? 0) - (weights[j * 784 + i] ?? 0),
        );
        const c = (bias[label] ?? 0) - (bias[j] ?? 0);
        boxed = Math.min(boxed, distanceInBox(x, a, c));
        free = Math.min(free, a.reduce((sum, slope, i) => sum + slope * (x[i] ?? 0), c) / Math.hypot(...a));
      }
      expect(l2).toBeGreaterThan(0);
      expect(l2).toBeLessThanOrEqual(pairwiseL2 ?? 0);
      expect(pairwiseL2).toBeLessThanOrEqual(boxed * (1 + 1e-4));
      expect((pairwiseL2 ?? 0) / free).toBeCloseTo(1, 3);
      tightest = Math.max(tightest, l2 / boxed);
    }
    expect(tightest).toBeGreaterThan(0.05);
  });

  test('takes the nearest class, reports a mistake with distance 0, and refuses a label beyond the classes', () => {
    const logits = Float32Array.of(3, 1, 0, 0, 2, 1);
    const constants = { lipschitz: 2, pairwise: Float64Array.of(0, 4, 1, 4, 0, 1, 1, 1, 0) };
    const [first, second] = certifiedDistortions(logits, Int32Array.of(0, 2), 4, constants);
    expect(first).toMatchObject({ prediction: 0, margin: 2, pairwiseL2: 0.5, pairwiseDistortion: 0.25 });
    expect(first?.l2).toBeCloseTo(2 / (2 * Math.SQRT2), 12);
    expect(second).toMatchObject({ prediction: 1, margin: -1, l2: 0, distortion: 0, pairwiseL2: 0 });
    expect(() => certifiedDistortions(logits, Int32Array.of(0, 3), 4, constants)).toThrow(
      'Expected a class from 0 to 2 for labels[1] but received 3',
    );
  });
});

describe('spectralReport', () => {
  test('without images has layers alone, and is JSON', async () => {
    const report = await spectralReport(linearModel(Float32Array.of(3, 0, 0, 4), new Float32Array(2), 2));
    expect(report.examples).toEqual([]);
    expect(report.summary).toEqual({ images: 0, correct: 0, meanDistortion: null, meanPairwiseDistortion: null });
    expect(report.layers).toHaveLength(1);
    expect(report.layers[0]?.norm).toBeCloseTo(4, 6);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

describe("AlexNet's table 5", () => {
  test('layout: layers, sizes, strides and norms beside the paper', () => {
    /** Copies the middle of each patch of channel c to output c. */
    const subsampling = (shape: readonly number[]): Float64Array => {
      const [filters = 1, channels = 1, height = 1, width = 1] = shape;
      const weights = new Float64Array(filters * channels * height * width);
      for (let c = 0; c < channels; c++)
        weights[((c * channels + c) * height + (height >> 1)) * width + (width >> 1)] = 1;
      return weights;
    };
    const rows = alexnetTable5Layout((layer, shape) => {
      if (layer === 'Conv. 1') return subsampling(shape);
      if (layer !== 'FC. 3') return undefined;
      const diagonal = new Float64Array(4096 * 1000);
      for (let i = 0; i < 1000; i++) diagonal[i * 1001] = -3;
      return diagonal;
    });
    expect(rows.map(({ layer, size, stride, paper }) => [layer, size, stride, paper])).toEqual([
      ['Conv. 1', '3 × 11 × 11 × 96', 4, 2.75],
      ['FC. 3', '4096 × 1000', null, 4],
    ]);
    expect(rows[0]?.norm).toBeCloseTo(1, 6);
    // Δ⁻² in place of Δ⁻¹.
    expect(rows[0]?.printed).toBeCloseTo(1 / 4, 6);
    expect(rows[1]).toMatchObject({ printed: null });
    expect(rows[1]?.norm).toBeCloseTo(3, 6);
  });

  test("the paper's eight layers and numbers; first weights N(0, 0.01²) by seed", () => {
    expect(ALEXNET_TABLE5.map(({ paper }) => paper)).toEqual([2.75, 10, 7, 7.5, 11, 3.12, 4, 4]);
    const weights = alexnetInitialWeights(3)('Conv. 1', [96, 3, 11, 11]) ?? [];
    expect(weights).toHaveLength(34848);
    const square = Array.from(weights).reduce((sum, w) => sum + w * w, 0) / weights.length;
    expect(Math.sqrt(square)).toBeCloseTo(0.01, 3);
    expect(alexnetInitialWeights(3)('Conv. 1', [96, 3, 11, 11])).toEqual(weights);
    expect(() => alexnetTable5Layout(() => [1])).toThrow('Expected 34848 values for weights of Conv. 1 but received 1');
  });
});
