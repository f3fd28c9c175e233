import { describe, expect, test } from 'vitest';
import { Random } from '../base/random.ts';
import { evaluate } from '../onnx/testing/reference_evaluator.ts';
import type { ReferenceTensor } from '../onnx/testing/reference_tensor.ts';
import { createSession } from '../runtime/node_session.ts';
import type { Tensor } from '../runtime/session.ts';
import type { AdversarialStep } from './adversarial.ts';
import {
  attention,
  averagePool,
  batchNorm,
  type ConvLayer,
  conv,
  type DenseLayer,
  dense,
  dropout,
  flatten,
  gelu,
  globalAveragePool,
  globalMaxPool,
  type Layer,
  leakyRelu,
  type ModelDefinition,
  maxPool,
  relu,
  relu6,
  residual,
  responseNorm,
  sigmoid,
  tanh,
} from './layers.ts';
import type { LossSettings } from './losses.ts';
import { drawParameters, parameterSpecs } from './network.ts';
import { classifierGraph } from './train_classifier.ts';
import { buildTrainGraph } from './train_graph.ts';
import { TrainStep } from './train_step.ts';

const BATCH = 3;

const MODELS: Record<string, { inputShape: number[]; layers: Layer[] }> = {
  'sigmoid network with weight decay': {
    inputShape: [6],
    layers: [dense(5, { weightDecay: 0.3 }), sigmoid, dense(4, { weightDecay: 0.1 }), tanh, dense(3)],
  },
  'batch-normalised network': { inputShape: [5], layers: [dense(4), leakyRelu, batchNorm, dense(3)] },
  'residual network with global pooling': {
    inputShape: [2, 6, 6],
    layers: [
      conv(3, 3, { padding: 1 }),
      relu6,
      batchNorm,
      ...residual(conv(3, 3, { padding: 1 }), gelu),
      averagePool(2),
      globalMaxPool,
      dense(3),
    ],
  },
  'attention between places': {
    inputShape: [2, 4, 4],
    layers: [conv(4, 2, { stride: 2 }), attention(3), globalAveragePool, dense(3)],
  },
  'response-normalised network with overlapping pooling': {
    inputShape: [1, 5, 5],
    layers: [
      conv(4, 3, { padding: 1 }),
      relu,
      responseNorm({ size: 3, alpha: 0.9 }),
      maxPool(3, 2),
      conv(2, 2),
      flatten,
      dense(3),
    ],
  },
  'convolutional network': {
    inputShape: [2, 8, 8],
    layers: [
      conv(3, 3, { padding: 1, weightDecay: 0.2 }),
      relu,
      maxPool(2),
      conv(2, 2, { stride: 2 }),
      relu,
      flatten,
      dropout(0.5),
      dense(3),
    ],
  },
};

