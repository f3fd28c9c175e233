import { describe, expect, test } from 'vitest';
import { Random } from '../../base/random.ts';
import type { ImageSet } from '../../data/image_set.ts';
import { loadMnist } from '../../data/mnist.ts';
import { GraphBuilder } from '../../onnx/graph_builder.ts';
import { readModel } from '../../onnx/read_model.ts';
import { elementCount } from '../../onnx/shape.ts';
import { valuesGraph } from '../../onnx/slice_model.ts';
import { createSession } from '../../runtime/node_session.ts';
import { randomDirections } from './directions.ts';
import { inspectUnits } from './inspect_units.ts';
import { unitFigurePng, unitFigureSvg } from './unit_figure.ts';

/** [N, 1, 28, 28] → convolution to 6 maps, ReLU ("maps") → dense to 12, sigmoid ("hidden") → 10. */
function network(seed = 1): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder();
  const random = new Random(seed);
  const draw = (scale: number, ...shape: number[]) =>
    graph.constant(
      Float32Array.from({ length: elementCount(shape) }, () => scale * random.normal()),
      shape,
    );
  const x = graph.input('image', 'float32', ['N', 1, 28, 28]);
  const conv = graph.op('Conv', [x, draw(0.3, 6, 1, 5, 5)], { strides: [3, 3] });
  const maps = graph.op('Relu', [conv], {}, { outputs: ['maps'] });
  const flat = graph.op('Flatten', [maps]);
  const gate = graph.op('Gemm', [flat, draw(0.1, 384, 12)]);
  const hidden = graph.op('Sigmoid', [gate], {}, { outputs: ['hidden'] });
  graph.output(graph.op('Gemm', [hidden, draw(1, 12, 10)]), 'logits');
  return graph.toBytes();
}

async function layerValues(bytes: Uint8Array, layer: string, images: ImageSet): Promise<Float32Array> {
  await using session = await createSession(valuesGraph(readModel(bytes), [layer]));
  const result = await session.run({ image: { data: images.images, dims: [images.count, 1, 28, 28] } });
  return result[layer]?.data ?? new Float32Array();
}

const images = await loadMnist({ count: 300 });
const bytes = network();

/** Brute force: the images of the strongest responses, response(image) being the definition's. */
function strongest(response: (image: number) => number, top: number): { index: number; activation: number }[] {
  return Array.from({ length: images.count }, (_, index) => ({ index, activation: response(index) }))
    .sort((a, b) => b.activation - a.activation)
    .slice(0, top);
}

