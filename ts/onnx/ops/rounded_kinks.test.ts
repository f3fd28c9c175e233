import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../base/random.ts';
import { gradients } from '../gradients.ts';
import { GraphBuilder } from '../graph_builder.ts';
import type { GraphTarget } from '../op_rule.ts';
import { OP_RULES } from '../op_table.ts';
import { runInOrt } from '../testing/ort.ts';
import type { Value } from '../value.ts';

const BATCH = 3;

interface Case {
  /** Of one image. */
  readonly row: readonly number[];
  readonly build: (graph: GraphBuilder, x: Value) => Value;
  readonly target?: GraphTarget;
  readonly seed?: number;
}

interface Given {
  readonly x: Float64Array;
  readonly cotangent: Float64Array;
  readonly size: number;
}

/** The gradient of build(x) · cotangent; exact without smoothing. */
async function gradientOf(
  { row, build, target = 'cpu', seed = 1 }: Case,
  smoothing?: readonly number[],
): Promise<Given & { gradient: number[] }> {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', ['N', ...row]);
  const y = build(graph, x);
  const cotangent = graph.input('cotangent', 'float32', y.shape);
  const asked = smoothing && graph.input('smoothing', 'float32', ['N', 1]);
  const [gradient] = gradients(graph, y, [x], cotangent, { target, ...(asked ? { smoothing: asked } : {}) });
  if (gradient === undefined) throw new Error('no gradient');
  graph.output(gradient, 'gradient');
  const random = new Random(seed);
  const draw = (shape: readonly number[]) => {
    const full = [BATCH, ...shape];
    const count = full.reduce((product, dim) => product * dim, 1);
    return { shape: full, data: Float64Array.from({ length: count }, () => Math.fround(random.normal())) };
  };
  const [given, weights] = [draw(row), draw(y.shape.slice(1) as number[])];
  const feeds = {
    x: given,
    cotangent: weights,
    ...(smoothing ? { smoothing: { shape: [BATCH, 1], data: Float64Array.from(smoothing) } } : {}),
  };
  const { gradient: result } = await runInOrt(graph.toBytes(), feeds);
  const size = given.data.length / BATCH;
  return { x: given.data, cotangent: weights.data, size, gradient: [...(result?.data ?? [])] };
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i] as number, 4);
}

const rootMeanSquare = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

const relu = (graph: GraphBuilder, x: Value) => graph.op('Relu', [x]);
const leaky = (graph: GraphBuilder, x: Value) => graph.op('LeakyRelu', [x], { alpha: 0.2 });
const clip =
  (low?: number, high?: number) =>
  (graph: GraphBuilder, x: Value): Value =>
    graph.op(
      'Clip',
      [x, low, high].map((bound) => (typeof bound === 'number' ? graph.scalar(bound) : bound)),
    );
const paired = (op: 'Max' | 'Min') => (graph: GraphBuilder, x: Value) => graph.op(op, [x, graph.scalar(0)]);
const prelu = (graph: GraphBuilder, x: Value) => graph.op('PRelu', [x, graph.scalar(0.2)]);
const hardSigmoid = (graph: GraphBuilder, x: Value) => graph.op('HardSigmoid', [x], { alpha: 0.5, beta: 0.3 });
const hardSwish = (graph: GraphBuilder, x: Value) => graph.op('HardSwish', [graph.mul(x, graph.scalar(3))]);
const pool =
  (attributes: Record<string, number[]>) =>
  (graph: GraphBuilder, x: Value): Value =>
    graph.op('MaxPool', [x], attributes);

test('every rule that claims to round kinks is tested here', () => {
  const claiming = Object.entries(OP_RULES).filter(([, rule]) => rule.roundsKinks);
  expect(claiming.map(([name]) => name).sort()).toEqual([
    'Clip',
    'HardSigmoid',
    'HardSwish',
    'LeakyRelu',
    'Max',
    'MaxPool',
    'Min',
    'PRelu',
    'Relu',
  ]);
});

