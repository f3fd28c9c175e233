import { describe, expect, test } from 'vitest';
import { type AttackGraphOptions, attackGraph, hasRoundedKinks, logitsGraph } from './attack_graph.ts';
import { describeClassifier } from './classifier.ts';
import type { Model } from './model.ts';
import { readModel } from './read_model.ts';
import { convolutionalClassifier, mlpClassifier, type TestClassifier } from './testing/classifiers.ts';
import { expectClose } from './testing/gradient_check.ts';
import { runInOrt } from './testing/ort.ts';
import { randomSource, spacedTensor } from './testing/random.ts';
import { rawFloats, rawInts, rawModel, rawNode, rawValue } from './testing/raw_model.ts';
import { evaluateModel } from './testing/reference_evaluator.ts';
import type { ReferenceTensor } from './testing/reference_tensor.ts';

const IMAGES = 3;
const KINDS = { mlp: mlpClassifier, convolutional: convolutionalClassifier };

interface Questions {
  classes: number[];
  signs: number[];
  temperatures: number[];
}

const ASKED: Questions = { classes: [2, 0, 3], signs: [1, -1, 1], temperatures: [1, 0.1, 0.02] };

function feedsFor(
  image: ReferenceTensor,
  classes: number,
  { classes: chosen, signs, temperatures }: Questions,
): Record<string, ReferenceTensor> {
  const oneHot = new Float64Array(IMAGES * classes);
  chosen.forEach((k, i) => {
    oneHot[i * classes + k] = 1;
  });
  return {
    image,
    one_hot: { shape: [IMAGES, classes], data: oneHot },
    sign: { shape: [IMAGES, 1], data: Float64Array.from(signs) },
    temperature: { shape: [IMAGES, 1], data: Float64Array.from(temperatures) },
  };
}

/** s by its definition, in float64. */
function smoothedMargin(logits: readonly number[], k: number, sign: number, temperature: number): number {
  const others = logits.filter((_, j) => j !== k);
  const top = Math.max(...others);
  const sum = others.reduce((total, z) => total + Math.exp((z - top) / temperature), 0);
  return sign * (top + temperature * Math.log(sum) - (logits[k] ?? Number.NaN));
}

function differences(judge: Model, image: ReferenceTensor, classes: number, asked: Questions): ReferenceTensor {
  const step = 1e-6;
  const size = image.data.length / IMAGES;
  const margins = (data: Float64Array): number[] => {
    const { logits } = evaluateModel(judge, { image: { shape: image.shape, data } });
    return asked.classes.map((k, i) => {
      const row = [...(logits?.data.slice(i * classes, (i + 1) * classes) ?? [])];
      return smoothedMargin(row, k, asked.signs[i] ?? 1, asked.temperatures[i] ?? 1);
    });
  };
  const moved = (i: number, by: number): number => {
    const data = image.data.slice();
    data[i] = (data[i] ?? 0) + by;
    return margins(data)[Math.floor(i / size)] ?? Number.NaN;
  };
  return { shape: image.shape, data: image.data.map((_, i) => (moved(i, step) - moved(i, -step)) / (2 * step)) };
}

function imageFor(model: Model): ReferenceTensor {
  const { imageShape } = describeClassifier(model);
  const image = spacedTensor([IMAGES, ...imageShape], randomSource(5), 0, 1);
  return { ...image, data: image.data.map(Math.fround) };
}

const VARIANTS: TestClassifier[] = [
  { batch: 'batch_size' },
  { batch: 1 },
  { batch: 8, ending: 'Softmax' },
  { batch: 'N', ending: 'LogSoftmax', inputName: 'image' },
  { batch: 1, ending: 'Softmax', inputName: 'logits' },
  { batch: 'N', inputName: 'serving_default/input:0', classes: 2 },
];

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('%s classifier', (kind) => {
  test.each(VARIANTS)('the gradient is that of the smoothed margin: %o', async (variant) => {
    const model = readModel(KINDS[kind](variant));
    const { classes } = describeClassifier(model);
    const asked = { ...ASKED, classes: ASKED.classes.map((k) => k % classes) };
    const image = imageFor(model);
    const expected = differences(readModel(logitsGraph(model)), image, classes, asked);
    for (const target of ['cpu', 'webgpu'] as const) {
      const bytes = attackGraph(model, { target });
      const feeds = feedsFor(image, classes, asked);
      const { gradient } = evaluateModel(readModel(bytes), feeds);
      expectClose(gradient, expected, 1e-6, `gradient for ${target}`);
      const measured = await runInOrt(bytes, feeds);
      expectClose(measured['gradient'], expected, 1e-4, `gradient for ${target} in ONNX Runtime`);
    }
  });
});

