/** `blindspot train`: trains one of the project's networks and saves it as an ONNX file. */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import type { ModelEntry } from '../../models/model_entry.ts';
import { MODEL_NAMES, modelByName } from '../../models/registry.ts';
import { versions } from '../attack/versions.ts';
import { checkOutputFolder, writeOutputFolder } from '../base/output_folder.ts';
import type { ImageSet } from '../data/image_set.ts';
import { loadData } from '../data/load_data.ts';
import { type AdversarialStep, parseAdversarial, placeOf } from '../nn/adversarial.ts';
import type { CheckpointStore } from '../nn/checkpoint.ts';
import type { TrainingProgress } from '../nn/epochs.ts';
import { classCount } from '../nn/layers.ts';
import type { OptimizerSettings } from '../nn/optimizers.ts';
import { folderCheckpoint, saveTraining } from '../nn/save_training.ts';
import { SCHEDULES, type Schedule } from '../nn/schedules.ts';
import type { Recipe } from '../nn/train_classifier.ts';
import { formatCount, formatSeconds, formatShare, plural } from '../report/number_format.ts';
import { createSession } from '../runtime/node_session.ts';
import { PROVIDERS, type ProviderName } from '../runtime/session.ts';
import { parsedBy, realNumber, wholeNumber } from './option_parsers.ts';
import { ProgressLine } from './progress_line.ts';
import { ExitCode, type Terminal } from './terminal.ts';

interface TrainFlags {
  model: string;
  data: string;
  out: string;
  testData?: string;
  count?: number;
  epochs?: number;
  provider: ProviderName;
  seed: number;
  batchSize?: number;
  optimizer?: 'sgd' | 'adam';
  learningRate?: number;
  schedule?: Schedule;
  weightDecay?: number;
  adversarial?: AdversarialStep[];
  averageWeights?: number | true;
}

const AVERAGE_DECAY = 0.999;

const EXAMPLES = `
Models: ${MODEL_NAMES.join(', ')}.

Examples:
  The 784-100-100-10 network of Szegedy et al. 2013, about a minute:
    npx blindspot train --model fc100-100-10 --data mnist --out out/fc
  A convolutional one, for two epochs:
    npx blindspot train --model convnet --data mnist --epochs 2 --out out/conv
  An AlexNet for pictures of 32×32, about half an hour:
    npx blindspot train --model alexnet --data cifar10 --out out/alexnet
  The first one on adversarial examples, too, made fresh for every batch:
    npx blindspot train --model fc100-100-10 --data mnist --adversarial l2=1.0 --average-weights --epochs 60 --batch-size 128 --optimizer adam --learning-rate 1e-2 --schedule cosine --weight-decay 1e-5 --out out/fc-adversarial

--adversarial l2=1.0 moves every image of a batch by 1.0 (Euclidean, of pixels in [0, 1]) to where the loss rises fastest,
within [0, 1], and learns from both halves alike; linf=0.1 moves every pixel by 0.1. l2=0.5@hidden1 moves the outputs of
the first activation, and trains the layers above it. Several, with commas between, take turns from batch to batch.

What it leaves in --out:
  model.onnx      takes pixels in [0, 1], runs in any ONNX Runtime
  training.json   settings, errors on training and test data, the history of every epoch

The same settings and seed on cpu give the same bits. Ctrl-C keeps the finished epochs: the same command goes on from there.`;

/** @param finish takes the exit code. */
export function addTrainCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('train')
    .summary('train a network of this project and save it as an ONNX file')
    .description("Trains one of the project's networks from labelled images and saves it as an ONNX file.")
    .requiredOption('--model <name>', `one of ${MODEL_NAMES.join(', ')}`)
    .requiredOption(
      '--data <name>',
      'labelled images: mnist (training images; mnist:P1, mnist:P2 for disjoint halves), fashion-mnist, cifar10, a folder of image files, or a .npz file',
    )
    .requiredOption('--out <dir>', 'folder for the model')
    .option(
      '--test-data <name>',
      'images to test on (default: mnist:test for mnist, cifar10:test for cifar10, none otherwise)',
    )
    .option('--count <n>', 'the first n training images (default: all)', wholeNumber(1))
    .option('--epochs <n>', 'passes over the training images (default: as the model has it)', wholeNumber(1))
    .option('--seed <n>', 'of initial weights and of the order of the images', wholeNumber(0), 0)
    .option('--batch-size <n>', 'images a step (default, as of the next four: as the model has it)', wholeNumber(1))
    .addOption(new Option('--optimizer <name>', 'sgd (momentum 0.9) or adam').choices(['sgd', 'adam']))
    .option('--learning-rate <rate>', 'at first', realNumber({ over: 0 }))
    .addOption(new Option('--schedule <name>', 'of the rate; cosine: down to 0').choices(SCHEDULES))
    .option('--weight-decay <lambda>', 'of ½λ·Σw², for every layer', realNumber({ least: 0 }))
    .option(
      '--adversarial <steps>',
      'learn from adversarial examples beside the images: l2=1.0, linf=0.1, l2=0.5@hidden1 (default: none)',
      parsedBy(parseAdversarial),
    )
    .option(
      '--average-weights [decay]',
      `save an exponential average of the weights (decay: ${AVERAGE_DECAY})`,
      realNumber({ over: 0, under: 1 }),
    )
    .addOption(new Option('--provider <name>', 'where ONNX Runtime trains').choices(PROVIDERS).default('cpu'))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: TrainFlags) => finish(await runTraining(flags, terminal)));
}

