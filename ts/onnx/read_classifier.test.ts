import { describe, expect, test } from 'vitest';
import { attackGraph, logitsGraph } from './attack_graph.ts';
import { describeClassifier } from './classifier.ts';
import type { InputOptions } from './preprocessing.ts';
import { type ClassifierOptions, readClassifier } from './read_classifier.ts';
import { runInOrt } from './testing/ort.ts';
import { randomSource, spacedTensor } from './testing/random.ts';
import { rawFloats, rawModel, rawNode, rawValue } from './testing/raw_model.ts';

const weights = (count: number) => Array.from({ length: count }, (_, i) => Math.sin(3 * i + 1));

/** A linear classifier of 2x2 images of three channels in any order. */
function linear(shape: (number | string)[], classes = 2) {
  return rawModel(13, {
    node: [rawNode('Flatten', ['data'], ['flat']), rawNode('MatMul', ['flat', 'w'], ['scores'])],
    initializer: [rawFloats('w', [12, classes], weights(12 * classes))],
    input: [rawValue('data', shape)],
    output: [rawValue('scores', ['N', classes])],
  });
}

async function logitsOf(bytes: Uint8Array, pixels: Float64Array, options: ClassifierOptions): Promise<number[]> {
  const { model } = readClassifier(bytes, options);
  const { imageShape } = describeClassifier(model);
  const image = { shape: [1, ...imageShape], data: pixels };
  const { logits } = await runInOrt(logitsGraph(model), { image });
  return [...(logits?.data ?? [])];
}

describe('what a model wants of its pixels is a part of its graph', () => {
  const pixels = Float64Array.from({ length: 12 }, (_, i) => ((5 * i + 3) % 12) / 11);

  /** Scores of the plain model for what `want` makes of value, channel and position. */
  async function expected(
    bytes: Uint8Array,
    want: (channel: number, at: (c: number) => number) => number,
    layout: 'nchw' | 'nhwc',
  ) {
    const place = (c: number, p: number) => (layout === 'nchw' ? 4 * c + p : 3 * p + c);
    const data = new Float64Array(12);
    for (let p = 0; p < 4; p++) {
      for (let c = 0; c < 3; c++) data[place(c, p)] = want(c, (other) => pixels[place(other, p)] as number);
    }
    const { scores } = await runInOrt(bytes, {
      data: { shape: layout === 'nchw' ? [1, 3, 2, 2] : [1, 2, 2, 3], data },
    });
    return [...(scores?.data ?? [])];
  }

  const mean = [104, 117, 123];
  const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const cases: [string, InputOptions, (c: number, at: (c: number) => number) => number][] = [
    ['a range', { range: [-1, 1] }, (c, at) => 2 * at(c) - 1],
    [
      'blue first, 0 to 255, a mean for each channel',
      { range: [0, 255], channels: 'bgr', mean },
      (c, at) => 255 * at(2 - c) - (mean[c] as number),
    ],
    ['one mean and one deviation', { mean: [0.5], std: [0.25] }, (c, at) => (at(c) - 0.5) / 0.25],
    [
      'those of ImageNet',
      { mean: 'imagenet', std: 'imagenet' },
      (c, at) => (at(c) - (imagenet.mean[c] as number)) / (imagenet.std[c] as number),
    ],
    [
      'those of ImageNet, 0 to 255, blue first',
      { mean: 'imagenet', std: 'imagenet', range: [0, 255], channels: 'bgr' },
      (c, at) => (at(2 - c) - (imagenet.mean[2 - c] as number)) / (imagenet.std[2 - c] as number),
    ],
  ];
  for (const layout of ['nchw', 'nhwc'] as const) {
    test.each(cases)(`%s, ${layout}`, async (_what, input, want) => {
      const bytes = linear(layout === 'nchw' ? ['N', 3, 2, 2] : ['N', 2, 2, 3]);
      const found = await logitsOf(bytes, pixels, { input });
      const wanted = await expected(bytes, want, layout);
      found.forEach((value, i) => {
        expect(Math.abs(value - (wanted[i] as number))).toBeLessThan(1e-5 * (1 + Math.abs(wanted[i] as number)));
      });
    });
  }

  test('the gradient is that of the pixels', async () => {
    const bytes = linear(['N', 3, 2, 2]);
    const image = spacedTensor([1, 3, 2, 2], randomSource(2), 0, 1);
    const question = {
      one_hot: { shape: [1, 2], data: Float64Array.of(1, 0) },
      sign: { shape: [1, 1], data: Float64Array.of(1) },
      temperature: { shape: [1, 1], data: Float64Array.of(1) },
    };
    const gradient = async (input?: InputOptions) => {
      const graph = attackGraph(readClassifier(bytes, input ? { input } : {}).model);
      return [...((await runInOrt(graph, { image, ...question }))['gradient']?.data ?? [])];
    };
    const plain = await gradient();
    const scaled = await gradient({ range: [0, 255], channels: 'bgr' });
    scaled.forEach((value, i) => {
      const [c, p] = [Math.floor(i / 4), i % 4];
      expect(value).toBeCloseTo(255 * (plain[4 * (2 - c) + p] as number), 3);
    });
  });

  test('height and width of a model that takes any', () => {
    const model = rawModel(13, {
      node: [
        rawNode('Conv', ['data', 'k'], ['c']),
        rawNode('GlobalAveragePool', ['c'], ['g']),
        rawNode('Flatten', ['g'], ['scores']),
      ],
      initializer: [rawFloats('k', [2, 3, 1, 1], weights(6))],
      input: [rawValue('data', ['N', 3, 'H', 'W'])],
      output: [rawValue('scores', ['N', 2])],
    });
    expect(describeClassifier(readClassifier(model, { input: { size: [4, 6] } }).model).imageShape).toEqual([3, 4, 6]);
    expect(() => describeClassifier(readClassifier(model).model)).toThrow('give height and width (--size');
  });

  test.each<[string, (number | string)[], InputOptions, RegExp]>([
    [
      'four means',
      ['N', 3, 2, 2],
      { mean: [1, 2, 3, 4] },
      /^Expected one number or 3, one for each channel for mean but received/,
    ],
    ['a deviation of 0', ['N', 3, 2, 2], { std: [0] }, /^Expected numbers above 0 for std/],
    ['an empty range', ['N', 3, 2, 2], { range: [1, 1] }, /^Expected two different numbers for range/],
    [
      'colours of flat images',
      ['N', 12],
      { channels: 'bgr' },
      /^Expected rgb \(input "data" \[N, 12\] has no three channels\) for channels/,
    ],
    [
      'a size that it has not',
      ['N', 3, 2, 2],
      { size: [3, 3] },
      /^Expected that of input "data", \[N, 3, 2, 2\], for size/,
    ],
    [
      'a layout of flat images',
      ['N', 12],
      { layout: 'nhwc', mean: [1] },
      /^Expected nothing \(input "data" \[N, 12\] has no channels\) for layout/,
    ],
  ])('%s: refused in one line', (_what, shape, input, message) => {
    expect(() => readClassifier(linear(shape), { input })).toThrow(message);
  });
});

