/**
 * The attack, whatever the platform:
 *
 *     loaded model → judge the images as they are → choose targets → search in shards,
 *     judging what they deliver, as float32 and as 8 bits → examples, summary
 *
 * Images that the model answers wrongly from the start are not attacked and are reported apart.
 */
import { type ImageSet, imageSize, indexOf } from '../data/image_set.ts';
import type { Kernel, SearchOptions } from '../kernel/kernel.ts';
import type { KernelSelection } from '../kernel/load_kernel.ts';
import type { LoadedClassifier } from '../model/loaded_classifier.ts';
import { type OpenedJudge, precisionNoise } from '../model/open_judge.ts';
import type { PreprocessorConfig } from '../model/preprocessor.ts';
import type { ProviderName, SessionFactory } from '../runtime/session.ts';
import { summarize } from './assemble.ts';
import { Assessment } from './assessment.ts';
import { type AttackData, prepareData } from './attack_data.ts';
import type { CompleteAttackOptions } from './attack_options.ts';
import { JournalKeeper } from './journal.ts';
import { type ClassifiedImages, isMisclassified, Judge } from './judge.ts';
import { activationBytes, DEFAULT_MAX_MEMORY, judgeRows, shareMemory, smoothingBytes } from './lanes.ts';
import { ProgressTeller } from './progress.ts';
import type { AttackExample, AttackOutcome } from './result.ts';
import { ShardBoard } from './shard_board.ts';
import { chooseStarts } from './starts.ts';
import { checkTarget, chooseTargets } from './targets.ts';
import { estimateSeconds } from './work_estimate.ts';

/** What differs between Node and browsers. */
export interface AttackPlatform {
  readonly defaultProvider: ProviderName;
  readonly createSession: SessionFactory;
  /** The bytes of a model that is told by its place. */
  readModel(source: string | URL): Promise<Uint8Array>;
  /** What stands beside a model told by its place, or in the file told; undefined where there are no files. */
  readonly findPreprocessor?:
    | ((told: string | false | undefined, source?: string | URL) => Promise<PreprocessorConfig | undefined>)
    | undefined;
  loadKernelSelection(choice: CompleteAttackOptions['kernel']): Promise<KernelSelection>;
  /** How many shards suit the work there is. */
  chooseWorkers(work: AttackWork): number | Promise<number>;
  /** @returns seconds, from the moment when every shard was ready. */
  runShards(plan: ShardPlan): Promise<number>;
  /** blindspot, onnxruntime, node or browser. */
  versions(): Promise<Record<string, string>>;
}

export interface AttackWork {
  readonly provider: ProviderName;
  /** Images to attack. */
  readonly images: number;
  /** Of one core, for all of it, roughly. */
  readonly seconds: number;
}

export interface ShardPlan {
  readonly kernel: Kernel;
  readonly workers: number;
  readonly search: SearchOptions;
  /** What is attacked: its graph, or a session of it. */
  readonly model: Pick<LoadedClassifier, 'provider' | 'description' | 'gradientGraph' | 'borrowSession'>;
  readonly board: ShardBoard;
  /** Called every now and then while the shards run; what it throws ends them. */
  readonly onTick: () => Promise<void>;
}

/** @throws as `attack` does. */
export async function attackOn(
  platform: AttackPlatform,
  loaded: LoadedClassifier,
  data: AttackData,
  options: CompleteAttackOptions,
): Promise<AttackOutcome> {
  const { method, effort, seed, signal } = options;
  const { classifier, description, provider } = loaded;
  const { model } = classifier;
  const { imageShape, classes } = description;
  const given = prepareData(data, description, options);
  if (given.unlabelled === undefined) checkTarget(options.target, { ...given, classes });
  const smoothable = method === 'boundary' && loaded.hasKinks;
  const { kernel } = await platform.loadKernelSelection(options.kernel);
  const opened = await loaded.judge();
  signal?.throwIfAborted();

  const judge = new Judge(opened.scorer, classes, judgeRows(model, options.maxMemory));
  const cleanStart = performance.now();
  const { set, clean } = await classified(judge, given, options.target);
  checkTarget(options.target, { ...set, classes });
  const cleanSeconds = secondsSince(cleanStart);
  const targets = chooseTargets(options.target, { ...set, classes }, clean.leastLikely, seed);
  const queue = rightlyAnswered(set, clean);

  const size = { images: queue.length, method, effort };
  const work = { provider, images: queue.length, seconds: estimateSeconds(model, size) };
  const wanted = Math.min(options.workers ?? (await platform.chooseWorkers(work)), Math.max(1, queue.length));
  const confidence = model.widened === true ? await crossing(platform, loaded, opened, set, queue) : 0;
  const task = { images: queue.length, workers: wanted, smoothable, confidence };
  const { search, workers } = planSearch(options, kernel, loaded, task);
  const across = chooseStarts(set, clean.predictions, targets, queue);
  const indices = set.indices === undefined ? {} : { indices: set.indices };
  const memory = { n: search.n, images: set.images, labels: set.labels, targets, across, queue, ...indices };
  const board = ShardBoard.create(memory, workers > 1);
  const journal = options.journal && new JournalKeeper(options.journal, board);
  const progress = new ProgressTeller(board, set.count, options.onProgress);
  const assessment = new Assessment(judge, { set, clean, targets, board });
  const onTick = async (): Promise<void> => {
    progress.tick();
    journal?.keep();
    await assessment.advance();
  };
  const plan = { kernel, workers, search, model: loaded, board, onTick };
  progress.tell('searching');
  const searchSeconds = board.done === queue.length ? 0 : await runStoppable(platform, signal, plan);
  journal?.keep();

  progress.tell('judging');
  const judgeStart = performance.now();
  const examples = await assessment.finish();
  if (examples.length === 0) signal?.throwIfAborted();
  const summary = summarize(examples, {
    seconds: cleanSeconds + searchSeconds + secondsSince(judgeStart),
    method,
    effort,
    target: String(options.target),
    kernel: kernel.name,
    instructionSet: kernel.instructionSet,
    provider: opened.provider,
    judgedBy: opened.notOriginal === undefined ? 'original' : 'copy',
    ...(opened.notOriginal === undefined ? {} : { notOriginal: opened.notOriginal }),
    workers,
    seed,
    versions: await platform.versions(),
    ...(examples.length < set.count ? { interruptedOf: set.count } : {}),
  });
  return { summary, examples, imageShape: [...imageShape], ...deliveredPixels(set, board, examples) };
}