describe.each(Object.entries(MODELS))('%s', (name, { inputShape, layers }) => {
  // SGD at rate 1 answers w − ∂objective/∂w.
  const plan = classifierGraph({ name, inputShape, layers }, { type: 'sgd', learningRate: 1 }, BATCH);
  const bytes = buildTrainGraph(plan);
  const random = new Random(5);
  const size = (shape: readonly (number | string)[]) =>
    shape.reduce<number>((product, dim) => product * Number(dim), 1);
  const filled = (shape: readonly (number | string)[], value: (i: number) => number): ReferenceTensor => ({
    shape: shape.map(Number),
    data: Float64Array.from({ length: size(shape) }, (_, i) => value(i)),
  });
  const feeds: Record<string, ReferenceTensor> = { learning_rate: filled([], () => 1) };
  for (const input of plan.inputs) {
    if (input.name === 'labels') feeds[input.name] = filled(input.shape, (i) => (i % 4 === 0 ? 1 : 0));
    else if (input.name.startsWith('dropout')) feeds[input.name] = filled(input.shape, () => 2 * random.below(2));
    else feeds[input.name] = filled(input.shape, () => random.uniform());
  }
  for (const { name: parameter, shape } of plan.parameters)
    feeds[parameter] = filled(shape, () => 0.5 * random.normal());
  const learnt = plan.parameters.filter(({ running }) => running !== true);
  /** Mean cross-entropy plus λ·Σw²/k. */
  const objective = (changed: Record<string, ReferenceTensor>) => {
    const values = { ...feeds, ...changed };
    const weighted = layers.filter((layer) => layer.type === 'dense' || layer.type === 'conv');
    const weights = plan.parameters.filter(({ name: parameter }) => parameter.endsWith('.weight'));
    const penalty = weights.reduce((sum, { name: parameter }, i) => {
      const layer = weighted[i] as DenseLayer | ConvLayer;
      const units = layer.type === 'dense' ? layer.units : layer.filters;
      const squares = values[parameter]?.data.reduce((total, w) => total + w * w, 0) ?? Number.NaN;
      return sum + (layer.weightDecay / units) * squares;
    }, 0);
    return penalty + (evaluate(bytes, values)['loss']?.data[0] ?? Number.NaN);
  };

  test.each(learnt.map((parameter) => parameter.name))('∂objective/∂%s agrees with finite differences', (parameter) => {
    const values = feeds[parameter] as ReferenceTensor;
    const next = evaluate(bytes, feeds)[`${parameter}.next`] as ReferenceTensor;
    const h = 1e-5;
    let largest = 0;
    for (let i = 0; i < values.data.length; i++) {
      const moved = (step: number) => {
        const data = Float64Array.from(values.data);
        data[i] = (data[i] as number) + step;
        return objective({ [parameter]: { shape: values.shape, data } });
      };
      const expected = (moved(h) - moved(-h)) / (2 * h);
      const actual = (values.data[i] as number) - (next.data[i] as number);
      largest = Math.max(largest, Math.abs(expected));
      expect(Math.abs(actual - expected), `${parameter}[${i}]`).toBeLessThan(1e-7 * (1 + Math.abs(expected)));
    }
    // The test would see nothing if the loss did not depend on the parameter.
    expect(largest).toBeGreaterThan(1e-4);
  });

  test('the loss is the mean cross-entropy of the logits', () => {
    const { loss, logits } = evaluate(bytes, feeds);
    const labels = feeds['labels'] as ReferenceTensor;
    let expected = 0;
    for (let row = 0; row < BATCH; row++) {
      const z = [...(logits?.data ?? [])].slice(row * 3, row * 3 + 3);
      const k = [...labels.data].slice(row * 3, row * 3 + 3).indexOf(1);
      expected += (Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0)) - (z[k] ?? 0)) / BATCH;
    }
    expect(loss?.data[0]).toBeCloseTo(expected, 12);
  });
});

test('the loss of logits that exp cannot take is finite', () => {
  const plan = classifierGraph(
    { name: 'steep', inputShape: [1], layers: [dense(2)] },
    { type: 'sgd', learningRate: 1 },
    1,
  );
  const { loss } = evaluate(buildTrainGraph(plan), {
    learning_rate: { shape: [], data: Float64Array.of(1) },
    image: { shape: [1, 1], data: Float64Array.of(1) },
    labels: { shape: [1, 2], data: Float64Array.of(1, 0) },
    'fc1.weight': { shape: [1, 2], data: Float64Array.of(-2000, 3000) },
    'fc1.bias': { shape: [2], data: Float64Array.of(0, 0) },
  });
  expect(loss?.data[0]).toBe(5000);
});

/** Softmax regression with known weights, by one step of the training graph. */
function lossOf(loss: LossSettings, labels: readonly number[], adversarial: readonly AdversarialStep[] = []): number {
  const model = { name: 'm', inputShape: [2], layers: [dense(2)] };
  const plan = classifierGraph(model, SGD, 1, { loss, adversarial });
  const outputs = evaluate(buildTrainGraph(plan), {
    learning_rate: { shape: [], data: Float64Array.of(1) },
    image: { shape: [1, 2], data: Float64Array.of(0.5, 0.25) },
    labels: { shape: [1, 2], data: Float64Array.from(labels) },
    'fc1.weight': { shape: [2, 2], data: Float64Array.of(2, 0, 0, 4) },
    'fc1.bias': { shape: [2], data: Float64Array.of(0.2, 0.7) },
  });
  return outputs['loss']?.data[0] ?? Number.NaN;
}

const SGD = { type: 'sgd', learningRate: 1 } as const;
/** Logits (1.2, 1.7). */
const crossEntropy = (wanted: number, difference: number) =>
  wanted * Math.log1p(Math.exp(difference)) + (1 - wanted) * Math.log1p(Math.exp(-difference));

