/**
 * A training step by provider: one step a run of ONNX Runtime, and as many as are made at once on a GPU, where all weights
 * cross to the device and back in every run. Providers that are not here are named and left out.
 */
import { availableParallelism } from 'node:os';
import { modelByName } from '../../models/registry.ts';
import { Random } from '../base/random.ts';
import { drawParameters, parameterSpecs } from '../nn/network.ts';
import { classifierGraph } from '../nn/train_classifier.ts';
import { DEVICE_STEPS, TrainStep } from '../nn/train_step.ts';
import { createSession } from '../runtime/node_session.ts';
import type { ProviderName, Tensor } from '../runtime/session.ts';
import { median } from './alternate.ts';
import { milliseconds, times } from './quantity.ts';
import type { BenchContext, BenchGroup, GroupFindings } from './report.ts';

export const training: BenchGroup = {
  name: 'training',
  summary: 'a training step by provider, and many of them in one run',
  run: measure,
};

const MODELS = ['fc100-100-10', 'convnet', 'alexnet-wide'] as const;
/** Slow where there is no GPU: a step takes seconds. */
const SLOW: ReadonlySet<string> = new Set(['alexnet-wide']);

interface Contestant {
  readonly name: string;
  readonly provider: ProviderName;
  readonly threads: number;
  readonly steps: number;
}

function contestants(): Contestant[] {
  const cores = availableParallelism();
  const gpus = (['webgpu', 'cuda'] as const).flatMap((provider): Contestant[] => [
    { name: `${provider}, one step a run`, provider, threads: 1, steps: 1 },
    { name: `${provider}, ${DEVICE_STEPS} steps a run`, provider, threads: 1, steps: DEVICE_STEPS },
  ]);
  const cpu: Contestant = { name: 'cpu, 1 thread', provider: 'cpu', threads: 1, steps: 1 };
  return [cpu, ...(cores > 1 ? [{ ...cpu, name: `cpu, ${cores} threads`, threads: cores }] : []), ...gpus];
}

async function measure(context: BenchContext): Promise<GroupFindings> {
  const missing = new Set<string>();
  const raw: Record<string, Record<string, number[]>> = {};
  const rows: string[][] = [];
  const models = MODELS.filter((name) => !(context.quick && SLOW.has(name)));
  for (const contestant of contestants()) {
    const cells: string[] = [];
    for (const model of models) {
      if (missing.has(contestant.provider)) continue;
      context.signal?.throwIfAborted();
      context.tell(`training: ${model}, ${contestant.name}`);
      const seconds = await stepSeconds(model, contestant, context).catch((error: { code?: string }) => {
        if (error.code !== 'PROVIDER_UNAVAILABLE') throw error;
        missing.add(contestant.provider);
      });
      if (seconds === undefined) continue;
      raw[model] = { ...raw[model], [contestant.name]: seconds };
      const reference = median(raw[model]?.['cpu, 1 thread'] ?? []);
      cells.push(`${milliseconds(median(seconds))} (${times(median(seconds) / reference)})`);
    }
    if (cells.length > 0) rows.push([contestant.name, ...cells]);
  }
  return {
    tables: [
      {
        title: 'One training step; in brackets the time over that of one CPU thread',
        columns: ['', ...models.map((name) => `${name}, batch ${modelByName(name).recipe.batchSize}`)],
        rows,
        notes: [...missing].map((provider) => `There is no ${provider} here.`),
      },
    ],
    goals: [],
    raw,
  };
}

/** Of each run that is timed, per step. */
async function stepSeconds(
  name: string,
  { provider, threads, steps }: Contestant,
  context: BenchContext,
): Promise<number[]> {
  const { definition, recipe } = modelByName(name);
  const plan = classifierGraph(definition, recipe.optimizer, recipe.batchSize, recipe);
  const initial = drawParameters(parameterSpecs(definition), 0);
  const step = await TrainStep.create(plan, initial, createSession, { provider, threads }, steps);
  try {
    const random = new Random(0);
    const batch = plan.inputs.map(({ name: input, shape }): [string, Tensor] => {
      const dims = shape.map(Number);
      const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
      for (let i = 0; i < data.length; i++) data[i] = input === 'labels' ? Number(i % 10 === 3) : random.uniform();
      return [input, { data, dims }];
    });
    const run = async (): Promise<number> => {
      const started = performance.now();
      for (let i = 0; i < steps; i++) step.stage(Object.fromEntries(batch), recipe.optimizer.learningRate);
      await step.flush();
      return (performance.now() - started) / 1000 / steps;
    };
    await run();
    const seconds: number[] = [];
    for (let i = 0; i < context.repeats; i++) seconds.push(await run());
    return seconds;
  } finally {
    await step.release();
  }
}
