/** An attack's platform with the kernel double, so that tests need no kernel built. */
import { createSession } from '../../runtime/node_session.ts';
import type { AttackPlatform } from '../attack_on.ts';
import { runShardHere } from '../inline_shard.ts';
import { type DoubleBehaviour, doubleKernel } from './search_double.ts';

export function doublePlatform(behaviour: DoubleBehaviour = {}): AttackPlatform {
  return {
    defaultProvider: 'cpu',
    createSession,
    describeKernel: async (requested) => ({
      kernel: doubleKernel(behaviour),
      requested,
      reason: 'double',
      failures: [],
    }),
    chooseWorkers: () => 1,
    runShards: (plan) => runShardHere(plan, createSession),
    versions: async () => ({ blindspot: 'test' }),
  };
}