describe.each(['cpu', 'webgpu'] as GraphTarget[])('rounded kinks, form for %s', (target) => {
  test.each([
    ['Relu', relu],
    ['LeakyRelu', leaky],
    ['PRelu', prelu],
    ['Clip', clip(-0.5, 0.7)],
    ['Clip from above', clip(undefined, 0.7)],
    ['Max', paired('Max')],
    ['Min', paired('Min')],
    ['HardSigmoid', hardSigmoid],
    ['HardSwish', hardSwish],
  ])('%s without smoothing is exact', async (_name, build) => {
    const exact = await gradientOf({ row: [7], build, target });
    const { gradient } = await gradientOf({ row: [7], build, target }, [0, 0, 0]);
    expectClose(gradient, exact.gradient);
  });

  test('MaxPool without smoothing is exact, whatever the windows', async () => {
    const pair = (least: number, most: number) =>
      fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }));
    const property = fc.asyncProperty(
      pair(1, 3),
      pair(1, 3),
      pair(0, 1),
      fc.boolean(),
      fc.integer({ min: 1, max: 1e6 }),
      async (kernel, steps, padding, tiled, seed) => {
        const strides = tiled ? kernel : steps;
        const pads = tiled ? [0, 0] : padding.map((pad, i) => Math.min(pad, (kernel[i] as number) - 1));
        const row = [2, ...kernel.map((k, i) => (tiled ? 3 * k : k + 2 + i))];
        const build = pool({ kernel_shape: kernel, strides, pads: [...pads, ...pads] });
        const exact = await gradientOf({ row, build, target, seed });
        const { gradient } = await gradientOf({ row, build, target, seed }, [0, 0, 0]);
        expectClose(gradient, exact.gradient);
      },
    );
    await fc.assert(property, { numRuns: 25, seed: 3 });
  });

  test.each([
    ['Relu', relu, 0],
    ['LeakyRelu', leaky, 0.2],
    ['PRelu', prelu, 0.2],
    ['Clip at 0', clip(0), 0],
    ['Max with 0', paired('Max'), 0],
  ])('%s has a ramp, as wide as each image wants it', async (_name, build, alpha) => {
    const smoothing = [0.5, 0, 0.1];
    const { x, cotangent, size, gradient } = await gradientOf({ row: [40], build, target }, smoothing);
    const expected = [...x].map((value, i) => {
      const image = Math.floor(i / size);
      const width = (smoothing[image] as number) * rootMeanSquare([...x.subarray(image * size, (image + 1) * size)]);
      const step = width === 0 ? Number(value > 0) : Math.min(1, Math.max(0, 0.5 + value / (4 * width)));
      return (cotangent[i] as number) * (alpha + (1 - alpha) * step);
    });
    expectClose(gradient, expected);
  });

  test.each<[string, (graph: GraphBuilder, x: Value) => Value, (x: number, step: (x: number) => number) => number]>([
    ['Clip', clip(-0.5, 0.7), (x, step) => step(x + 0.5) - step(x - 0.7)],
    ['Min with 0', paired('Min'), (x, step) => 1 - step(x)],
    ['HardSigmoid', hardSigmoid, (x, step) => 0.5 * (step(x + 0.6) - step(x - 1.4))],
  ])('%s has a ramp at each kink', async (_name, build, slope) => {
    const { x, cotangent, size, gradient } = await gradientOf({ row: [40], build, target }, [0.5, 0.2, 0.1]);
    const expected = [...x].map((value, i) => {
      const image = Math.floor(i / size);
      const width = [0.5, 0.2, 0.1][image] as number;
      const scale = width * rootMeanSquare([...x.subarray(image * size, (image + 1) * size)]);
      const step = (at: number): number => Math.min(1, Math.max(0, 0.5 + at / (4 * scale)));
      return (cotangent[i] as number) * slope(value, step);
    });
    expectClose(gradient, expected);
  });

  test('what stands at a bound of a Clip moves, as without smoothing', async () => {
    const build = (graph: GraphBuilder, x: Value) =>
      clip(0, 1)(graph, graph.op('Clip', [x, graph.scalar(0), graph.scalar(1)]));
    const exact = await gradientOf({ row: [9], build, target });
    const { gradient } = await gradientOf({ row: [9], build, target }, [0, 0, 0]);
    expectClose(gradient, exact.gradient);
  });

  test.each([
    { kernel: 2, stride: 2, pad: 0, size: 6 },
    { kernel: 3, stride: 2, pad: 1, size: 7 },
    { kernel: 3, stride: 1, pad: 0, size: 5 },
  ])(
    'MaxPool shares by softmax: $kernel × $kernel, stride $stride, pad $pad',
    async ({ kernel, stride, pad, size }) => {
      const smoothing = [0.3, 0.05, 1];
      const square = [kernel, kernel];
      const build = pool({ kernel_shape: square, strides: [stride, stride], pads: [pad, pad, pad, pad] });
      const { x, cotangent, gradient } = await gradientOf({ row: [1, size, size], build, target }, smoothing);
      const out = Math.floor((size + 2 * pad - kernel) / stride) + 1;
      const inside = (at: number) => at >= 0 && at < size;
      const expected = new Array<number>(x.length).fill(0);
      for (const [image, asked] of smoothing.entries()) {
        const windows = Array.from({ length: out * out }, (_, at) => {
          const [top, left] = [Math.floor(at / out) * stride - pad, (at % out) * stride - pad];
          return Array.from({ length: kernel * kernel }, (_, j) => [top + Math.floor(j / kernel), left + (j % kernel)])
            .filter((place) => place.every(inside))
            .map(([i = 0, j = 0]) => (image * size + i) * size + j);
        });
        const maxima = windows.map((places) => Math.max(...places.map((place) => x[place] as number)));
        const width = asked * rootMeanSquare(maxima);
        for (const [at, places] of windows.entries()) {
          const weights = places.map((place) => Math.exp(((x[place] as number) - (maxima[at] as number)) / width));
          const sum = weights.reduce((a, b) => a + b);
          for (const [j, place] of places.entries()) {
            const share = (weights[j] as number) / sum;
            expected[place] = (expected[place] as number) + share * (cotangent[image * out * out + at] as number);
          }
        }
      }
      expectClose(gradient, expected);
    },
  );

  test.each([
    { kernel: 2, stride: 2, size: 6 },
    { kernel: 3, stride: 2, size: 7 },
  ])(
    'ReLU after MaxPool goes by the softened maximum: $kernel × $kernel, stride $stride',
    async ({ kernel, stride, size }) => {
      const pooled = pool({ kernel_shape: [kernel, kernel], strides: [stride, stride] });
      const smoothing = [0.3, 0, 0.05];
      const out = Math.floor((size - kernel) / stride) + 1;
      const row = [1, size, size];
      const both = await gradientOf({ row, build: (graph, x) => relu(graph, pooled(graph, x)), target }, smoothing);
      const expected = new Array<number>(both.x.length).fill(0);
      for (const [image, asked] of smoothing.entries()) {
        const places = Array.from({ length: out * out }, (_, at) =>
          Array.from({ length: kernel * kernel }, (_, j) => {
            const [i, k] = [Math.floor(at / out) * stride + Math.floor(j / kernel), (at % out) * stride + (j % kernel)];
            return (image * size + i) * size + k;
          }),
        );
        const maxima = places.map((window) => Math.max(...window.map((place) => both.x[place] as number)));
        const width = asked * rootMeanSquare(maxima);
        for (const [at, window] of places.entries()) {
          const largest = maxima[at] as number;
          const weights = window.map((place) =>
            width === 0 ? Number(both.x[place] === largest) : Math.exp(((both.x[place] as number) - largest) / width),
          );
          const sum = weights.reduce((a, b) => a + b);
          const soft = largest + width * Math.log(sum);
          const step = width === 0 ? Number(largest > 0) : Math.min(1, Math.max(0, 0.5 + soft / (4 * width)));
          for (const [j, place] of window.entries()) {
            const share = (weights[j] as number) / sum;
            expected[place] =
              (expected[place] as number) + step * share * (both.cotangent[image * out * out + at] as number);
          }
        }
      }
      expectClose(both.gradient, expected);
    },
  );

  test('three axes are pooled alike', async () => {
    const build = pool({ kernel_shape: [2, 2, 2], strides: [2, 2, 2] });
    const row = [2, 4, 4, 6];
    const exact = await gradientOf({ row, build, target });
    const { gradient } = await gradientOf({ row, build, target }, [0, 0, 0]);
    expectClose(gradient, exact.gradient);
  });
});