test('each loss is its formula', () => {
  const oneHot = [1, 0];
  expect(lossOf({ type: 'squared-error' }, oneHot)).toBeCloseTo(0.5 * (0.2 ** 2 + 1.7 ** 2), 6);
  expect(lossOf({ type: 'cross-entropy', smoothing: 0.2 }, oneHot)).toBeCloseTo(crossEntropy(0.9, 0.5), 6);
  expect(lossOf({ type: 'cross-entropy', temperature: 20 }, oneHot)).toBeCloseTo(crossEntropy(1, 0.025), 6);
  expect(lossOf({ type: 'cross-entropy' }, [0.3, 0.7])).toBeCloseTo(crossEntropy(0.3, 0.5), 6);
  // The loss grows with the second pixel, falls with the first: (0.4, 0.35) gives logits (1, 2.1).
  const both = 0.5 * (crossEntropy(1, 0.5) + crossEntropy(1, 1.1));
  expect(lossOf({ type: 'cross-entropy' }, oneHot, [{ norm: 'linf', radius: 0.1 }])).toBeCloseTo(both, 6);
  // A squared error grows with both: (0.6, 0.35) gives logits (1.4, 2.1).
  const squares = 0.25 * (0.2 ** 2 + 1.7 ** 2 + 0.4 ** 2 + 2.1 ** 2);
  expect(lossOf({ type: 'squared-error' }, oneHot, [{ norm: 'linf', radius: 0.1 }])).toBeCloseTo(squares, 6);
});

test('running means follow the batches, and the saved model uses them', () => {
  const plan = classifierGraph({ name: 'm', inputShape: [2], layers: [dense(2), batchNorm, dense(2)] }, SGD, 2);
  const identity = { shape: [2, 2], data: Float64Array.of(1, 0, 0, 1) };
  const zeros = { shape: [2], data: new Float64Array(2) };
  const next = evaluate(buildTrainGraph(plan), {
    learning_rate: { shape: [], data: Float64Array.of(1) },
    image: { shape: [2, 2], data: Float64Array.of(0, 1, 1, 0.5) },
    labels: identity,
    'fc1.weight': identity,
    'fc1.bias': zeros,
    'norm1.scale': { shape: [2], data: Float64Array.of(1, 1) },
    'norm1.shift': zeros,
    'norm1.mean': { shape: [2], data: Float64Array.of(1, 2) },
    'norm1.variance': { shape: [2], data: Float64Array.of(1, 1) },
    'fc2.weight': identity,
    'fc2.bias': zeros,
  });
  const values = (name: string) => [...(next[name]?.data ?? [])];
  for (const [i, expected] of [0.95, 1.875].entries()) expect(values('norm1.mean.next')[i]).toBeCloseTo(expected, 6);
  for (const [i, expected] of [0.925, 0.90625].entries())
    expect(values('norm1.variance.next')[i]).toBeCloseTo(expected, 6);
});

describe('steps made many at once', () => {
  const model: ModelDefinition = {
    name: 'm',
    inputShape: [1, 6, 6],
    layers: [conv(2, 3), batchNorm, relu, flatten, dropout(0.5), dense(3)],
  };
  const plan = classifierGraph(model, { type: 'adam', learningRate: 0.01 }, 4, { averageDecay: 0.9 });
  const initial = drawParameters(parameterSpecs(model), 3);

  /** Ten steps on batches of noise. */
  async function train(steps: number, seed: number) {
    const random = new Random(seed);
    const step = await TrainStep.create(plan, initial, createSession, {}, steps);
    const reports: Record<string, Tensor>[] = [];
    try {
      for (let i = 0; i < 10; i++) {
        const batch = plan.inputs.map(({ name, shape }): [string, Tensor] => {
          const dims = shape.map(Number);
          const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.uniform());
          if (name === 'labels') for (let k = 0; k < data.length; k++) data[k] = k % 3 === i % 3 ? 1 : 0;
          return [name, { data, dims }];
        });
        step.stage(Object.fromEntries(batch), 0.01 / (i + 1));
        if (step.full || i === 9) reports.push(...(await step.flush()));
      }
      const state = [...step.state].map(([name, { data }]): [string, number[]] => [name, [...data]]);
      return { reports, steps: step.steps, state: Object.fromEntries(state), averages: [...step.averages.keys()] };
    } finally {
      await step.release();
    }
  }

  test('end where as many single ones end, and report each of them', async () => {
    const single = await train(1, 5);
    const many = await train(4, 5);
    expect(many.steps).toBe(10);
    expect(Object.keys(many.state)).toEqual(Object.keys(single.state));
    for (const [name, values] of Object.entries(single.state)) {
      for (const [i, value] of values.entries()) expect(many.state[name]?.[i], name).toBeCloseTo(value, 5);
    }
    expect(many.reports).toHaveLength(10);
    for (const [i, report] of single.reports.entries()) {
      expect(many.reports[i]?.['loss']?.dims).toEqual(report['loss']?.dims);
      expect(many.reports[i]?.['loss']?.data[0]).toBeCloseTo(report['loss']?.data[0] as number, 5);
      expect(many.reports[i]?.['logits']?.dims).toEqual([4, 3]);
    }
    expect(single.reports[0]?.['loss']?.data[0]).not.toBeCloseTo(single.reports[9]?.['loss']?.data[0] as number, 5);
  });
});
