/**
 * Which kernel runs. `auto` takes the first source that loads and says why the ones before it did not; an explicit
 * choice loads that one or fails. The sources differ between Node and browsers: load_kernel_node, load_kernel_web.
 */
import { expectOneOf } from '../base/expect.ts';
import { BlindspotError } from '../errors.ts';
import type { Kernel, KernelName } from './kernel.ts';

export type KernelChoice = 'auto' | KernelName;

/** One place a kernel can come from. */
export interface KernelSource {
  readonly name: KernelName;
  /** What a person does to make it load: a command. */
  readonly remedy: string;
  load(): Promise<Kernel>;
}

export interface KernelFailure {
  readonly name: KernelName;
  readonly cause: unknown;
  readonly remedy: string;
}

export interface KernelSelection {
  readonly kernel: Kernel;
  readonly requested: KernelChoice;
  /** One line: what was taken, and why not the others. */
  readonly reason: string;
  /** Sources that were tried before and did not load. */
  readonly failures: readonly KernelFailure[];
}

/**
 * @param sources in order of preference.
 * @throws INVALID_ARGUMENT for an unknown choice; KERNEL_UNAVAILABLE with every cause and remedy when nothing loads.
 */
export async function selectKernel(
  sources: readonly KernelSource[],
  requested: KernelChoice,
): Promise<KernelSelection> {
  const wanted = requested === 'auto' ? sources : sources.filter(({ name }) => name === requested);
  if (wanted.length === 0) expectOneOf<string>('kernel', requested, ['auto', ...sources.map(({ name }) => name)]);
  const failures: KernelFailure[] = [];
  for (const source of wanted) {
    try {
      const kernel = await source.load();
      return { kernel, requested, reason: reasonFor(source.name, requested, failures), failures };
    } catch (cause) {
      failures.push({ name: source.name, cause, remedy: source.remedy });
    }
  }
  const outcome = requested === 'auto' ? 'No kernel could be loaded.' : `The ${requested} kernel could not be loaded.`;
  const lines = failures.map(({ name, cause, remedy }) => `  ${name}: ${message(cause)}; to fix: ${remedy}`);
  throw new BlindspotError('KERNEL_UNAVAILABLE', [outcome, ...lines].join('\n'), {
    cause: new AggregateError(
      failures.map(({ cause }) => cause),
      'every kernel that was tried',
    ),
  });
}

function reasonFor(name: KernelName, requested: KernelChoice, failures: readonly KernelFailure[]): string {
  if (requested !== 'auto') return `${name}: asked for`;
  const [first] = failures;
  if (first === undefined) return `${name}: the first that auto tries`;
  return `${name}: ${failures.map((failure) => `${failure.name} did not load (${message(failure.cause)})`).join(', ')}`;
}

function message(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
