/**
 * The attack, whatever the platform:
 *
 *     read model → gradient graph, plain graph → judge the images as they are → choose targets → search in shards
 *     → judge what was delivered, as float32 and as 8 bits → examples, summary
 *
 * Images that the model answers wrongly from the start are not attacked and are reported apart.
 */
import { type ImageSet, imageSize } from '../data/image_set.ts';
import type { Kernel, SearchOptions } from '../kernel/kernel.ts';
import type { KernelSelection } from '../kernel/load_kernel.ts';
import { attackGraph, logitsGraph } from '../onnx/attack_graph.ts';
import { describeClassifier } from '../onnx/classifier.ts';
import type { Model } from '../onnx/model.ts';
import { readModel } from '../onnx/read_model.ts';
import type { ProviderName, SessionFactory } from '../runtime/session.ts';
import { assembleExample, summarize } from './assemble.ts';
import { type AttackData, prepareData } from './attack_data.ts';
import { type AttackOptions, type CompleteAttackOptions, completeAttackOptions } from './attack_options.ts';
import { flushTinyWeights } from './flush_tiny_weights.ts';
import { type ClassifiedImages, Judge } from './judge.ts';
import { activationBytes, chooseLanes } from './lanes.ts';
import { ProgressTeller } from './progress.ts';
import type { AttackExample, AttackOutcome } from './result.ts';
import { ShardBoard } from './shard_board.ts';
import { checkTarget, chooseTargets, UNTARGETED } from './targets.ts';
import { estimateSeconds } from './work_estimate.ts';

/** What differs between Node and browsers. */
export interface AttackPlatform {
  readonly defaultProvider: ProviderName;
  readonly createSession: SessionFactory;
  describeKernel(choice: CompleteAttackOptions['kernel']): Promise<KernelSelection>;
  /** How many shards suit the work there is. */
  chooseWorkers(work: AttackWork): number;
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
  readonly provider: ProviderName;
  readonly workers: number;
  readonly search: SearchOptions;
  /** attackGraph, as a file. */
  readonly graph: Uint8Array<ArrayBuffer>;
  /** Of one image. */
  readonly imageShape: readonly number[];
  readonly board: ShardBoard;
  /** Called every now and then while the shards run. */
  readonly onTick: () => void;
}

/** Images a batch of the plain model. */
const JUDGE_ROWS = 256;

/**
 * @param bytes an ONNX file.
 * @throws as `attack` does.
 */