describe('the class scores are found', () => {
  const two = (nodes: ReturnType<typeof rawNode>[], outputs: [string, (number | string)[]][]) =>
    rawModel(13, {
      node: nodes,
      initializer: [
        rawFloats('w', [4, 5], weights(20)),
        rawFloats('v', [5, 3], weights(15)),
        rawFloats('u', [4, 1], weights(4)),
      ],
      input: [rawValue('x', ['N', 4])],
      output: outputs.map(([name, shape]) => rawValue(name, shape)),
    });
  const feature = rawNode('MatMul', ['x', 'w'], ['feature']);
  const logits = rawNode('MatMul', ['feature', 'v'], ['z']);

  test('logits, not the features that they are made from, whatever their order', () => {
    const bytes = two(
      [feature, logits],
      [
        ['feature', ['N', 5]],
        ['z', ['N', 3]],
      ],
    );
    expect(describeClassifier(readClassifier(bytes).model).classes).toBe(3);
    expect(describeClassifier(readClassifier(bytes, { output: 'feature' }).model).classes).toBe(5);
  });

  test('a label of integers in front', () => {
    const label = rawNode('ArgMax', ['z'], ['label'], { axis: 1n, keepdims: 0n });
    const bytes = two(
      [feature, logits, label],
      [
        ['label', ['N']],
        ['z', ['N', 3]],
      ],
    );
    expect(describeClassifier(readClassifier(bytes).model).classes).toBe(3);
  });

  test('two that could be: the caller is to say which', () => {
    const other = rawNode('MatMul', ['x', 'w'], ['other']);
    const bytes = two(
      [feature, logits, other],
      [
        ['other', ['N', 5]],
        ['z', ['N', 3]],
      ],
    );
    expect(() => readClassifier(bytes)).toThrow(
      'Several outputs could be the class scores: "other" [N, 5], "z" [N, 3]; name one (--output, or the option output)',
    );
  });

  test.each<[string, ReturnType<typeof rawNode>[], (number | string)[], (z: number) => number]>([
    [
      'a sigmoid',
      [rawNode('MatMul', ['x', 'u'], ['z']), rawNode('Sigmoid', ['z'], ['y'])],
      ['N', 1],
      (p) => Math.log(p / (1 - p)),
    ],
    ['a logit', [rawNode('MatMul', ['x', 'u'], ['y'])], ['N', 1], (z) => z],
    ['a flat logit', [rawNode('MatMul', ['x', 'u'], ['z']), rawNode('Squeeze', ['z', 'axis'], ['y'])], ['N'], (z) => z],
  ])('%s of one number an image is two classes', async (_what, nodes, shape, logit) => {
    const all = [rawNode('Constant', [], ['axis'], { value_ints: [1n] }), ...nodes];
    const bytes = two(all, [['y', shape]]);
    const { model } = readClassifier(bytes);
    expect(describeClassifier(model).classes).toBe(2);
    const image = spacedTensor([3, 4], randomSource(3), 0, 1);
    const { y } = await runInOrt(bytes, { x: image });
    const found = (await runInOrt(logitsGraph(model), { image }))['logits'];
    expect(found?.shape).toEqual([3, 2]);
    for (let row = 0; row < 3; row++) {
      expect(found?.data[2 * row]).toBe(0);
      expect(found?.data[2 * row + 1]).toBeCloseTo(logit(y?.data[row] as number), 4);
    }
  });
});
