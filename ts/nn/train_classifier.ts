/** Training of a classifier: a loss of its logits plus weight decay, by mini-batches. */

import type { Random } from '../base/random.ts';
import { adaptImages, type ImageLayout, imageLayout } from '../data/image_layout.ts';
import { type ImageSet, imageAt, imageSize, validateImages } from '../data/image_set.ts';
import { invalidArgument } from '../errors.ts';
import type { Value } from '../onnx/value.ts';
import type { ProviderName, SessionFactory, Tensor } from '../runtime/session.ts';
import { type AdversarialStep, adversarialForward, placeOf } from './adversarial.ts';
import type { CheckpointStore } from './checkpoint.ts';
import { checkCounts, type EpochRecord, runEpochs, type TrainingProgress } from './epochs.ts';
import { evaluateSession, largest } from './evaluate.ts';
import { buildInferenceModel } from './inference_model.ts';
import { classCount, type ModelDefinition, withWeightDecay } from './layers.ts';
import { classificationLoss, type LossSettings } from './losses.ts';
import { applyLayers, drawParameters, dropoutMasks, parameterSpecs } from './network.ts';
import type { OptimizerSettings } from './optimizers.ts';
import type { Schedule } from './schedules.ts';
import type { TrainGraph } from './train_graph.ts';
import { TrainStep } from './train_step.ts';

/** How a model is trained; part of its definition in models/. */
export interface Recipe {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: OptimizerSettings;
  readonly schedule: Schedule;
  /** Default: cross-entropy. */
  readonly loss?: LossSettings;
  /**
   * λ of the penalty ½λ·Σw² of every layer's weights, so that λ·w is added to their gradient: in place of the layers' own.
   */
  readonly weightDecay?: number;
  /** Mirror every second image of a batch left to right, drawn by seed; default false. Of images alone, not of flat pixels. */
  readonly mirror?: boolean;
  /** Training on adversarial examples beside the images; several take turns from batch to batch. Default: none. */
  readonly adversarial?: readonly AdversarialStep[];
  /**
   * Keep an exponential average of the weights with this decay, in (0, 1), say 0.999: it is what is tested and saved.
   * Default: the weights themselves.
   */
  readonly averageDecay?: number;
}