export async function attackOn(
  platform: AttackPlatform,
  bytes: Uint8Array,
  data: AttackData,
  given: AttackOptions,
): Promise<AttackOutcome> {
  const options = completeAttackOptions(given, platform.defaultProvider);
  const { provider, method, effort, seed, signal } = options;
  const model = readModel(bytes);
  const { imageShape, classes } = describeClassifier(model);
  const set = prepareData(data, { imageShape, classes }, options.count);
  const targeted = { ...set, classes };
  checkTarget(options.target, targeted);
  const graph = attackGraph(flushTinyWeights(model), { target: provider === 'webgpu' ? 'webgpu' : 'cpu' });
  const { kernel } = await platform.describeKernel(options.kernel);
  await using session = await platform.createSession(logitsGraph(model), { provider });
  signal?.throwIfAborted();

  const judge = new Judge(session, classes, judgeRows(model, options.maxMemory));
  const cleanStart = performance.now();
  const clean = await judge.classify({ pixels: set.images, shape: set.shape, labels: set.labels });
  const cleanSeconds = secondsSince(cleanStart);
  const targets = chooseTargets(options.target, targeted, clean.leastLikely, seed);
  const queue = rightlyAnswered(set, clean);

  const size = { images: queue.length, method, effort };
  const work = { provider, images: queue.length, seconds: estimateSeconds(model, size) };
  const workers = Math.min(options.workers ?? platform.chooseWorkers(work), Math.max(1, queue.length));
  const search = planSearch(options, kernel, model, { classes, images: queue.length, workers });
  const board = ShardBoard.create({ n: search.n, images: set.images, labels: set.labels, targets, queue }, workers > 1);
  const progress = new ProgressTeller(board, set.count, options.onProgress);
  const searchSeconds =
    queue.length === 0
      ? 0
      : await runStoppable(platform, signal, progress, { kernel, provider, workers, search, graph, imageShape, board });

  const kept = Int32Array.from(set.labels.keys()).filter(
    (index) => isMisclassified(set, clean, index) || board.result(index) !== undefined,
  );
  if (kept.length === 0) signal?.throwIfAborted();
  progress.tell('judging');
  const judgeStart = performance.now();
  const examples = await judgeExamples(judge, { set, clean, targets, board, kept });
  const summary = summarize(examples, {
    seconds: cleanSeconds + searchSeconds + secondsSince(judgeStart),
    method,
    effort,
    target: String(options.target),
    kernel: kernel.name,
    instructionSet: kernel.instructionSet,
    provider: session.provider,
    workers,
    seed,
    versions: await platform.versions(),
    ...(kept.length < set.count ? { interruptedOf: set.count } : {}),
  });
  return { summary, examples, imageShape: [...imageShape], ...deliveredPixels(set, board, kept) };
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

function judgeRows(model: Model, maxMemory: number): number {
  return Math.max(1, Math.min(JUDGE_ROWS, Math.floor(maxMemory / activationBytes(model))));
}

/** A model that answers NaN is not misclassified but broken: the search says so. */
function isMisclassified(set: ImageSet, clean: ClassifiedImages, index: number): boolean {
  const prediction = clean.predictions[index] as number;
  return prediction >= 0 && prediction !== set.labels[index];
}

function rightlyAnswered(set: ImageSet, clean: ClassifiedImages): Int32Array {
  return Int32Array.from(set.labels.keys()).filter((index) => !isMisclassified(set, clean, index));
}

function planSearch(
  options: CompleteAttackOptions,
  kernel: Kernel,
  model: Model,
  { classes, images, workers }: { classes: number; images: number; workers: number },
): SearchOptions {
  const { provider, method, effort, maxEvaluations, seed, maxMemory } = options;
  const { imageShape } = describeClassifier(model);
  const search = {
    n: imageSize(imageShape),
    classes,
    method,
    effort,
    maxEvaluations,
    quantization: options.quantize,
    seed,
  };
  const searchBytes = (lanes: number): number => kernel.searchBytes({ ...search, lanes });
  const budget = { provider, images, workers, maxMemory, searchBytes, activationBytes: activationBytes(model) };
  return { ...search, lanes: options.lanes ?? chooseLanes(budget) };
}

/** Runs the shards; an aborted signal stops them between two evaluations. */
async function runStoppable(
  platform: AttackPlatform,
  signal: AbortSignal | undefined,
  progress: ProgressTeller,
  plan: Omit<ShardPlan, 'onTick'>,
): Promise<number> {
  const stop = () => plan.board.stop();
  signal?.addEventListener('abort', stop);
  try {
    progress.tell('searching');
    if (signal?.aborted === true) stop();
    return await platform.runShards({ ...plan, onTick: () => progress.tell('searching') });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

interface Delivered {
  readonly set: ImageSet;
  readonly clean: ClassifiedImages;
  readonly targets: Int32Array;
  readonly board: ShardBoard;
  /** Positions of the images to report. */
  readonly kept: Int32Array;
}

async function judgeExamples(judge: Judge, { set, clean, targets, board, kept }: Delivered): Promise<AttackExample[]> {
  const { adversarial, n } = board.memory;
  // An image misclassified from the start is its own adversarial example, whatever class was to be reached.
  const judgedTargets = targets.map((target, index) => (isMisclassified(set, clean, index) ? UNTARGETED : target));
  const delivered = { pixels: adversarial, shape: set.shape, labels: set.labels, targets: judgedTargets };
  const verdicts = await judge.judge(delivered, kept);
  return verdicts.map((verdict, place) => {
    const index = kept[place] as number;
    return assembleExample({
      index,
      label: set.labels[index] as number,
      target: targets[index] as number,
      cleanPrediction: clean.predictions[index] as number,
      result: board.result(index),
      verdict: verdict.delivered,
      quantized: verdict.quantized,
      n,
      originals: set.images,
      adversarial,
    });
  });
}

/** The pixels of the images kept, in memory of this thread alone. */
function deliveredPixels(
  set: ImageSet,
  board: ShardBoard,
  kept: Int32Array,
): Pick<AttackOutcome, 'originals' | 'adversarial'> {
  const { adversarial, n } = board.memory;
  if (kept.length === set.count) return { originals: set.images, adversarial: adversarial.slice() };
  const gather = (pixels: Float32Array): Float32Array => {
    const gathered = new Float32Array(kept.length * n);
    for (const [row, index] of kept.entries()) gathered.set(pixels.subarray(index * n, (index + 1) * n), row * n);
    return gathered;
  };
  return { originals: gather(set.images), adversarial: gather(adversarial) };
}
