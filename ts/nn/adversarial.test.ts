import { describe, expect, test } from 'vitest';
import { attack } from '../attack/attack.ts';
import { Random } from '../base/random.ts';
import { takeImages } from '../data/image_set.ts';
import { loadMnist } from '../data/mnist.ts';
import { gradients } from '../onnx/gradients.ts';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import { evaluate } from '../onnx/testing/reference_evaluator.ts';
import type { ReferenceTensor } from '../onnx/testing/reference_tensor.ts';
import type { Value } from '../onnx/value.ts';
import { createSession } from '../runtime/node_session.ts';
import { type AdversarialStep, adversarialForward, adversarialPlaces, parseAdversarial } from './adversarial.ts';
import { conv, dense, flatten, type ModelDefinition, maxPool, relu, residual, sigmoid, tanh } from './layers.ts';
import { softmaxCrossEntropy } from './losses.ts';
import { applyLayers, parameterSpecs } from './network.ts';
import { classifierGraph, type Recipe, trainClassifier } from './train_classifier.ts';
import { buildTrainGraph } from './train_graph.ts';
import { averageShare, TrainStep } from './train_step.ts';

const BATCH = 3;
const CLASSES = 3;
const SGD = { type: 'sgd', learningRate: 1 } as const;

const DENSE: ModelDefinition = {
  name: 'dense',
  inputShape: [6],
  layers: [dense(5, { weightDecay: 0.3 }), sigmoid, dense(4), tanh, dense(CLASSES)],
};
const CONVOLUTIONAL: ModelDefinition = {
  name: 'convolutional',
  inputShape: [1, 6, 6],
  layers: [conv(2, 3), relu, maxPool(2), flatten, dense(CLASSES)],
};

type Tensors = Record<string, ReferenceTensor>;

function filled(shape: readonly number[], value: (i: number) => number): ReferenceTensor {
  const size = shape.reduce((product, dim) => product * dim, 1);
  return { shape: [...shape], data: Float64Array.from({ length: size }, (_, i) => value(i)) };
}

/** Pixels that are at the walls of the box, and some within. */
function feedsOf(model: ModelDefinition): Tensors {
  const random = new Random(11);
  const pixel = () => Math.min(1, Math.max(0, 1.6 * random.uniform() - 0.3));
  const feeds: Tensors = {
    learning_rate: filled([], () => 1),
    image: filled([BATCH, ...model.inputShape], pixel),
    labels: filled([BATCH, CLASSES], (i) => (i % (CLASSES + 1) === 0 ? 1 : 0)),
  };
  for (const { name, shape } of parameterSpecs(model)) feeds[name] = filled(shape, () => 0.7 * random.normal());
  return feeds;
}

/** Built as anyone would, in a run of its own: the layers from `from` on, their loss, and its gradient by what goes in. */
function gradientRun(model: ModelDefinition, from: number, feeds: Tensors, inputs: ReferenceTensor) {
  const graph = new GraphBuilder({ precision: 'float32' });
  const values = graph.input('values', 'float32', inputs.shape);
  const oneHot = graph.input('labels', 'float32', [BATCH, CLASSES]);
  const weights = new Map<string, Value>();
  for (const { name, shape } of parameterSpecs(model)) weights.set(name, graph.input(name, 'float32', shape));
  const loss = softmaxCrossEntropy(graph, applyLayers(graph, model, values, weights, undefined, { from }), oneHot);
  const [gradient] = gradients(graph, loss, [values]);
  graph.output(gradient as Value, 'gradient');
  graph.output(loss, 'loss');
  return evaluate(graph.toBytes(), { ...feeds, values: inputs });
}

function valuesAt(model: ModelDefinition, to: number, feeds: Tensors): ReferenceTensor {
  if (to === 0) return feeds['image'] as ReferenceTensor;
  const graph = new GraphBuilder();
  const image = graph.input('image', 'float32', [BATCH, ...model.inputShape]);
  const weights = new Map<string, Value>();
  for (const { name, shape } of parameterSpecs(model)) weights.set(name, graph.input(name, 'float32', shape));
  graph.output(applyLayers(graph, model, image, weights, undefined, { to }), 'values');
  return evaluate(graph.toBytes(), feeds)['values'] as ReferenceTensor;
}

// Radii that float32 has exactly, as the graph keeps them.
const CASES: [string, ModelDefinition, AdversarialStep, number][] = [
  ['l2 at the input', DENSE, { norm: 'l2', radius: 0.75 }, 0],
  ['linf at the input', DENSE, { norm: 'linf', radius: 0.25 }, 0],
  ['l2 at the first hidden layer', DENSE, { norm: 'l2', radius: 0.5, at: 'hidden1' }, 2],
  ['linf at the second hidden layer', DENSE, { norm: 'linf', radius: 0.875, at: 'hidden2' }, 4],
  ['l2 at the images of a convolution', CONVOLUTIONAL, { norm: 'l2', radius: 1.5 }, 0],
  ['l2 at the maps of a convolution', CONVOLUTIONAL, { norm: 'l2', radius: 3, at: 'hidden1' }, 2],
];