describe('inspectUnits', () => {
  test('a layer of units: the images of the largest ⟨φ(x), e_i⟩ and ⟨φ(x), v⟩', async () => {
    const result = await inspectUnits(bytes, images, { layer: 'hidden', top: 5, seed: 3, batchSize: 64 });
    const values = await layerValues(bytes, 'hidden', images);
    const directions = randomDirections(12, 12, new Random(3, 0));
    expect(result).toMatchObject({ layer: 'hidden', shape: [12], units: 12, images: 300, top: 5, constantUnits: 0 });
    expect(result.natural).toHaveLength(12);
    expect(result.random).toHaveLength(12);
    for (let unit = 0; unit < 12; unit++) {
      const byUnit = strongest((image) => values[image * 12 + unit] ?? 0, 5);
      const probe = result.natural[unit];
      expect(probe?.probe).toBe(unit);
      expect(probe?.images.map(({ index }) => index)).toEqual(byUnit.map(({ index }) => index));
      expect(probe?.images[0]?.activation).toBeCloseTo(byUnit[0]?.activation ?? Number.NaN, 5);
      expect(probe?.images.map(({ label }) => label)).toEqual(byUnit.map(({ index }) => images.labels[index]));
      const along = (image: number): number => {
        let sum = 0;
        for (let i = 0; i < 12; i++) sum += (values[image * 12 + i] ?? 0) * (directions[unit * 12 + i] ?? 0);
        return sum;
      };
      const byDirection = strongest(along, 5);
      expect(result.random[unit]?.images.map(({ index }) => index)).toEqual(byDirection.map(({ index }) => index));
    }
    const purities = result.natural.map(({ purity }) => purity);
    expect(result.purity.natural).toBeCloseTo(purities.reduce((a, b) => a + b) / 12, 12);
    expect(result.purity.probes).toBe(12);
    const areas = result.random.map(({ area }) => area);
    expect(result.area.random).toBeCloseTo(areas.reduce((a, b) => a + b) / 12, 12);
    expect(result.area.depth).toBe(50);
    expect(result.sparsity).toBeGreaterThan(0);
    expect(result.sparsity).toBeLessThan(1);
  });

  test('a layer of maps by channels: the maximum over positions', async () => {
    const result = await inspectUnits(bytes, images, { layer: 'maps', top: 4, batchSize: 70 });
    const values = await layerValues(bytes, 'maps', images);
    const positions = values.length / images.count / 6;
    const directions = randomDirections(6, 6, new Random(0, 0));
    expect(result).toMatchObject({ view: 'channels', shape: [6, 8, 8], units: 6 });
    const response = (image: number, weight: (channel: number) => number): number => {
      let best = Number.NEGATIVE_INFINITY;
      for (let p = 0; p < positions; p++) {
        let sum = 0;
        for (let c = 0; c < 6; c++) sum += weight(c) * (values[(image * 6 + c) * positions + p] ?? 0);
        best = Math.max(best, sum);
      }
      return best;
    };
    for (const { probe, images: found } of result.natural) {
      const expected = strongest((image) => response(image, (c) => (c === probe ? 1 : 0)), 4);
      expect(found.map(({ index }) => index)).toEqual(expected.map(({ index }) => index));
    }
    for (const { probe, images: found } of result.random) {
      const expected = strongest((image) => response(image, (c) => directions[probe * 6 + c] ?? 0), 4);
      expect(found[0]?.activation).toBeCloseTo(expected[0]?.activation ?? Number.NaN, 4);
      expect(found.map(({ index }) => index)).toEqual(expected.map(({ index }) => index));
    }
  });

  test('by positions: each channel at each position is a unit; a choice of them by seed, silent ones left out', async () => {
    const inspect = (seed: number) =>
      inspectUnits(bytes, images, { layer: 'maps', view: 'positions', maxUnits: 50, seed, shown: 3 });
    const result = await inspect(5);
    expect(result.units).toBe(384);
    expect(result.natural.length + result.constantUnits).toBe(50);
    expect(result.constantUnits).toBeGreaterThan(0);
    expect(result.random).toHaveLength(result.natural.length);
    const values = await layerValues(bytes, 'maps', images);
    const [first] = result.natural;
    const expected = Math.max(...Array.from({ length: 300 }, (_, i) => values[i * 384 + (first?.probe ?? 0)] ?? 0));
    expect(first?.images[0]?.activation).toBeCloseTo(expected, 5);
    expect(result.shown.natural).toHaveLength(3);
    expect(result.natural).toEqual(expect.arrayContaining(result.shown.natural));
    expect(await inspect(5)).toEqual(result);
    expect((await inspect(6)).natural.map(({ probe }) => probe)).not.toEqual(result.natural.map(({ probe }) => probe));
  });

  test('says what is wrong', async () => {
    const wrong = (options: Partial<Parameters<typeof inspectUnits>[2]>) =>
      inspectUnits(bytes, images, { layer: 'hidden', ...options });
    await expect(wrong({ layer: 'fc9' })).rejects.toThrow('Expected one of Conv_2, maps, ');
    await expect(wrong({ top: 301 })).rejects.toThrow('at most the 300 images there are');
    await expect(wrong({ maxUnits: 0 })).rejects.toThrow('for maxUnits');
    await expect(wrong({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    const graph = new GraphBuilder();
    const x = graph.input('image', 'float32', ['N', 1, 28, 28]);
    const flat = graph.op('Flatten', [x]);
    const dead = graph.op('Relu', [graph.op('Gemm', [flat, graph.filled(-1, [784, 2])])]);
    graph.output(dead, 'dead');
    await expect(inspectUnits(graph.toBytes(), images, { layer: 'dead' })).rejects.toThrow('answers all images alike');
  });

  test('reports progress to the last image', async () => {
    const seen: number[] = [];
    await inspectUnits(bytes, images, { layer: 'hidden', batchSize: 128, onProgress: (done) => seen.push(done) });
    expect(seen).toEqual([128, 256, 300]);
  });
});

describe('the figure', () => {
  test('has four rows of ten for units and four for directions, labelled', async () => {
    const inspection = await inspectUnits(bytes, images, { layer: 'hidden' });
    const svg = await unitFigureSvg(inspection, images);
    expect(svg.match(/<image /g)).toHaveLength(80);
    expect(svg.match(/>unit \d+</g)).toHaveLength(4);
    expect(svg.match(/>direction \d+</g)).toHaveLength(4);
    const png = await unitFigurePng(inspection, images);
    expect(Array.from(png.subarray(1, 4))).toEqual([0x50, 0x4e, 0x47]);
  });
});

describe('randomDirections', () => {
  test('are of length 1 and favour no axis', () => {
    const [count, size] = [2000, 5];
    const directions = randomDirections(count, size, new Random(1));
    const square = new Float64Array(size);
    const mean = new Float64Array(size);
    for (let k = 0; k < count; k++) {
      const row = directions.subarray(k * size, (k + 1) * size);
      expect(Math.hypot(...row)).toBeCloseTo(1, 6);
      row.forEach((value, i) => {
        square[i] = (square[i] ?? 0) + value ** 2 / count;
        mean[i] = (mean[i] ?? 0) + value / count;
      });
    }
    for (let i = 0; i < size; i++) {
      expect(Math.abs((square[i] ?? 0) - 1 / size)).toBeLessThan(0.02);
      expect(Math.abs(mean[i] ?? 1)).toBeLessThan(0.04);
    }
  });
});