describe.each(['cpu', 'webgpu'] as const)('smoothing, for %s', (target) => {
  const answers = async (kind: keyof typeof KINDS, smoothing: readonly number[]) => {
    const model = readModel(KINDS[kind]({ batch: 1 }));
    const feeds = feedsFor(imageFor(model), 4, ASKED);
    const asked = { ...feeds, smoothing: { shape: [IMAGES, 1], data: Float64Array.from(smoothing) } };
    return {
      exact: await runInOrt(attackGraph(model, { target }), feeds),
      smoothed: await runInOrt(attackGraph(model, { target, smoothing: true }), asked),
    };
  };

  test.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('of 0 leaves the gradient exact: %s', async (kind) => {
    const { exact, smoothed } = await answers(kind, [0, 0, 0]);
    expectClose(smoothed['gradient'], exact['gradient'] as ReferenceTensor, 1e-5, 'gradient');
    expect(smoothed['logits']).toEqual(exact['logits']);
  });

  test('changes the gradient of the images that want it, and no answer', async () => {
    const { exact, smoothed } = await answers('convolutional', [0, 0.5, 0]);
    expect(smoothed['logits']).toEqual(exact['logits']);
    const row = ({ gradient }: typeof exact, image: number) => gradient?.data.slice(36 * image, 36 * (image + 1));
    for (const image of [0, 1, 2]) {
      const [before, after] = [row(exact, image), row(smoothed, image)];
      const change = Math.max(...(before ?? []).map((value, i) => Math.abs(value - (after?.[i] ?? Number.NaN))));
      if (image === 1) expect(change).toBeGreaterThan(1e-3);
      else expect(change).toBeLessThan(1e-5);
    }
  });
});

test.each([
  ['mlp', false],
  ['convolutional', true],
] as const)('smoothing would change the gradient: %s, %s', (kind, changes) => {
  expect(hasRoundedKinks(readModel(KINDS[kind]({ batch: 'N' })))).toBe(changes);
});

test('the shapes are those of the contract', () => {
  const { inputs, outputs } = readModel(attackGraph(readModel(convolutionalClassifier({ batch: 1 }))));
  expect(inputs.map(({ name, shape, type }) => [name, shape, type])).toEqual([
    ['image', ['N', 1, 6, 6], 'float32'],
    ['one_hot', ['N', 4], 'float32'],
    ['sign', ['N', 1], 'float32'],
    ['temperature', ['N', 1], 'float32'],
  ]);
  expect(outputs.map(({ name, shape }) => [name, shape])).toEqual([
    ['logits', ['N', 4]],
    ['gradient', ['N', 1, 6, 6]],
  ]);
});

test('the logits are those of the model without its Softmax', async () => {
  const plain = readModel(mlpClassifier({ batch: 'N' }));
  const ended = readModel(mlpClassifier({ batch: 1, ending: 'Softmax' }));
  const image = imageFor(plain);
  const { logits } = await runInOrt(logitsGraph(ended), { image });
  const { scores } = await runInOrt(mlpClassifier({ batch: 'N' }), { x: image });
  expect(logits).toEqual(scores);
});

test('the gradient by the input of an MLP stays a handful of nodes', () => {
  const { nodes } = readModel(attackGraph(readModel(mlpClassifier({ batch: 'N' }))));
  expect(nodes.map((node) => node.op)).toEqual([
    ...['Gemm', 'Sigmoid', 'Gemm'],
    ...['Greater', 'Where', 'ReduceMax', 'Sub', 'Div', 'Greater', 'Where', 'Softmax', 'Sub', 'Mul'],
    ...['Gemm', 'Sub', 'Mul', 'Mul', 'Gemm'],
  ]);
});

describe('numerical safety, in float32', () => {
  /** Logits given directly, so that the gradient is the cotangent itself. */
  const identity = (options: AttackGraphOptions = {}): Uint8Array<ArrayBuffer> =>
    attackGraph(
      readModel(
        rawModel(17, {
          node: [rawNode('Identity', ['z'], ['y'])],
          input: [rawValue('z', ['N', 3])],
          output: [rawValue('y', ['N', 3])],
        }),
      ),
      options,
    );

  test.each([
    ['a tiny temperature', [5, 4.999, -5], 0, 1e-3, [-1, 1, 0]],
    ['near ties at a tiny temperature', [1, 0.5, 0.5], 0, 1e-3, [-1, 0.5, 0.5]],
    ['logits of 1e30', [1e30, -1e30, 3e29], 2, 1e-3, [1, 0, -1]],
    ['a dominating own class', [1e30, 1, 1], 0, 1, [-1, 0.5, 0.5]],
    ['logits far below', [-1e30, -1e30, 5], 2, 0.01, [0.5, 0.5, -1]],
    ['large logits a little apart', [1000, 1000.001, 0], 2, 1e-3, undefined],
  ] as const)('%s', async (_, logits, k, temperature, expected) => {
    const data = Float64Array.from([...logits, ...logits, ...logits]);
    const image = { shape: [3, 3], data };
    const asked = { classes: [k, k, k], signs: [1, 1, -1], temperatures: [temperature, temperature, temperature] };
    const { gradient } = await runInOrt(identity(), feedsFor(image, 3, asked));
    const rows = [...(gradient?.data ?? [])];
    expect(rows.every(Number.isFinite)).toBe(true);
    const near = logits.map(Math.fround).map((z) => Math.exp((z - Math.max(...logits.slice(0, 2))) / temperature));
    const own = expected ?? [
      (near[0] ?? 0) / ((near[0] ?? 0) + (near[1] ?? 0)),
      (near[1] ?? 0) / ((near[0] ?? 0) + (near[1] ?? 0)),
      -1,
    ];
    own.forEach((value, i) => {
      expect(rows[i]).toBeCloseTo(value, 2);
      expect(rows[6 + i]).toBeCloseTo(-value, 2);
    });
  });
});