describe.each(CASES)('%s', (_, model, step, layers) => {
  const feeds = feedsOf(model);
  const plan = classifierGraph(model, SGD, BATCH, { adversarial: [step] });
  const bytes = buildTrainGraph(plan);

  /** The examples by separate runs: forward, gradient, step, clip. */
  function byHand(): { example: ReferenceTensor; values: ReferenceTensor } {
    const values = valuesAt(model, layers, feeds);
    const gradient = gradientRun(model, layers, feeds, values)['gradient']?.data ?? [];
    const size = gradient.length / BATCH;
    const place = adversarialPlaces(model).find(({ name }) => name === (step.at ?? 'input'));
    const data = Float64Array.from(values.data);
    for (let row = 0; row < BATCH; row++) {
      const own = [...gradient.slice(row * size, (row + 1) * size)];
      const length = Math.hypot(...own);
      for (const [i, g] of own.entries()) {
        const r = step.norm === 'l2' ? (step.radius * g) / length : step.radius * Math.sign(g);
        const moved = (data[row * size + i] as number) + r;
        data[row * size + i] = Math.min(place?.most ?? 0, Math.max(place?.least ?? 0, moved));
      }
    }
    return { example: { shape: values.shape, data }, values };
  }

  test('the graph makes the examples that separate runs make, and the mean of both losses', () => {
    const { example, values } = byHand();
    const graph = new GraphBuilder();
    const image = graph.input('image', 'float32', [BATCH, ...model.inputShape]);
    const labels = graph.input('labels', 'float32', [BATCH, CLASSES]);
    const parameters = new Map<string, Value>();
    for (const { name, shape } of parameterSpecs(model)) parameters.set(name, graph.input(name, 'float32', shape));
    const inputs = { image, labels, parameters, masks: new Map<string, Value>(), target: 'cpu' as const };
    graph.output(adversarialForward(graph, model, step, inputs).example, 'example');
    const actual = evaluate(graph.toBytes(), feeds)['example'] as ReferenceTensor;
    for (const [i, expected] of example.data.entries()) expect(actual.data[i], `value ${i}`).toBeCloseTo(expected, 10);
    expect(actual.data.some((value, i) => value !== values.data[i])).toBe(true);

    const clean = gradientRun(model, layers, feeds, values)['loss']?.data[0] ?? Number.NaN;
    const adversarial = gradientRun(model, layers, feeds, example)['loss']?.data[0] ?? Number.NaN;
    expect(adversarial).toBeGreaterThan(clean);
    expect(evaluate(bytes, feeds)['loss']?.data[0]).toBeCloseTo((clean + adversarial) / 2, 10);
  });

  test('the gradient by the weights agrees with finite differences of both losses, the examples fixed', () => {
    const { example } = byHand();
    const next = evaluate(bytes, feeds);
    const objective = (changed: Tensors) => {
      const all = { ...feeds, ...changed };
      const clean = gradientRun(model, layers, all, valuesAt(model, layers, all))['loss']?.data[0] ?? Number.NaN;
      const adversarial = gradientRun(model, layers, all, example)['loss']?.data[0] ?? Number.NaN;
      const penalty = parameterSpecs(model).reduce((sum, { name, decay }) => {
        return sum + decay * (all[name]?.data.reduce((total, w) => total + w * w, 0) ?? 0);
      }, 0);
      return (clean + adversarial) / 2 + penalty;
    };
    const h = 1e-5;
    for (const { name } of plan.parameters) {
      const values = feeds[name] as ReferenceTensor;
      for (let i = 0; i < values.data.length; i += 3) {
        const moved = (by: number) => {
          const data = Float64Array.from(values.data);
          data[i] = (data[i] as number) + by;
          return objective({ [name]: { shape: values.shape, data } });
        };
        const expected = (moved(h) - moved(-h)) / (2 * h);
        const actual = (values.data[i] as number) - (next[`${name}.next`]?.data[i] ?? Number.NaN);
        expect(Math.abs(actual - expected), `${name}[${i}]`).toBeLessThan(1e-7 * (1 + Math.abs(expected)));
      }
    }
  });
});

test('an image without a gradient stays where it is', () => {
  const model: ModelDefinition = { name: 'flat', inputShape: [4], layers: [dense(CLASSES)] };
  const feeds = feedsOf(model);
  feeds['fc1.weight'] = filled([4, CLASSES], () => 0);
  const bytes = buildTrainGraph(classifierGraph(model, SGD, BATCH, { adversarial: [{ norm: 'l2', radius: 1 }] }));
  const { loss } = evaluate(bytes, feeds);
  expect(loss?.data[0]).toBeCloseTo(
    gradientRun(model, 0, feeds, feeds['image'] as ReferenceTensor)['loss']?.data[0] ?? 0,
  );
});