async function runTraining(flags: TrainFlags, terminal: Terminal): Promise<ExitCode> {
  const { out, signal } = terminal;
  const entry = modelByName(flags.model);
  const recipe = chosenRecipe(flags, entry);
  for (const step of recipe.adversarial ?? []) placeOf(entry.definition, step);
  await checkOutputFolder(flags.out);
  const [train, test] = await readImages(flags, entry.definition, signal);
  const epochs = recipe.epochs ?? entry.recipe.epochs;
  const tested = test === undefined ? '' : `, tested on ${formatCount(test.count)} of ${test.source}`;
  out.write(
    `model   ${entry.name}: [${entry.definition.inputShape.join(', ')}] to ${classCount(entry.definition)} classes\n`,
  );
  out.write(`data    ${formatCount(train.count)} images of ${train.source}${tested}\n`);

  const checkpoint = new LateCheckpoints(flags.out);
  const progress = new ProgressLine(terminal.err, 'training');
  try {
    const trained = await entry.train({
      train,
      ...(test === undefined ? {} : { test }),
      recipe,
      seed: flags.seed,
      provider: flags.provider,
      createSession,
      checkpoint,
      signal,
      versions: await versions(),
      onProgress: (state) => progress.update(state.done, progressText(state)),
    });
    progress.end();
    await writeOutputFolder(flags.out, (staging) => saveTraining(staging, trained));
    await checkpoint.remove();
    const { trainError, testError, seconds } = trained.record;
    const accuracy = testError === undefined ? '' : `test accuracy ${formatShare(1 - testError)}, `;
    out.write(
      `\n${accuracy}training error ${formatShare(trainError)}, after ${plural(epochs, 'epoch')} in ${formatSeconds(seconds)}\n`,
    );
    out.write(`model   ${path.join(flags.out, 'model.onnx')}\n`);
    return ExitCode.OK;
  } catch (error) {
    progress.end();
    if (!signal.aborted) throw error;
    if (!(await checkpoint.write())) throw error;
    out.write(`\nInterrupted: the finished epochs are kept in ${flags.out}; the same command goes on from there.\n`);
    return ExitCode.INTERRUPTED;
  }
}

/** Momentum goes with SGD, as in the models' own recipes. */
const MOMENTUM = 0.9;
const ADAM_RATE = 1e-3;
const SGD_RATE = 0.1;

/** What the flags replace in the model's recipe. */
function chosenRecipe(flags: TrainFlags, { recipe }: ModelEntry): Partial<Recipe> {
  const { epochs = recipe.epochs, batchSize, optimizer, schedule, weightDecay, adversarial, averageWeights } = flags;
  const type = optimizer ?? recipe.optimizer.type;
  const standard = type === 'adam' ? ADAM_RATE : SGD_RATE;
  const learningRate =
    flags.learningRate ?? (type === recipe.optimizer.type ? recipe.optimizer.learningRate : standard);
  const settings: OptimizerSettings =
    type === recipe.optimizer.type
      ? { ...recipe.optimizer, learningRate }
      : type === 'adam'
        ? { type, learningRate }
        : { type, learningRate, momentum: MOMENTUM };
  return {
    epochs,
    optimizer: settings,
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(weightDecay === undefined ? {} : { weightDecay }),
    ...(adversarial === undefined ? {} : { adversarial }),
    ...(averageWeights === undefined ? {} : { averageDecay: averageWeights === true ? AVERAGE_DECAY : averageWeights }),
  };
}

function readImages(
  flags: TrainFlags,
  definition: { inputShape: readonly number[] } & Parameters<typeof classCount>[0],
  signal: AbortSignal,
): Promise<[train: ImageSet, test: ImageSet | undefined]> {
  const known = ['mnist', 'fashion-mnist', 'cifar10'].find(
    (name) => flags.data === name || flags.data.startsWith(`${name}:`),
  );
  const common = { imageShape: definition.inputShape, classes: classCount(definition), signal };
  const testData = flags.testData ?? (known === undefined ? undefined : `${known}:test`);
  return Promise.all([
    loadData(flags.data === known ? `${known}:train` : flags.data, {
      ...common,
      ...(flags.count === undefined ? {} : { count: flags.count }),
    }),
    testData === undefined ? undefined : loadData(testData, common),
  ]);
}

/** Reads the checkpoints of an interrupted run, but writes some only when this run is interrupted too. */
class LateCheckpoints implements CheckpointStore {
  readonly #folder: string;
  readonly #store: CheckpointStore;
  readonly #latest = new Map<string, Uint8Array>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#store = folderCheckpoint(folder);
  }

  load(stage: string): Promise<Uint8Array | undefined> {
    return this.#store.load(stage);
  }

  async save(stage: string, bytes: Uint8Array): Promise<void> {
    this.#latest.set(stage, bytes);
  }

  /** @returns whether there was something to keep. */
  async write(): Promise<boolean> {
    for (const [stage, bytes] of this.#latest) await this.#store.save(stage, bytes);
    return this.#latest.size > 0;
  }

  /** Those of earlier runs, which have served. */
  async remove(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith('.checkpoint.npz')) await rm(path.join(this.#folder, name));
    }
  }
}

function progressText({ epoch, epochs, loss, testError, secondsLeft }: TrainingProgress): string {
  const tested = testError === undefined ? '' : `, test accuracy ${formatShare(1 - testError)}`;
  return `epoch ${epoch} of ${epochs} · loss ${loss.toFixed(4)}${tested} · ${formatSeconds(secondsLeft)} left`;
}
