/** What attacks run on in Node: any provider, both kernels, shards in worker threads. */
import { availableParallelism } from 'node:os';
import { loadKernelSelection } from '../kernel/load_kernel_node.ts';
import { findPreprocessor } from '../model/find_preprocessor.ts';
import { readModelSource } from '../model/read_model_file.ts';
import { createSession } from '../runtime/node_session.ts';
import type { AttackPlatform, AttackWork } from './attack_on.ts';
import { runShardHere } from './inline_shard.ts';
import { runShardPool } from './shard_pool.ts';
import { versions } from './versions.ts';

/** Starting a worker takes 0.06 s of a core, and 0.1 s until it is ready: less work than this is not worth one. */
const SECONDS_WORTH_A_WORKER = 0.5;

/** What an attack runs on in Node. */
export const NODE_PLATFORM: AttackPlatform = {
  defaultProvider: 'cpu',
  createSession,
  readModel: readModelSource,
  findPreprocessor,
  loadKernelSelection,
  chooseWorkers,
  runShards: (plan) => (plan.workers === 1 ? runShardHere(plan) : runShardPool(plan)),
  versions,
};

/** One worker a core when there is work enough; one in all for a GPU, which the workers would only share. */
function chooseWorkers({ provider, images, seconds }: AttackWork): number {
  if (provider === 'cuda' || provider === 'webgpu') return 1;
  return Math.max(1, Math.min(availableParallelism(), images, Math.floor(seconds / SECONDS_WORTH_A_WORKER)));
}
