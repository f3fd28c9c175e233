/** The groups of the benchmark, in the order in which they run. */
import { invalidArgument } from '../errors.ts';
import { family } from './family.ts';
import { kernel } from './kernel.ts';
import { optimiser } from './optimiser.ts';
import { quality } from './quality.ts';
import type { BenchGroup } from './report.ts';
import { scale } from './scale.ts';
import { search } from './search.ts';
import { training } from './training.ts';

export const GROUPS: readonly BenchGroup[] = [optimiser, kernel, search, family, quality, scale, training];
export const GROUP_NAMES: readonly string[] = GROUPS.map(({ name }) => name);

/** All without names. @throws INVALID_ARGUMENT listing the names there are. */
export function chooseGroups(names: readonly string[] | undefined): readonly BenchGroup[] {
  const unknown = names?.find((name) => !GROUP_NAMES.includes(name));
  if (unknown !== undefined) throw invalidArgument('group', GROUP_NAMES.join(', '), unknown);
  return names === undefined ? GROUPS : GROUPS.filter(({ name }) => names.includes(name));
}