describe('averaged weights and turns', () => {
  test('the average follows the weights, and steps take turns', async () => {
    const adversarial: AdversarialStep[] = [
      { norm: 'l2', radius: 0.5 },
      { norm: 'l2', radius: 0.2, at: 'hidden1' },
    ];
    const plan = classifierGraph(DENSE, { type: 'sgd', learningRate: 0.5 }, BATCH, { adversarial, averageDecay: 0.9 });
    const single = adversarial.map((step) =>
      classifierGraph(DENSE, { type: 'sgd', learningRate: 0.5 }, BATCH, { adversarial: [step] }),
    );
    const feeds = feedsOf(DENSE);
    const tensor = (name: string) => {
      const { data, shape } = feeds[name] as ReferenceTensor;
      return { data: Float32Array.from(data), dims: [...shape] };
    };
    const batch = { image: tensor('image'), labels: tensor('labels') };
    let weights = plan.parameters.map(({ name }) => tensor(name).data);
    const average = weights.map((array) => Float64Array.from(array));
    const step = await TrainStep.create(plan, weights, createSession);
    for (let t = 1; t <= 4; t++) {
      await step.run(batch, 0.5);
      const other = await TrainStep.create(single[(t - 1) % 2] as (typeof single)[0], weights, createSession);
      await other.run(batch, 0.5);
      weights = [...other.parameters.values()].map(({ data }) => Float32Array.from(data));
      await other.release();
      const share = averageShare(0.9, t);
      for (const [i, array] of average.entries()) {
        for (const [j, value] of array.entries()) array[j] = value + share * ((weights[i]?.[j] ?? 0) - value);
      }
    }
    expect([...step.parameters.values()].map(({ data }) => data)).toEqual(weights);
    for (const [i, { data }] of [...step.averages.values()].entries()) {
      for (const [j, value] of data.entries()) expect(value).toBeCloseTo(average[i]?.[j] ?? Number.NaN, 5);
    }
    await step.release();
  });

  test('the share of the new is large at first, then 1 − decay', () => {
    expect(averageShare(0.999, 1)).toBeCloseTo(9 / 11, 12);
    expect(averageShare(0.999, 1e6)).toBeCloseTo(0.001, 12);
  });

  test.each([0, 1, Number.NaN])('a decay of %d is refused', async (averageDecay) => {
    const plan = classifierGraph(DENSE, SGD, BATCH, { averageDecay });
    await expect(TrainStep.create(plan, [], createSession)).rejects.toThrow('a number in (0, 1) for averageDecay');
  });
});

describe('how it is written', () => {
  test('one, with a place, and several', () => {
    expect(parseAdversarial('l2=1.0')).toEqual([{ norm: 'l2', radius: 1 }]);
    expect(parseAdversarial('LINF=.1@Hidden2')).toEqual([{ norm: 'linf', radius: 0.1, at: 'hidden2' }]);
    expect(parseAdversarial('l2=1.5, l2=2e-1@hidden1')).toEqual([
      { norm: 'l2', radius: 1.5 },
      { norm: 'l2', radius: 0.2, at: 'hidden1' },
    ]);
  });

  test.each(['', 'l2', 'l3=1', 'l2=0', 'l2=-1', 'l2=1@', 'l2=1;linf=1', 'l2=one'])('refuses %j', (text) => {
    expect(() => parseAdversarial(text)).toThrow(/^Expected l2=RADIUS or linf=RADIUS/);
  });

  test('names the places there are', () => {
    expect(() =>
      classifierGraph(DENSE, SGD, BATCH, { adversarial: [{ norm: 'l2', radius: 1, at: 'hidden3' }] }),
    ).toThrow('Expected one of the places input, hidden1, hidden2 of dense for adversarial but received "hidden3"');
  });
});

test('no place is within a residual block, whose own input is needed above it', () => {
  const layers = [dense(4), tanh, ...residual(dense(4), relu, dense(4)), relu, dense(3)];
  const places = adversarialPlaces({ name: 'residual', inputShape: [6], layers });
  expect(places.map(({ name, layers: below }) => [name, below])).toEqual([
    ['input', 0],
    ['hidden1', 2],
    ['hidden2', 8],
  ]);
});

test('a network trained so errs further away than its twin without', async () => {
  const [train, unseen] = await Promise.all([loadMnist({ split: 'train', count: 4000 }), loadMnist({ count: 60 })]);
  const model: ModelDefinition = { name: 'twin', inputShape: [784], layers: [dense(30), sigmoid, dense(10)] };
  const recipe: Recipe = {
    epochs: 4,
    batchSize: 64,
    optimizer: { type: 'adam', learningRate: 0.01 },
    schedule: 'cosine',
  };
  const distance = async (changes: Partial<Recipe>) => {
    const { bytes } = await trainClassifier({ model, recipe: { ...recipe, ...changes }, train, createSession });
    const { summary } = await attack(bytes, takeImages(unseen, 60), { workers: 1 });
    return summary.meanDistortion ?? Number.NaN;
  };
  const [plain, adversarial, averaged] = [
    await distance({}),
    await distance({ adversarial: [{ norm: 'l2', radius: 1 }] }),
    await distance({ adversarial: [{ norm: 'l2', radius: 1 }], averageDecay: 0.99 }),
  ];
  expect(adversarial).toBeGreaterThan(1.2 * plain);
  expect(averaged).toBeGreaterThan(1.2 * plain);
});