describe('what exporters write', () => {
  const matrix = rawFloats(
    'w',
    [12, 3],
    Array.from({ length: 36 }, (_, i) => Math.sin(i)),
  );

  const checkAgainstOrt = async (bytes: Uint8Array, inputName: string, imageShape: number[]): Promise<void> => {
    const model = readModel(bytes);
    const single = spacedTensor([1, ...imageShape], randomSource(3), 0, 1);
    const [expected] = Object.values(await runInOrt(bytes, { [inputName]: single }));
    const repeated = Float64Array.from([...single.data, ...single.data]);
    const { logits } = await runInOrt(logitsGraph(model), { image: { shape: [2, ...imageShape], data: repeated } });
    const rows = [...(expected?.data ?? [])];
    const scores = [...(logits?.data ?? [])];
    expect(scores).toHaveLength(2 * rows.length);
    [...rows, ...rows].forEach((value, i) => {
      expect(scores[i]).toBeCloseTo(value, 5);
    });
  };

  test('a flatten by Shape, Gather, Unsqueeze, Concat and Reshape, for one image', async () => {
    const bytes = rawModel(11, {
      node: [
        rawNode('Shape', ['input.1'], ['s']),
        rawNode('Constant', [], ['zero'], { value: { dims: [], dataType: 7, int64Data: [0n] } }),
        rawNode('Gather', ['s', 'zero'], ['n'], { axis: 0n }),
        rawNode('Constant', [], ['rest'], { value: rawInts('', [-1]) }),
        rawNode('Unsqueeze', ['n'], ['n1'], { axes: [0n] }),
        rawNode('Concat', ['n1', 'rest'], ['target'], { axis: 0n }),
        rawNode('Reshape', ['input.1', 'target'], ['flat']),
        rawNode('MatMul', ['flat', 'w'], ['scores']),
      ],
      initializer: [matrix],
      input: [rawValue('input.1', [1, 3, 2, 2])],
      output: [rawValue('scores', [1, 3])],
    });
    await checkAgainstOrt(bytes, 'input.1', [3, 2, 2]);
  });

  test('a batch of 1 baked into several reshapes, with the batch moved off the first axis', async () => {
    const bytes = rawModel(13, {
      node: [
        rawNode('Transpose', ['x'], ['t'], { perm: [1n, 0n, 2n] }),
        rawNode('Reshape', ['t', 'heads'], ['h']),
        rawNode('Tanh', ['h'], ['h2']),
        rawNode('Reshape', ['h2', 'back'], ['b']),
        rawNode('Transpose', ['b'], ['u'], { perm: [1n, 0n, 2n] }),
        rawNode('Reshape', ['u', 'flat'], ['f']),
        rawNode('MatMul', ['f', 'w'], ['scores']),
      ],
      initializer: [matrix, rawInts('heads', [3, 2, 2]), rawInts('back', [3, 1, 4]), rawInts('flat', [1, 12])],
      input: [rawValue('x', [1, 3, 4])],
      output: [rawValue('scores', [1, 3])],
    });
    await checkAgainstOrt(bytes, 'x', [3, 4]);
  });

  test('scores of [N, K, 1, 1] after a Softmax of opset 9, weights listed as inputs', async () => {
    const bytes = rawModel(9, {
      node: [
        rawNode('Conv', ['data', 'k'], ['c']),
        rawNode('GlobalAveragePool', ['c'], ['pool']),
        rawNode('Softmax', ['pool'], ['probabilities'], { axis: 1n }),
      ],
      initializer: [
        rawFloats(
          'k',
          [3, 1, 2, 2],
          Array.from({ length: 12 }, (_, i) => Math.cos(i)),
        ),
      ],
      input: [rawValue('data', [1, 1, 4, 4]), rawValue('k', [3, 1, 2, 2])],
      output: [rawValue('probabilities', [1, 3, 1, 1])],
    });
    const model = readModel(bytes);
    expect(describeClassifier(model)).toEqual({
      inputName: 'data',
      imageShape: [1, 4, 4],
      classes: 3,
      batch: 1,
      endsWithSoftmax: true,
    });
    const image = spacedTensor([2, 1, 4, 4], randomSource(1), 0, 1);
    const { logits } = await runInOrt(logitsGraph(model), { image });
    expect(logits?.shape).toEqual([2, 3]);
    const first = { shape: [1, 1, 4, 4], data: image.data.slice(0, 16) };
    const { probabilities } = await runInOrt(bytes, { data: first });
    const exponents = [...(logits?.data.slice(0, 3) ?? [])].map(Math.exp);
    const total = exponents.reduce((a, b) => a + b);
    exponents.forEach((value, i) => {
      expect(value / total).toBeCloseTo(probabilities?.data[i] ?? Number.NaN, 5);
    });
  });

  test('Log after Softmax is stripped with it', () => {
    const bytes = rawModel(13, {
      node: [rawNode('MatMul', ['x', 'w'], ['z']), rawNode('Softmax', ['z'], ['p']), rawNode('Log', ['p'], ['logp'])],
      initializer: [matrix],
      input: [rawValue('x', ['N', 12])],
      output: [rawValue('logp', ['N', 3])],
    });
    expect(readModel(logitsGraph(readModel(bytes))).nodes.map((node) => node.op)).toEqual(['MatMul']);
  });

  test('a Softmax that is no ending stays', () => {
    const bytes = rawModel(13, {
      node: [rawNode('Softmax', ['x'], ['p']), rawNode('MatMul', ['p', 'w'], ['z'])],
      initializer: [matrix],
      input: [rawValue('x', ['N', 12])],
      output: [rawValue('z', ['N', 3])],
    });
    const model = readModel(bytes);
    expect(describeClassifier(model).endsWithSoftmax).toBe(false);
    expect(readModel(logitsGraph(model)).nodes.map((node) => node.op)).toEqual(['Softmax', 'MatMul']);
  });
});

