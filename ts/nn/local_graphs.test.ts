/** A stage of QuocNet against loops in TypeScript, and its gradient. */
import { describe, expect, test } from 'vitest';
import { Random } from '../base/random.ts';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import { checkGradient } from '../onnx/testing/gradient_check.ts';
import { createSession } from '../runtime/node_session.ts';
import { buildInferenceModel } from './inference_model.ts';
import { contrastNorm, l2Pool, localFilter } from './layers.ts';
import { filterLocally, normaliseContrast, poolL2, reconstructLocally } from './local_graphs.ts';
import { parameterSpecs } from './network.ts';
import { stageTerms } from './stage_learning.ts';

/** [maps][height][width]. */
type Maps = number[][][];

const FILTER = localFilter(3, 3, 2);
const POOL = l2Pool(2);
const NORM = contrastNorm(3, 0.5);
const INPUT = [2, 9, 8];

describe('a stage', () => {
  test('computes what its formulas say', async () => {
    const model = { name: 'stage', inputShape: INPUT, layers: [FILTER, POOL, NORM] };
    expect(parameterSpecs(model).map(({ name, shape }) => [name, shape])).toEqual([['local1.weight', [12, 18, 3]]]);
    const random = new Random(1);
    const weights = Float32Array.from({ length: 12 * 18 * 3 }, () => random.normal());
    const images = Float32Array.from({ length: 2 * 144 }, () => random.normal());
    await using session = await createSession(buildInferenceModel(model, new Map([['local1.weight', weights]])));
    const { logits } = await session.run({ image: { data: images, dims: [2, ...INPUT] } });
    const expected = [0, 1].flatMap((index) => stage(mapsOf(images.subarray(index * 144)), weights).flat(2));
    expect(logits?.dims).toEqual([2, 3, 3, 2]);
    for (const [i, value] of expected.entries()) expect(logits?.data[i]).toBeCloseTo(value, 4);
  });

  test('is differentiated rightly', () =>
    checkGradient({
      inputs: [
        [1, 1, 7, 7],
        [9, 9, 3],
      ],
      build: (graph, [x, weight]) => {
        if (!x || !weight) throw new TypeError('two inputs');
        const responses = filterLocally(graph, x, weight, FILTER, [1, 7, 7]);
        return normaliseContrast(graph, poolL2(graph, responses, POOL), NORM, [3, 2, 2]);
      },
    }));
});

test('what filters put back is the adjoint of filtering', async () => {
  const random = new Random(2);
  const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
  const [x, weight, responses] = [draw(144), draw(12 * 18 * 3), draw(36)];
  const graph = new GraphBuilder();
  const image = graph.input('x', 'float32', [1, ...INPUT]);
  const w = graph.constant(weight, [12, 18, 3]);
  const h = graph.constant(responses, [1, 3, 4, 3]);
  graph.output(filterLocally(graph, image, w, FILTER, INPUT), 'filtered');
  const back = reconstructLocally(
    graph,
    graph.add(h, graph.mul(graph.reduceSum(image, [1, 2, 3]), graph.scalar(0))),
    graph.transpose(w, [0, 2, 1]),
    FILTER,
    INPUT,
  );
  graph.output(back, 'back');
  await using session = await createSession(graph.toBytes());
  const answers = await session.run({ x: { data: x, dims: [1, ...INPUT] } });
  const dot = (a: ArrayLike<number> = [], b: ArrayLike<number> = []) =>
    Array.from(a).reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  expect(answers['back']?.dims).toEqual([1, ...INPUT]);
  expect(dot(answers['filtered']?.data, responses)).toBeCloseTo(dot(answers['back']?.data, x), 2);
});

test('the objective is differentiated rightly', () =>
  checkGradient({
    inputs: [
      [9, 9, 3],
      [9, 3, 9],
    ],
    build: (graph, [encode, decode]) => {
      if (!encode || !decode) throw new TypeError('two inputs');
      const shape = [1, 7, 7];
      const x = graph.filled(0.7, [1, ...shape]);
      const { error, penalty } = stageTerms(
        graph,
        x,
        { encode, decode },
        { filter: FILTER, pool: POOL, inputShape: shape },
      );
      return graph.add(error, penalty);
    },
  }));

function mapsOf(values: Float32Array): Maps {
  const [channels = 0, height = 0, width = 0] = INPUT;
  return field(channels, height, width, (c, y, x) => values[(c * height + y) * width + x] as number);
}

function field(maps: number, height: number, width: number, at: (m: number, y: number, x: number) => number): Maps {
  const range = (length: number) => Array.from({ length }, (_, i) => i);
  return range(maps).map((m) => range(height).map((y) => range(width).map((x) => at(m, y, x))));
}

/** 2 × 9 × 8, filtered to 3 × 4 × 3, pooled to 3 × 3 × 2. */
function stage(image: Maps, weights: Float32Array): Maps {
  const filtered = field(3, 4, 3, (map, row, column) => {
    let sum = 0;
    for (let i = 0; i < 18; i++) {
      const [c, dy, dx] = [Math.floor(i / 9), Math.floor(i / 3) % 3, i % 3];
      const pixel = image[c]?.[2 * row + dy]?.[2 * column + dx] as number;
      sum += pixel * (weights[((row * 3 + column) * 18 + i) * 3 + map] as number);
    }
    return sum;
  });
  const pooled = field(3, 3, 2, (map, row, column) => {
    let sum = 0.01;
    for (const [dy, dx] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const)
      sum += (filtered[map]?.[row + dy]?.[column + dx] as number) ** 2;
    return Math.sqrt(sum);
  });
  const centred = field(3, 3, 2, (m, y, x) => (pooled[m]?.[y]?.[x] as number) - average(pooled, y, x));
  const squares = field(3, 3, 2, (m, y, x) => (centred[m]?.[y]?.[x] as number) ** 2);
  return field(
    3,
    3,
    2,
    (m, y, x) => (centred[m]?.[y]?.[x] as number) / Math.max(0.5, Math.sqrt(average(squares, y, x))),
  );
}

/** Over all maps of the 3×3 window, by a Gaussian of standard deviation 3/4, of what lies inside. */
function average(maps: Maps, row: number, column: number): number {
  let [sum, weight] = [0, 0];
  for (const map of maps) {
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const value = map[row + dy]?.[column + dx];
        if (value === undefined) continue;
        const share = Math.exp(-(dy * dy + dx * dx) / (2 * 0.75 ** 2));
        sum += share * value;
        weight += share;
      }
    }
  }
  return sum / weight;
}