export interface TrainOptions {
  readonly model: ModelDefinition;
  readonly recipe: Recipe;
  readonly train: ImageSet;
  readonly test?: ImageSet;
  /** In place of one-hot labels, [train images, classes]: shares that sum to 1, such as a teacher's answers. */
  readonly softLabels?: Float32Array;
  /** Draws weights, order and dropout masks; default 0. */
  readonly seed?: number;
  readonly createSession: SessionFactory;
  readonly provider?: ProviderName;
  /** Default 1, with which the result is the same bits every time. */
  readonly threads?: number;
  readonly checkpoint?: CheckpointStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Written to the record. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** training.json. */
export interface TrainingRecord {
  readonly model: ModelDefinition;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly data: {
    readonly train: string;
    readonly trainCount: number;
    readonly test?: string;
    readonly testCount?: number;
  };
  readonly provider: ProviderName;
  /** Shares answered wrongly by the model as saved. */
  readonly trainError: number;
  readonly testError?: number;
  readonly seconds: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly history: readonly EpochRecord[];
  /** Of layers that were learnt before, without labels. */
  readonly pretraining?: { readonly recipe: Recipe; readonly history: readonly EpochRecord[] };
}

export interface TrainedModel {
  /** model.onnx. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** By name, such as fc1.weight. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly record: TrainingRecord;
}

/**
 * Trains and evaluates. On cpu with one thread, the same options give the same bits.
 *
 * @throws MODEL_DATA_MISMATCH, INVALID_DATA, NOT_FINITE (divergence), PROVIDER_UNAVAILABLE; the signal's reason when aborted.
 */
export async function trainClassifier(options: TrainOptions): Promise<TrainedModel> {
  const { recipe, seed = 0, createSession } = options;
  const { weightDecay } = recipe;
  const model = weightDecay === undefined ? options.model : withWeightDecay(options.model, weightDecay);
  const classes = classCount(model);
  checkCounts(recipe);
  const [train, test] = [options.train, options.test].map((set) => {
    if (set === undefined) return undefined;
    const adapted = adaptImages(set, model.inputShape);
    validateImages(adapted, { classes });
    return adapted;
  }) as [ImageSet, ImageSet | undefined];
  const sessionOptions = {
    ...(options.provider === undefined ? {} : { provider: options.provider }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  };

  const started = performance.now();
  const initial = drawParameters(parameterSpecs(model), seed);
  const batchSize = Math.min(recipe.batchSize, train.count);
  const { softLabels } = options;
  if (softLabels !== undefined && softLabels.length !== train.count * classes) {
    throw invalidArgument('softLabels', `${train.count} rows of ${classes}`, `${softLabels.length} values`);
  }
  const plan = classifierGraph(model, recipe.optimizer, batchSize, recipe);
  const step = await TrainStep.create(plan, initial, createSession, sessionOptions);
  const tester = await createSession(buildInferenceModel(model), sessionOptions);
  try {
    const errorOn = async (set: ImageSet) =>
      (await evaluateSession(tester, set, undefined, Object.fromEntries(step.averages))).error;
    const history = await runEpochs({
      stage: 'classifier',
      step,
      count: train.count,
      epochs: recipe.epochs,
      batchSize,
      seed,
      learningRate: recipe.optimizer.learningRate,
      schedule: recipe.schedule,
      fingerprint: JSON.stringify({ model, recipe, seed, data: train.source, count: train.count }),
      checkpoint: options.checkpoint,
      signal: options.signal,
      onProgress: options.onProgress,
      prepare: batchMaker(model, train, { rows: batchSize, classes, softLabels, mirror: recipe.mirror === true }),
      countWrong: (reports, indices) => countWrong(reports['logits'] as Tensor, indices, train.labels, classes),
      ...(test === undefined ? {} : { test: () => errorOn(test) }),
    });
    const testError = history.at(-1)?.testError;
    const record: TrainingRecord = {
      model,
      recipe,
      seed,
      data: {
        train: train.source,
        trainCount: train.count,
        ...(test === undefined ? {} : { test: test.source, testCount: test.count }),
      },
      provider: step.provider,
      trainError: await errorOn(train),
      ...(testError === undefined ? {} : { testError }),
      seconds: (performance.now() - started) / 1000,
      versions: options.versions ?? {},
      history,
    };
    return asTrainedModel(new Map([...step.averages].map(([name, { data }]) => [name, data])), record);
  } finally {
    await Promise.all([step.release(), tester.release()]);
  }
}

/**
 * Forward pass and objective; inputs image [batch, …], labels [batch, classes] one-hot, and dropout's masks. The batch is
 * a number, since the gradient of a convolution by its weights is a convolution with the batch as channels.
 */
export function classifierGraph(
  model: ModelDefinition,
  optimizer: OptimizerSettings,
  batch: number,
  { loss: settings, adversarial = [], averageDecay }: Pick<Recipe, 'loss' | 'adversarial' | 'averageDecay'> = {},
): TrainGraph {
  for (const step of adversarial) placeOf(model, step);
  const parameters = parameterSpecs(model);
  const masks = dropoutMasks(model);
  return {
    optimizer,
    averageDecay,
    turns: Math.max(1, adversarial.length),
    parameters,
    inputs: [
      { name: 'image', shape: [batch, ...model.inputShape] },
      { name: 'labels', shape: [batch, classCount(model)] },
      ...masks.map(({ name, shape }) => ({ name, shape: [batch, ...shape] })),
    ],
    forward: (graph, inputs, weights, turn, target) => {
      const [image, labels] = [inputs.get('image') as Value, inputs.get('labels') as Value];
      const step = adversarial[turn];
      if (step !== undefined) {
        const inputsOfBatch = { image, labels, parameters: weights, masks: inputs, target };
        return adversarialForward(graph, model, step, inputsOfBatch, settings);
      }
      const running = new Map<string, Value>();
      const logits = applyLayers(graph, model, image, weights, inputs, {}, running);
      return { loss: classificationLoss(graph, settings, logits, labels), reports: { logits }, running };
    },
  };
}

interface BatchSettings {
  readonly rows: number;
  readonly classes: number;
  readonly softLabels: Float32Array | undefined;
  readonly mirror: boolean;
}

/** Fills the same arrays for every batch. @throws INVALID_ARGUMENT when flat pixels are to be mirrored. */
function batchMaker(
  model: ModelDefinition,
  data: ImageSet,
  { rows, classes, softLabels, mirror }: BatchSettings,
): (indices: Uint32Array, random: Random) => Readonly<Record<string, Tensor>> {
  const allocate = (shape: readonly number[]): Tensor => ({
    data: new Float32Array(rows * imageSize(shape)),
    dims: [rows, ...shape],
  });
  const image = allocate(data.shape);
  const labels = allocate([classes]);
  const masks = dropoutMasks(model).map(({ name, shape, rate }) => ({ name, rate, tensor: allocate(shape) }));
  const batch = { image, labels, ...Object.fromEntries(masks.map(({ name, tensor }) => [name, tensor])) };
  const size = imageSize(data.shape);
  const layout = imageLayout(data.shape);
  if (mirror && (data.shape.length < 2 || layout === undefined)) {
    throw invalidArgument('mirror', 'false for a model of flat pixels', mirror);
  }
  return (indices, random) => {
    labels.data.fill(0);
    for (const [row, index] of indices.entries()) {
      const place = image.data.subarray(row * size, (row + 1) * size);
      place.set(imageAt(data, index));
      if (mirror && layout !== undefined && random.uniform() < 0.5) mirrorRows(place, layout);
      if (softLabels === undefined) labels.data[row * classes + (data.labels[index] as number)] = 1;
      else labels.data.set(softLabels.subarray(index * classes, (index + 1) * classes), row * classes);
    }
    for (const { rate, tensor } of masks) {
      const mask = tensor.data;
      for (let i = 0; i < mask.length; i++) mask[i] = random.uniform() < rate ? 0 : 1 / (1 - rate);
    }
    return batch;
  };
}

/** Left to right, in place. */
function mirrorRows(pixels: Float32Array, { order, channels, width }: ImageLayout): void {
  const [step, rowLength] = order === 'planar' ? [1, width] : [channels, width * channels];
  for (let row = 0; row < pixels.length; row += rowLength) {
    for (let left = 0; left < Math.floor(width / 2); left++) {
      for (let channel = 0; channel < step; channel++) {
        const [a, b] = [row + left * step + channel, row + (width - 1 - left) * step + channel];
        [pixels[a], pixels[b]] = [pixels[b] as number, pixels[a] as number];
      }
    }
  }
}

function countWrong(logits: Tensor, indices: Uint32Array, labels: Int32Array, classes: number): number {
  let wrong = 0;
  for (const [row, index] of indices.entries()) {
    if (largest(logits.data, row * classes, classes) !== labels[index]) wrong++;
  }
  return wrong;
}

/** The model of a record as a file. @param parameters kept, not copied. */
export function asTrainedModel(parameters: ReadonlyMap<string, Float32Array>, record: TrainingRecord): TrainedModel {
  const { model, data, trainError, testError } = record;
  const bytes = buildInferenceModel(model, parameters, {
    model: model.name,
    class_names: JSON.stringify(Array.from({ length: classCount(model) }, (_, index) => String(index))),
    pixel_range: '[0, 1]',
    training_data: data.train,
    train_error: String(trainError),
    ...(testError === undefined ? {} : { test_error: String(testError) }),
  });
  return { bytes, parameters, record };
}