describe('models that are no classifiers of images', () => {
  const described = (
    inputs: [string, (number | string)[]][],
    output: (number | string)[],
    elemType = 1,
  ): (() => unknown) => {
    const names = inputs.map(([name]) => name);
    const node = [names.length > 1 ? rawNode('MatMul', names, ['y']) : rawNode('Identity', names, ['y'])];
    const input = inputs.map(([name, shape]) => rawValue(name, shape, elemType));
    const bytes = rawModel(17, { node, input, output: [rawValue('y', output)] });
    return () => describeClassifier(readModel(bytes));
  };

  test.each([
    [
      'two inputs',
      described(
        [
          ['a', ['N', 3]],
          ['b', [3, 2]],
        ],
        ['N', 2],
      ),
      'Expected a model with one image input but it has 2: "a" [N, 3], "b" [3, 2]',
    ],
    [
      'a symbolic height',
      described([['a', ['N', 3, 'H', 'W']]], ['N', 3]),
      'Expected image input "a" of shape [batch, …] with known sizes but it is [N, 3, H, W]; give height and width (--size, or the option input.size)',
    ],
    [
      'no batch axis',
      described([['a', [3]]], [3]),
      'Expected image input "a" of shape [batch, …] with known sizes but it is [3]; export it with fixed sizes',
    ],
    [
      'an integer input',
      described([['a', ['N', 3]]], ['N', 3], 7),
      'Expected image input "a" of type float32 but it is int64',
    ],
    [
      'an image as output',
      described([['a', ['N', 3, 5]]], ['N', 3, 5]),
      'Expected output "y" to be float32 [N, classes], at least two, but it is float32 [N, 3, 5]',
    ],
    [
      'one score',
      described([['a', ['N', 1]]], ['N', 1]),
      'Expected output "y" to be float32 [N, classes], at least two, but it is float32 [N, 1]',
    ],
  ])('%s', (_, describeIt, message) => {
    expect(describeIt).toThrow(expect.objectContaining({ code: 'INVALID_MODEL', message }));
  });

  test('a batch that cannot be made variable', () => {
    const bytes = rawModel(13, {
      node: [rawNode('Concat', ['x', 'token'], ['t'], { axis: 1n }), rawNode('Flatten', ['t'], ['y'])],
      initializer: [rawFloats('token', [1, 1, 2], [1, 2])],
      input: [rawValue('x', [1, 3, 2])],
      output: [rawValue('y', [1, 8])],
    });
    expect(() => attackGraph(readModel(bytes))).toThrow(
      /^The model is fixed to a batch of 1 and cannot be made variable: Concat "t": parts differ .* Export it with a dynamic batch axis$/,
    );
  });
});
