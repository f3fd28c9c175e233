/**
 * One point of the scale group, in a process of its own so that its peak memory is its own. Compiled, it is run as
 *
 *     node scale_point.js '{"kind":"images","model":"model.onnx","count":1000}'
 *
 * and prints one JSON object.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { attack } from '../attack/attack.ts';
import { Random } from '../base/random.ts';
import type { ImageSet } from '../data/image_set.ts';
import { loadData } from '../data/load_data.ts';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import { evaluate } from '../nn/evaluate.ts';
import { buildInferenceModel } from '../nn/inference_model.ts';
import { dense, flatten, type ModelDefinition, sigmoid } from '../nn/layers.ts';
import { drawParameters, parameterSpecs } from '../nn/network.ts';
import { createSession } from '../runtime/node_session.ts';
import { type ScaleAnswer, ScaleTask } from './scale_task.ts';
import { profileSearch } from './search_profile.ts';

async function measure(task: ScaleTask): Promise<Omit<ScaleAnswer, 'peakBytes'>> {
  switch (task.kind) {
    case 'pixels':
      return await attackLargeImages(task.shape, task.count);
    case 'lanes':
      return await attackMnist(task.model, task.count, { lanes: task.lanes, workers: 1 });
    case 'images':
      return await attackMnist(task.model, task.count, {});
  }
}

async function attackMnist(model: string, count: number, options: { lanes?: number; workers?: number }) {
  const images = await loadData('mnist:test', { count, imageShape: [784] });
  const { summary } = await attack(new Uint8Array(await readFile(model)), images, options);
  const evaluations = summary.evaluationsPerImage * (summary.images - summary.alreadyMisclassified);
  return { seconds: summary.seconds, evaluations };
}

const HIDDEN_UNITS = 32;

/** A network of random weights, 32 sigmoid units, and grey noise that it classifies as it may. */
async function attackLargeImages(shape: readonly number[], count: number) {
  const hidden = dense(HIDDEN_UNITS, { initializer: { kind: 'xavier-normal', gain: 4 } });
  const definition: ModelDefinition = {
    name: 'random',
    inputShape: shape,
    layers: [flatten, hidden, sigmoid, dense(10)],
  };
  const specs = parameterSpecs(definition);
  const drawn = drawParameters(specs, 0);
  const model = buildInferenceModel(definition, new Map(specs.map(({ name }, i) => [name, drawn[i] as Float32Array])));
  const noise = greyNoise(shape, count);
  const { predictions } = await evaluate(model, noise, { createSession, batchSize: 16 });
  const images = { ...noise, labels: predictions };
  const targets = new Int32Array(count).fill(-1);
  const profile = await profileSearch({ kernel: await loadKernel('auto'), model, images, targets, search: {} });
  return {
    seconds: profile.total,
    kernelSeconds: profile.kernel,
    runtimeSeconds: profile.runtime,
    evaluations: profile.evaluations,
  };
}

function greyNoise(shape: readonly number[], count: number): ImageSet {
  const random = new Random(5);
  const size = shape.reduce((product, dim) => product * dim, count);
  const images = Float32Array.from({ length: size }, () => random.uniform());
  return { images, shape, count, labels: new Int32Array(count), source: 'grey noise' };
}

/** Linux hands getrusage's maximum on from the parent process, which may have had more: its own account comes first. */
function peakBytes(): number {
  const file = '/proc/self/status';
  const own = existsSync(file) ? /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  return 1024 * (own === undefined ? process.resourceUsage().maxRSS : Number(own));
}

const answer = await measure(ScaleTask.parse(JSON.parse(process.argv[2] ?? '')));
process.stdout.write(JSON.stringify({ ...answer, peakBytes: peakBytes() } satisfies ScaleAnswer));
