/** How many images a model still answers rightly when each may be changed by so much. */
import { invalidArgument } from '../errors.ts';
import type { AttackExample } from './result.ts';

/** How far an adversary may go: a length, or its root mean square over the pixels. */
export type Reach = { readonly l2: number } | { readonly distortion: number };

/**
 * Share of all images answered rightly for which no mistake was found within reach: an upper bound, as no search proves
 * that there is none. Images that were answered wrongly from the start count as wrong.
 *
 *     robustAccuracy(await attack(model, data), { l2: 0.5 })
 *
 * @throws INVALID_ARGUMENT unless the reach is a number from 0.
 */
export function robustAccuracy({ examples }: { readonly examples: readonly AttackExample[] }, reach: Reach): number {
  const name = 'l2' in reach ? 'l2' : 'distortion';
  const most: unknown = 'l2' in reach ? reach.l2 : reach.distortion;
  if (!(typeof most === 'number' && most >= 0)) throw invalidArgument(name, 'a number from 0', most);
  const right = examples.filter((example) => {
    return example.status !== 'already-misclassified' && !(example.success && (example[name] ?? 0) <= most);
  });
  return examples.length === 0 ? 0 : right.length / examples.length;
}
