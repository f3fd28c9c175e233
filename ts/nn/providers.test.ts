/** The same training on every provider: equal up to float32 rounding. */
import { expect, test } from 'vitest';
import { Random } from '../base/random.ts';
import { createSession } from '../runtime/node_session.ts';
import type { ProviderName, Tensor } from '../runtime/session.ts';
import { useSoftwareGpu } from '../runtime/testing/software_gpu.ts';
import { conv, dense, flatten, type ModelDefinition, maxPool, relu, sigmoid } from './layers.ts';
import { drawParameters, parameterSpecs } from './network.ts';
import { classifierGraph } from './train_classifier.ts';
import { TrainStep } from './train_step.ts';

const BATCH = 8;
const STEPS = 5;
/** One model with every kind of layer: on a GPU each operator is compiled first, which takes most of the time. */
const MODEL: ModelDefinition = {
  name: 'every kind',
  inputShape: [1, 12, 12],
  layers: [conv(4, 5), relu, maxPool(2), flatten, dense(8, { weightDecay: 1e-2 }), sigmoid, dense(4)],
};
const PROVIDERS: ProviderName[] = ['wasm', ...(useSoftwareGpu() ? (['webgpu'] as const) : [])];

async function losses(provider: ProviderName): Promise<number[]> {
  const plan = classifierGraph(MODEL, { type: 'adam', learningRate: 0.01 }, BATCH);
  const initial = drawParameters(parameterSpecs(MODEL), 1);
  const step = await TrainStep.create(plan, initial, createSession, { provider });
  const random = new Random(2);
  const labels = new Float32Array(BATCH * 4);
  for (let row = 0; row < BATCH; row++) labels[4 * row + (row % 4)] = 1;
  const size = BATCH * MODEL.inputShape.reduce((product, dim) => product * dim, 1);
  const batch: Record<string, Tensor> = {
    image: { data: Float32Array.from({ length: size }, () => random.uniform()), dims: [BATCH, ...MODEL.inputShape] },
    labels: { data: labels, dims: [BATCH, 4] },
  };
  const result: number[] = [];
  for (let i = 0; i < STEPS; i++) result.push((await step.run(batch, 0.01))['loss']?.data[0] ?? Number.NaN);
  expect(step.provider).toBe(provider);
  await step.release();
  return result;
}

test.each(PROVIDERS)('trains on %s as on cpu', async (provider) => {
  const [expected, actual] = [await losses('cpu'), await losses(provider)];
  expect(expected.at(-1)).toBeLessThan(0.98 * (expected[0] as number));
  for (const [i, loss] of expected.entries()) {
    expect(Math.abs((actual[i] as number) - loss), `step ${i}`).toBeLessThan(1e-3 * loss);
  }
});
