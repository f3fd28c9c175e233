import { describe, expect, test } from 'vitest';
import { createSession } from '../runtime/node_session.ts';
import type { Tensor } from '../runtime/session.ts';
import { makeOptimizer, type OptimizerSettings } from './optimizers.ts';
import { type Schedule, scheduledRate } from './schedules.ts';
import type { TrainGraph } from './train_graph.ts';
import { TrainStep } from './train_step.ts';

/** Minimises ½Σ aᵢ(wᵢ − bᵢ)², whose gradient is aᵢ(wᵢ − bᵢ). */
const A = [1, 0.5, 3, 1e-3];
const B = [1, -2, 0.25, 4];

function quadratic(optimizer: OptimizerSettings): TrainGraph {
  return {
    optimizer,
    parameters: [{ name: 'w', shape: [4], decay: 0 }],
    inputs: [{ name: 'b', shape: [4] }],
    forward: (graph, inputs, parameters) => {
      const [w, b] = [parameters.get('w'), inputs.get('b')];
      if (!w || !b) throw new Error('missing');
      const difference = graph.sub(w, b);
      const weighted = graph.mul(graph.mul(difference, difference), graph.constant(Float32Array.from(A), [4]));
      return { loss: graph.mul(graph.scalar(0.5), graph.reduceSum(weighted, [0], false)) };
    },
  };
}

const START = Float32Array.of(0, 0, 0, 0);
const batch: Record<string, Tensor> = { b: { data: Float32Array.from(B), dims: [4] } };

type Reference = (w: number[], gradient: number[], t: number, rate: number) => void;

/** As the papers write them, in float64. */
function adamReference(beta1: number, beta2: number, epsilon: number): Reference {
  const m = [0, 0, 0, 0];
  const v = [0, 0, 0, 0];
  return (w, gradient, t, rate) => {
    for (const [i, g] of gradient.entries()) {
      m[i] = beta1 * (m[i] as number) + (1 - beta1) * g;
      v[i] = beta2 * (v[i] as number) + (1 - beta2) * g * g;
      const mHat = (m[i] as number) / (1 - beta1 ** t);
      const vHat = (v[i] as number) / (1 - beta2 ** t);
      w[i] = (w[i] as number) - (rate * mHat) / (Math.sqrt(vHat) + epsilon);
    }
  };
}

function sgdReference(momentum: number): Reference {
  const velocity = [0, 0, 0, 0];
  return (w, gradient, _, rate) => {
    for (const [i, g] of gradient.entries()) {
      velocity[i] = momentum * (velocity[i] as number) + g;
      w[i] = (w[i] as number) - rate * (velocity[i] as number);
    }
  };
}

const CASES: [string, OptimizerSettings, Reference][] = [
  ['Adam', { type: 'adam', learningRate: 0.05 }, adamReference(0.9, 0.999, 1e-8)],
  [
    'Adam, other constants',
    { type: 'adam', learningRate: 0.1, beta1: 0.5, beta2: 0.9, epsilon: 0.01 },
    adamReference(0.5, 0.9, 0.01),
  ],
  ['SGD', { type: 'sgd', learningRate: 0.2 }, sgdReference(0)],
  ['SGD with momentum', { type: 'sgd', learningRate: 0.1, momentum: 0.9 }, sgdReference(0.9)],
];

describe.each(CASES)('%s', (_, settings, reference) => {
  test('follows its definition for 40 steps', async () => {
    const step = await TrainStep.create(quadratic(settings), [START], createSession);
    const w = [0, 0, 0, 0];
    for (let t = 1; t <= 40; t++) {
      const rate = scheduledRate('cosine', settings.learningRate, t - 1, 60);
      reference(
        w,
        w.map((value, i) => (A[i] as number) * (value - (B[i] as number))),
        t,
        rate,
      );
      await step.run(batch, rate);
      const actual = [...(step.parameters.get('w')?.data ?? [])];
      for (const [i, value] of w.entries()) {
        expect(Math.abs((actual[i] as number) - value), `w[${i}], step ${t}`).toBeLessThan(
          2e-5 * (1 + Math.abs(value)),
        );
      }
    }
    expect(step.steps).toBe(40);
    await step.release();
  });

  test('lowers the loss', async () => {
    const step = await TrainStep.create(quadratic(settings), [START], createSession);
    const losses: number[] = [];
    for (let t = 0; t < 200; t++) losses.push((await step.run(batch, settings.learningRate))['loss']?.data[0] ?? 0);
    expect(losses.at(-1)).toBeLessThan(0.05 * (losses[0] as number));
    await step.release();
  });
});

test('a state that was saved goes on to the same bits; another one is refused', async () => {
  const plan = quadratic({ type: 'adam', learningRate: 0.05 });
  const make = () => TrainStep.create(plan, [START], createSession);
  const [through, before, after] = [await make(), await make(), await make()];
  for (let t = 0; t < 7; t++) await through.run(batch, 0.05);
  for (let t = 0; t < 3; t++) await before.run(batch, 0.05);
  after.restore(
    before.steps,
    new Map([...before.state].map(([name, tensor]) => [name, Float32Array.from(tensor.data)])),
  );
  for (let t = 0; t < 4; t++) await after.run(batch, 0.05);
  expect([...after.state]).toEqual([...through.state]);
  expect(() => after.restore(1, new Map([['w', new Float32Array(3)]]))).toThrow(
    'expected 4 values for w but received 3',
  );
  await Promise.all([through, before, after].map((step) => step.release()));
});

test.each([
  [{ type: 'adam', learningRate: 0 }, 'for learningRate'],
  [{ type: 'adam', learningRate: 1, beta1: 1 }, 'for beta1'],
  [{ type: 'sgd', learningRate: 1, momentum: -0.1 }, 'for momentum'],
  [{ type: 'sgd', learningRate: Number.NaN }, 'for learningRate'],
  [{ type: 'rmsprop', learningRate: 1 }, 'Expected adam or sgd for optimizer'],
])('refuses %j', (settings, message) => {
  expect(() => makeOptimizer(settings as OptimizerSettings)).toThrow(message);
});

test('schedules', () => {
  expect(scheduledRate('constant', 0.3, 99, 100)).toBe(0.3);
  expect(scheduledRate('cosine', 0.3, 0, 100)).toBe(0.3);
  expect(scheduledRate('cosine', 0.3, 50, 100)).toBeCloseTo(0.15, 12);
  expect(scheduledRate('cosine', 0.3, 99, 100)).toBeLessThan(1e-4);
  expect(() => scheduledRate('steps' as Schedule, 1, 0, 1)).toThrow('one of constant, cosine for schedule');
});