/** Images that tell how much half precision matters. */
const PRECISION_IMAGES = 16;

/** By how much a search in float32 has to cross the boundary of a model that computes in half precision. */
async function crossing(
  platform: AttackPlatform,
  { classifier, description }: LoadedClassifier,
  { scorer }: OpenedJudge,
  set: ImageSet,
  queue: Int32Array,
): Promise<number> {
  const size = imageSize(set.shape);
  const { classes } = description;
  const some = queue.subarray(0, PRECISION_IMAGES);
  if (some.length === 0) return 0;
  const pixels = new Float32Array(some.length * size);
  for (const [row, index] of some.entries()) {
    pixels.set(set.images.subarray(index * size, (index + 1) * size), row * size);
  }
  const images = { pixels, rows: some.length, shape: set.shape, classes };
  return 2 * (await precisionNoise(platform.createSession, classifier, scorer, images));
}

/** What the model answers to the images as they are; where they have no labels, its answers are theirs. */
async function classified(
  judge: Judge,
  given: ImageSet,
  target: CompleteAttackOptions['target'],
): Promise<{ set: ImageSet; clean: ClassifiedImages }> {
  const images = { pixels: given.images, shape: given.shape };
  const clean = await judge.classify({ ...images, labels: given.labels });
  if (given.unlabelled === undefined) return { set: given, clean };
  const labels = clean.predictions.map((prediction) => Math.max(0, prediction));
  const set = { ...given, labels };
  return { set, clean: target === 'least-likely' ? await judge.classify({ ...images, labels }) : clean };
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

function rightlyAnswered(set: ImageSet, clean: ClassifiedImages): Int32Array {
  return Int32Array.from(set.labels.keys()).filter((index) => !isMisclassified(clean, set.labels, index));
}

interface SearchTask {
  readonly images: number;
  readonly workers: number;
  readonly smoothable: boolean;
  readonly confidence: number;
}

function planSearch(
  options: CompleteAttackOptions,
  kernel: Kernel,
  { classifier, description, provider }: LoadedClassifier,
  { images, workers, smoothable, confidence }: SearchTask,
): { search: SearchOptions; workers: number } {
  const { method, effort, maxEvaluations, seed, maxMemory = DEFAULT_MAX_MEMORY } = options;
  const { model } = classifier;
  const { imageShape, classes } = description;
  const search = {
    n: imageSize(imageShape),
    classes,
    method,
    effort,
    maxEvaluations,
    // What takes whole numbers of 8 bits can be given nothing else.
    quantization: model.byteInput === true ? Math.min(8, options.quantize || 8) : options.quantize,
    seed,
    smoothable,
    confidence,
  };
  const searchBytes = (lanes: number): number => kernel.searchBytes({ ...search, lanes });
  const modelBytes = activationBytes(model) + (smoothable ? smoothingBytes(model) : 0);
  const budget = { provider, images, workers, maxMemory, searchBytes, activationBytes: modelBytes };
  if (options.lanes !== undefined) return { search: { ...search, lanes: options.lanes }, workers };
  const asked = { workers: options.workers !== undefined, maxMemory: options.maxMemory !== undefined };
  const share = shareMemory(budget, asked);
  return { search: { ...search, lanes: share.lanes }, workers: share.workers };
}

/** Runs the shards; an aborted signal stops them between two evaluations. */
async function runStoppable(
  platform: AttackPlatform,
  signal: AbortSignal | undefined,
  plan: ShardPlan,
): Promise<number> {
  const stop = () => plan.board.stop();
  signal?.addEventListener('abort', stop);
  try {
    if (signal?.aborted === true) stop();
    return await platform.runShards(plan);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** The pixels of the examples, in memory of this thread alone. */
function deliveredPixels(
  set: ImageSet,
  board: ShardBoard,
  examples: readonly AttackExample[],
): Pick<AttackOutcome, 'originals' | 'adversarial'> {
  const { adversarial, n } = board.memory;
  if (examples.length === set.count) return { originals: set.images, adversarial: adversarial.slice() };
  const positions = new Map(Array.from({ length: set.count }, (_, position) => [indexOf(set, position), position]));
  const gather = (pixels: Float32Array): Float32Array => {
    const gathered = new Float32Array(examples.length * n);
    for (const [row, { index }] of examples.entries()) {
      const position = positions.get(index) as number;
      gathered.set(pixels.subarray(position * n, (position + 1) * n), row * n);
    }
    return gathered;
  };
  return { originals: gather(set.images), adversarial: gather(adversarial) };
}
