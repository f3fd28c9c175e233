/** `attack` in Node: any provider, both kernels, shards in worker threads. */
import { availableParallelism } from 'node:os';
import { invalidArgument } from '../errors.ts';
import { describeKernel } from '../kernel/load_kernel_node.ts';
import { readModelFile } from '../model/read_model_file.ts';
import { createSession } from '../runtime/node_session.ts';
import type { AttackData } from './attack_data.ts';
import { type AttackPlatform, type AttackWork, attackOn } from './attack_on.ts';
import type { AttackOptions } from './attack_options.ts';
import { runShardHere } from './inline_shard.ts';
import type { AttackOutcome } from './result.ts';
import { runShardPool } from './shard_pool.ts';
import { versions } from './versions.ts';

/**
 * Finds, for each image, a change as small as can be found that makes the model answer wrongly (or the class wanted).
 *
 *     const { summary, examples } = await attack('model.onnx', { images, labels }, { count: 100 });
 *
 * Results depend on the model, the data, `seed` and the search's own options; not on workers and lanes, but for the last
 * bits: float32 products of the model may differ between batch sizes.
 *
 * @param model path or bytes of an ONNX file: one image input in pixels [0, 1], one row of class scores an image.
 * @param data labelled images, as loadData gives them or as arrays.
 * @throws INVALID_ARGUMENT, FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_MODEL, UNSUPPORTED_OP, MODEL_DATA_MISMATCH, INVALID_DATA,
 *   KERNEL_UNAVAILABLE, PROVIDER_UNAVAILABLE, OUT_OF_MEMORY; the signal's reason when it is aborted before any image is done.
 */
export async function attack(
  model: string | Uint8Array,
  data: AttackData,
  options: AttackOptions = {},
): Promise<AttackOutcome> {
  return await attackOn(NODE, await modelBytes(model), data, options);
}

/** Starting a worker takes 0.06 s of a core, and 0.1 s until it is ready: less work than this is not worth one. */
const SECONDS_WORTH_A_WORKER = 0.5;

const NODE: AttackPlatform = {
  defaultProvider: 'cpu',
  createSession,
  describeKernel,
  chooseWorkers,
  runShards: (plan) => (plan.workers === 1 ? runShardHere(plan, createSession) : runShardPool(plan)),
  versions,
};

/** One worker a core when there is work enough; one in all for a GPU, which the workers would only share. */
function chooseWorkers({ provider, images, seconds }: AttackWork): number {
  if (provider === 'cuda' || provider === 'webgpu') return 1;
  return Math.max(1, Math.min(availableParallelism(), images, Math.floor(seconds / SECONDS_WORTH_A_WORKER)));
}

async function modelBytes(model: string | Uint8Array): Promise<Uint8Array> {
  if (typeof model === 'string') return await readModelFile(model);
  if (!(model instanceof Uint8Array)) throw invalidArgument('model', 'a path or the bytes of an ONNX file', model);
  // A Buffer is one, too, but its slice() is a view, where Uint8Array's is a copy: readers rely on the copy.
  return new Uint8Array(model.buffer, model.byteOffset, model.byteLength);
}
