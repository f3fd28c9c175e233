/**
 * QuocNet (Le et al. 2012, "Building high-level features using large scale unsupervised learning") at CIFAR-10's size: three
 * stages of local filtering with untied weights, L2 pooling and local contrast normalisation, each learnt without labels on
 * what the one before it answers; on the top features a logistic layer, which alone sees labels (Szegedy et al. 2013, figure 6).
 *
 * Theirs has 200×200 pixels, fields of 18×18 and pools of 5×5 in every stage; sides here shrink with the images. They do not
 * say how images are prepared; here they are contrast-normalised, too.
 */
import { type ImageSet, imageSize } from '../ts/data/image_set.ts';
import type { CheckpointStore } from '../ts/nn/checkpoint.ts';
import { type EpochRecord, runEpochs } from '../ts/nn/epochs.ts';
import { buildInferenceModel } from '../ts/nn/inference_model.ts';
import {
  contrastNorm,
  dense,
  flatten,
  type Layer,
  l2Pool,
  localFilter,
  type ModelDefinition,
} from '../ts/nn/layers.ts';
import { drawParameters, parameterSpecs, placeLayers } from '../ts/nn/network.ts';
import { explainedShare, learnStage, type Stage, type StageRecipe } from '../ts/nn/stage_learning.ts';
import { classifierGraph, type Recipe } from '../ts/nn/train_classifier.ts';
import { TrainStep } from '../ts/nn/train_step.ts';
import type { SessionFactory, Tensor } from '../ts/runtime/session.ts';

export interface QuocnetRecipe {
  /** Of each stage. */
  readonly stage: StageRecipe;
  /** Of the logistic layer. */
  readonly classifier: Recipe;
}

/** λ is the paper's; the rest is the best of about ten by errors on the last tenth of the training images. */
export const QUOCNET_RECIPE: QuocnetRecipe = {
  stage: {
    epochs: 3,
    batchSize: 50,
    optimizer: { type: 'adam', learningRate: 3e-3 },
    schedule: 'cosine',
    sparsity: 0.1,
    scale: 0.15,
    decay: 0.01,
  },
  classifier: {
    epochs: 30,
    batchSize: 100,
    optimizer: { type: 'adam', learningRate: 1e-2 },
    schedule: 'cosine',
    weightDecay: 3e-3,
  },
};

/** 3×32×32 → 16×13×13, pooled 16×11×11 → 48×7×7, pooled 48×5×5 → 128×3×3, pooled 128×2×2 → 2: other, car. */
export function quocnet(): ModelDefinition {
  const layers: Layer[] = [
    contrastNorm(13, 0.1),
    ...[localFilter(16, 8, 2), l2Pool(3), contrastNorm(5)],
    ...[localFilter(48, 5), l2Pool(3), contrastNorm(5)],
    ...[localFilter(128, 3), l2Pool(2), contrastNorm(3)],
    flatten,
    dense(2, { initializer: { kind: 'zeros' } }),
  ];
  return { name: 'quocnet', inputShape: [3, 32, 32], layers };
}

export const CAR_CLASSES = ['other', 'car'] as const;

export interface QuocnetTraining {
  /** Seen without their labels by the stages. */
  readonly unlabelled: ImageSet;
  /** Labels 0 and 1: other and car. */
  readonly labelled: ImageSet;
  /** On which reconstructions are measured. */
  readonly heldOut: ImageSet;
  readonly recipe: QuocnetRecipe;
  readonly seed: number;
  readonly createSession: SessionFactory;
  readonly checkpoint?: CheckpointStore;
  readonly signal?: AbortSignal;
  /** @param done share of all. */
  readonly onProgress?: (done: number, text: string) => void;
}

export interface StageRecord {
  readonly name: string;
  /** [channels, height, width] of what it reads and answers. */
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  readonly history: readonly EpochRecord[];
  /** Share of the squared input of held-out images that is reconstructed. */
  readonly explained: number;
}

export interface TrainedQuocnet {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same layers with the first, random filters, and a logistic layer of their own. */
  readonly untrained: Uint8Array<ArrayBuffer>;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly stages: readonly StageRecord[];
  readonly classifier: readonly EpochRecord[];
}

/** What images pass before a stage, after it, and its place in the network. */
interface PlacedStage extends Stage {
  readonly name: string;
  readonly index: number;
  readonly outputShape: readonly number[];
}

export function quocnetStages(model: ModelDefinition): PlacedStage[] {
  const placed = placeLayers(model);
  return placed.flatMap(({ layer, name, inputShape }, index) => {
    const pool = model.layers[index + 1];
    if (layer.type !== 'local-filter' || pool?.type !== 'l2-pool') return [];
    return [{ filter: layer, pool, inputShape, name, index, outputShape: placed[index + 2]?.outputShape ?? [] }];
  });
}

/** Shares of the time: three stages, two classifiers. */
const SHARES = [0.6, 0.2, 0.1, 0.05, 0.05];

