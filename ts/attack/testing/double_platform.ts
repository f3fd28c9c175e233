/** An attack's platform with the kernel double, so that tests need no kernel built. */
import { readModelSource } from '../../model/read_model_file.ts';
import { createSession } from '../../runtime/node_session.ts';
import type { AttackPlatform } from '../attack_on.ts';
import { runShardHere } from '../inline_shard.ts';
import { type DoubleBehaviour, doubleKernel } from './search_double.ts';

export function doublePlatform(behaviour: DoubleBehaviour = {}): AttackPlatform {
  return {
    defaultProvider: 'cpu',
    createSession,
    readModel: readModelSource,
    loadKernelSelection: async (requested) => ({
      kernel: doubleKernel(behaviour),
      requested,
      reason: 'double',
      failures: [],
    }),
    chooseWorkers: () => 1,
    runShards: runShardHere,
    versions: async () => ({ blindspot: 'test' }),
  };
}
