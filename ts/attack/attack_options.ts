/** What an attack is asked to do: options, defaults, ranges. Unknown names and values are refused by name. */
import { expectInteger, expectKeys, expectOneOf } from '../base/expect.ts';
import { invalidArgument } from '../errors.ts';
import { SEARCH_OPTIONS_RULES } from '../kernel/abi.generated.ts';
import type { KernelChoice } from '../kernel/load_kernel.ts';
import { EFFORTS, type EffortName, SEARCH_METHODS, type SearchMethodName } from '../kernel/options.ts';
import type { ClassifierOptions } from '../onnx/read_classifier.ts';
import type { ProviderName } from '../runtime/session.ts';
import type { AttackJournal } from './journal.ts';
import type { AttackProgress } from './progress.ts';

export const KERNELS = ['auto', 'native', 'wasm'] as const satisfies readonly KernelChoice[];
const NAMED_TARGETS = ['none', 'random', 'least-likely', 'labels'] as const;

export type AttackMethod = SearchMethodName;
export type AttackEffort = EffortName;

/**
 * Class to reach: none (any class but the label), random (a wrong class drawn by seed), least-likely (of the model's
 * answer to the image itself), labels (the data's own targets), or one class for all.
 */
export type TargetChoice = (typeof NAMED_TARGETS)[number] | number;

/** Of a model that is opened by the attack itself. */
export interface AttackOptions extends ModelAttackOptions, ClassifierOptions {
  /** Where the model runs; default cpu in Node, wasm in the browser. */
  provider?: ProviderName;
  /** As of openModel: a preprocessor_config.json, or false to look for none. */
  preprocessor?: string | false;
}

/** Of an attack on a model that is open already. */
export interface ModelAttackOptions {
  /** Default 'none'. */
  target?: TargetChoice;
  /** boundary (default): the nearest, and fast. penalty: Szegedy et al. 2013. deepfool: a baseline, Moosavi-Dezfooli et al. 2016. */
  method?: AttackMethod;
  /** Default 'fast' (about 45 gradients); 'thorough' (400) goes on from it with other classes and restarts; 'exhaustive' (3,000) with more of these. */
  effort?: AttackEffort;
  /** Default 'auto': native, else wasm. */
  kernel?: KernelChoice;
  /** Threads that search, 1..256; default by the work there is. Results do not depend on it. */
  workers?: number;
  /** Images searched at once by a worker, 1..65536; default by images and memory. */
  lanes?: number;
  /** Memory for the searches and the model's activations, in bytes; default 2 GiB, or what one image of a larger model needs. */
  maxMemory?: number;
  /** Of random targets and restarts, an integer from 0; default 0. */
  seed?: number;
  /** Index of the first image to attack; default 0. What is found of an image does not depend on it. */
  start?: number;
  /** How many images to attack; default all from `start`. */
  count?: number;
  /** Bits, 1..16: search among images that a file with that many bits per value holds exactly; 0 (default) for none. */
  quantize?: number;
  /** Most gradient evaluations of an image; 0 (default): as method and effort have it. */
  maxEvaluations?: number;
  onProgress?: (progress: AttackProgress) => void;
  /** Keeps what is found as it goes, for an attack that is killed and started again. */
  journal?: AttackJournal;
  /** Ends the attack early: the images done until then are kept. */
  signal?: AbortSignal;
}

export interface CompleteAttackOptions {
  readonly target: TargetChoice;
  readonly method: AttackMethod;
  readonly effort: AttackEffort;
  readonly kernel: KernelChoice;
  readonly workers: number | undefined;
  readonly lanes: number | undefined;
  readonly maxMemory: number | undefined;
  readonly seed: number;
  readonly start: number;
  readonly count: number | undefined;
  readonly quantize: number;
  readonly maxEvaluations: number;
  readonly journal: AttackJournal | undefined;
  readonly onProgress: ((progress: AttackProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

type OptionName = keyof ModelAttackOptions;
const OPTION_NAMES = Object.keys({
  target: 0,
  method: 0,
  effort: 0,
  kernel: 0,
  workers: 0,
  lanes: 0,
  maxMemory: 0,
  seed: 0,
  start: 0,
  count: 0,
  quantize: 0,
  maxEvaluations: 0,
  onProgress: 0,
  journal: 0,
  signal: 0,
} satisfies Record<OptionName, 0>);

/** @throws INVALID_ARGUMENT naming the option, what was expected and what came. */
export function completeAttackOptions(options: ModelAttackOptions): CompleteAttackOptions {
  expectKeys('attack options', options, OPTION_NAMES);
  const rules = SEARCH_OPTIONS_RULES;
  const integer = (name: OptionName, value: number | undefined, least: number, most?: number) =>
    value === undefined ? undefined : expectInteger(name, value, least, most);
  const bounded = (
    name: OptionName,
    value: number | undefined,
    rule: { least: number; most: number; fallback: number },
  ) => expectInteger(name, value ?? rule.fallback, rule.least, rule.most);
  return {
    target: expectTarget(options.target ?? 'none'),
    method: expectOneOf('method', options.method ?? 'boundary', SEARCH_METHODS),
    effort: expectOneOf('effort', options.effort ?? 'fast', EFFORTS),
    kernel: expectOneOf('kernel', options.kernel ?? 'auto', KERNELS),
    workers: integer('workers', options.workers, 1, 256),
    lanes: integer('lanes', options.lanes, rules.lanes.least, rules.lanes.most),
    maxMemory: integer('maxMemory', options.maxMemory, 1),
    seed: bounded('seed', options.seed, rules.seed),
    start: expectInteger('start', options.start ?? 0, 0),
    count: integer('count', options.count, 1),
    quantize: bounded('quantize', options.quantize, rules.quantization),
    maxEvaluations: bounded('maxEvaluations', options.maxEvaluations, rules.maxEvaluations),
    onProgress: options.onProgress,
    journal: options.journal,
    signal: options.signal,
  };
}

/** A target as text, from the command line. @throws INVALID_ARGUMENT listing what there is. */
export function parseTarget(text: string): TargetChoice {
  return expectTarget(/^\d{1,9}$/.test(text) ? Number(text) : text);
}

function expectTarget(value: unknown): TargetChoice {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  const named = NAMED_TARGETS.find((name) => name === value);
  if (named === undefined) throw invalidArgument('target', `${NAMED_TARGETS.join(', ')} or a class index`, value);
  return named;
}