/** @throws what runEpochs throws. */
export async function trainQuocnet(model: ModelDefinition, options: QuocnetTraining): Promise<TrainedQuocnet> {
  const { recipe, seed, createSession, unlabelled, labelled } = options;
  const specs = parameterSpecs(model);
  const drawn = drawParameters(specs, seed);
  const initial = new Map(specs.map(({ name }, i) => [name, drawn[i] as Float32Array]));
  const parameters = new Map(initial);
  const data = [unlabelled.source, unlabelled.count, labelled.source, labelled.count];
  const fingerprint = JSON.stringify({ model, recipe, seed, data });
  const stages: StageRecord[] = [];
  for (const [i, stage] of quocnetStages(model).entries()) {
    const before = { ...model, layers: model.layers.slice(0, stage.index) };
    const tell = progress(options, i);
    const weight = `${stage.name}.weight`;
    const learnt = await learnStage({
      stage,
      recipe: recipe.stage,
      inputs: await answersOf(before, parameters, unlabelled, options),
      initial: initial.get(weight) as Float32Array,
      seed,
      createSession,
      name: stage.name,
      fingerprint,
      checkpoint: options.checkpoint,
      signal: options.signal,
      onProgress: ({ done, epoch, epochs }) => tell(done, `stage ${i + 1}, epoch ${epoch} of ${epochs}`),
    });
    const heldOut = await answersOf(before, parameters, options.heldOut, options);
    parameters.set(weight, learnt.encode);
    const explained = await explainedShare(stage, learnt, heldOut, createSession);
    const { name, inputShape, outputShape } = stage;
    stages.push({ name, inputShape, outputShape, history: learnt.history, explained });
  }
  const classify = async (weights: Map<string, Float32Array>, name: string, share: number) =>
    learnClassifier(model, weights, { ...options, name, fingerprint, tell: progress(options, share) });
  const classifier = await classify(parameters, 'classifier', 3);
  await classify(initial, 'classifier-untrained', 4);
  const metadata = { model: model.name, class_names: JSON.stringify(CAR_CLASSES), pixel_range: '[0, 1]' };
  return {
    bytes: buildInferenceModel(model, parameters, { ...metadata, training_data: unlabelled.source }),
    untrained: buildInferenceModel(model, initial, metadata),
    parameters,
    stages,
    classifier,
  };
}

function progress({ onProgress }: QuocnetTraining, part: number): (done: number, text: string) => void {
  const before = SHARES.slice(0, part).reduce((sum, share) => sum + share, 0);
  return (done, text) => onProgress?.(before + (SHARES[part] ?? 0) * done, text);
}

interface ClassifierTraining extends QuocnetTraining {
  readonly name: string;
  readonly fingerprint: string;
  readonly tell: (done: number, text: string) => void;
}

/** Learns the last layer on the frozen ones before it, and puts its weights among the parameters. */
async function learnClassifier(
  model: ModelDefinition,
  parameters: Map<string, Float32Array>,
  { name, fingerprint, tell, ...options }: ClassifierTraining,
): Promise<readonly EpochRecord[]> {
  const { labelled, recipe, seed, createSession } = options;
  const below = { ...model, layers: model.layers.slice(0, -1) };
  const { values } = await answersOf(below, parameters, labelled, options);
  const size = values.length / labelled.count;
  const { batchSize: wanted, epochs, optimizer, schedule, weightDecay = 0 } = recipe.classifier;
  const batchSize = Math.min(wanted, labelled.count);
  const classes = CAR_CLASSES.length;
  const top: ModelDefinition = {
    name,
    inputShape: [size],
    layers: [dense(classes, { initializer: { kind: 'zeros' }, weightDecay: (weightDecay * classes) / 2 })],
  };
  const plan = classifierGraph(top, optimizer, batchSize);
  const step = await TrainStep.create(plan, drawParameters(parameterSpecs(top), seed), createSession);
  const image: Tensor = { data: new Float32Array(batchSize * size), dims: [batchSize, size] };
  const labels: Tensor = { data: new Float32Array(batchSize * classes), dims: [batchSize, classes] };
  try {
    const history = await runEpochs({
      stage: name,
      step,
      count: labelled.count,
      epochs,
      batchSize,
      seed,
      learningRate: optimizer.learningRate,
      schedule,
      fingerprint,
      checkpoint: options.checkpoint,
      signal: options.signal,
      onProgress: ({ done, epoch }) => tell(done, `${name}, epoch ${epoch} of ${epochs}`),
      prepare: (indices) => {
        labels.data.fill(0);
        for (const [row, index] of indices.entries()) {
          image.data.set(values.subarray(index * size, (index + 1) * size), row * size);
          labels.data[row * classes + (labelled.labels[index] as number)] = 1;
        }
        return { image, labels };
      },
    });
    for (const [part, { data }] of step.parameters) parameters.set(part, Float32Array.from(data));
    return history;
  } finally {
    await step.release();
  }
}

const BATCH = 250;

/** What a part of the network answers to all images. */
async function answersOf(
  part: ModelDefinition,
  parameters: ReadonlyMap<string, Float32Array>,
  images: ImageSet,
  { createSession, signal }: Pick<QuocnetTraining, 'createSession' | 'signal'>,
): Promise<{ values: Float32Array; count: number }> {
  await using session = await createSession(buildInferenceModel(part, parameters));
  const size = imageSize(images.shape);
  let values = new Float32Array();
  for (let start = 0; start < images.count; start += BATCH) {
    signal?.throwIfAborted();
    const rows = Math.min(BATCH, images.count - start);
    const data = images.images.subarray(start * size, (start + rows) * size);
    const { logits } = await session.run({ image: { data, dims: [rows, ...images.shape] } });
    const answers = logits?.data ?? new Float32Array();
    if (start === 0) values = new Float32Array((answers.length / rows) * images.count);
    values.set(answers, (values.length / images.count) * start);
  }
  return { values, count: images.count };
}
