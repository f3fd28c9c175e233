/**
 * Training a network of dense sigmoid layers on images and on adversarial examples for itself, of its input or of its
 * hidden layers' outputs (Szegedy et al. 2013, section 4.2). The examples of hidden layer k train the layers above it:
 *
 *     loss = (1 − α)·CE(images) + α·CE(examples of one place),     the place changing from batch to batch.
 *
 * The paper does not say α, how large a pool is or how fast it is replaced.
 */

import { Random } from '../base/random.ts';
import { adaptImages } from '../data/image_layout.ts';
import { type ImageSet, imageAt, imageSize } from '../data/image_set.ts';
import { type EpochRecord, runEpochs, type TrainingProgress } from '../nn/epochs.ts';
import { evaluateSession } from '../nn/evaluate.ts';
import { buildInferenceModel } from '../nn/inference_model.ts';
import { classCount, type ModelDefinition } from '../nn/layers.ts';
import { softmaxCrossEntropy } from '../nn/losses.ts';
import { applyLayers, drawParameters, parameterSpecs } from '../nn/network.ts';
import type { Recipe } from '../nn/train_classifier.ts';
import type { TrainGraph } from '../nn/train_graph.ts';
import { TrainStep } from '../nn/train_step.ts';
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';
import { createSession } from '../runtime/node_session.ts';
import type { Session, Tensor } from '../runtime/session.ts';
import { AdversarialPool } from './adversarial_pool.ts';

export interface AdversarialTraining {
  /** Dense layers, each but the last with a sigmoid after it. */
  readonly model: ModelDefinition;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly train: ImageSet;
  readonly test: ImageSet;
  /** Where examples are made: 0 the input, k the outputs of hidden layer k. */
  readonly places: readonly number[];
  /** Examples in the pool of a place. */
  readonly poolSize: number;
  /** New examples an epoch and pool, from the first adversarial epoch on. */
  readonly replaced: number;
  /** Epochs on the images alone, before there are mistakes worth learning from. */
  readonly warmUp: number;
  /** α */
  readonly share: number;
  /** Largest distortion of an example, in mean distortions of the first ones. */
  readonly reach: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface AdversariallyTrained {
  readonly trainError: number;
  readonly testError: number;
  /** Mean distortion of the last examples of each place. */
  readonly poolDistortions: readonly number[];
  readonly history: readonly EpochRecord[];
  /** model.onnx. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Batches draw from streams of their own, apart from those of epochs and weights. */
const POOL_STREAM = 2 ** 33;

export async function trainAdversarially(options: AdversarialTraining): Promise<AdversariallyTrained> {
  const { model, recipe, seed, places, signal } = options;
  const [train, test] = [adaptImages(options.train, model.inputShape), adaptImages(options.test, model.inputShape)];
  const batchSize = Math.min(recipe.batchSize, train.count);
  const specs = parameterSpecs(model);
  const step = await TrainStep.create(trainGraph(options, batchSize), drawParameters(specs, seed), createSession);
  const tester = await createSession(buildInferenceModel(model));
  const random = new Random(seed, POOL_STREAM);
  const pools = new Map(
    places.map((place) => [
      place,
      new AdversarialPool({ size: sizeAt(model, place), capacity: options.poolSize, reach: options.reach }),
    ]),
  );
  const parameters = () => new Map([...step.parameters].map(([name, { data }]) => [name, data]));
  const errorOn = async (set: ImageSet) =>
    (await evaluateSession(tester, set, undefined, Object.fromEntries(step.parameters))).error;
  try {
    const history = await runEpochs({
      stage: 'adversarial training',
      step,
      count: train.count,
      epochs: recipe.epochs,
      batchSize,
      seed,
      learningRate: recipe.optimizer.learningRate,
      schedule: recipe.schedule,
      fingerprint: '',
      signal,
      onProgress: options.onProgress,
      beforeEpoch: async (epoch) => {
        if (epoch < options.warmUp) return;
        for (const [place, pool] of pools) await refresh(pool, place, parameters(), options, train, random);
      },
      prepare: batchMaker(options, train, batchSize, pools),
      test: () => errorOn(test),
    });
    return {
      trainError: await errorOn(train),
      testError: history.at(-1)?.testError ?? Number.NaN,
      poolDistortions: places.map((place) => pools.get(place)?.distortion ?? 0),
      history,
      bytes: buildInferenceModel(model, parameters()),
    };
  } finally {
    await Promise.all([step.release(), tester.release()]);
  }
}

/** New examples for the network as it is now, from random training images. */
async function refresh(
  pool: AdversarialPool,
  place: number,
  parameters: ReadonlyMap<string, Float32Array>,
  { model, replaced, poolSize, signal }: AdversarialTraining,
  train: ImageSet,
  random: Random,
): Promise<void> {
  const wanted = pool.count < poolSize ? Math.max(replaced, poolSize - pool.count) : replaced;
  const chosen = random.permutation(train.count).subarray(0, Math.min(wanted, train.count));
  const size = imageSize(train.shape);
  const pixels = new Float32Array(chosen.length * size);
  for (const [row, index] of chosen.entries()) pixels.set(imageAt(train, index), row * size);
  const labels = Int32Array.from(chosen, (index) => train.labels[index] as number);
  const inputs = place === 0 ? pixels : await outputsOf(layersBelow(model, place), parameters, pixels, chosen.length);
  const above = buildInferenceModel(layersAbove(model, place), renamed(parameters, place));
  await pool.replace(above, inputs, labels, random, signal);
}

async function outputsOf(
  below: ModelDefinition,
  parameters: ReadonlyMap<string, Float32Array>,
  pixels: Float32Array,
  rows: number,
): Promise<Float32Array> {
  await using session: Session = await createSession(buildInferenceModel(below, parameters));
  const { logits } = await session.run({ image: { data: pixels, dims: [rows, ...below.inputShape] } });
  return (logits as Tensor).data;
}

/** Two layers, dense and sigmoid, a place. */
function layersBelow(model: ModelDefinition, place: number): ModelDefinition {
  return { ...model, layers: model.layers.slice(0, 2 * place) };
}

function layersAbove(model: ModelDefinition, place: number): ModelDefinition {
  return { ...model, inputShape: [sizeAt(model, place)], layers: model.layers.slice(2 * place) };
}

function sizeAt(model: ModelDefinition, place: number): number {
  if (place === 0) return imageSize(model.inputShape);
  const layer = model.layers[2 * place - 2];
  if (layer?.type !== 'dense') throw new TypeError(`no dense layer under place ${place} of ${model.name}`);
  return layer.units;
}

/** fc3 of the whole network is fc1 of the part above place 2. */
function renamed<T>(parameters: ReadonlyMap<string, T>, place: number): Map<string, T> {
  const part = new Map<string, T>();
  for (const [name, value] of parameters) {
    const number = Number(/^fc(\d+)\./.exec(name)?.[1]) - place;
    if (number > 0) part.set(name.replace(/^fc\d+/, `fc${number}`), value);
  }
  return part;
}

function trainGraph({ model, recipe, places }: AdversarialTraining, rows: number): TrainGraph {
  const classes = classCount(model);
  return {
    optimizer: recipe.optimizer,
    parameters: parameterSpecs(model),
    inputs: [
      { name: 'image', shape: [rows, ...model.inputShape] },
      { name: 'labels', shape: [rows, classes] },
      { name: 'weight', shape: [] },
      ...places.flatMap((place) => [
        { name: `image${place}`, shape: [rows, sizeAt(model, place)] },
        { name: `labels${place}`, shape: [rows, classes] },
        { name: `weight${place}`, shape: [] },
      ]),
    ],
    forward: (graph, inputs, weights) => {
      const input = (name: string) => inputs.get(name) as Value;
      const logits = applyLayers(graph, model, input('image'), weights);
      let loss = graph.mul(input('weight'), softmaxCrossEntropy(graph, logits, input('labels')));
      for (const place of places) {
        loss = graph.add(loss, adversarialLoss(graph, model, place, input, weights));
      }
      return { loss };
    },
  };
}

function adversarialLoss(
  graph: GraphBuilder,
  model: ModelDefinition,
  place: number,
  input: (name: string) => Value,
  weights: ReadonlyMap<string, Value>,
): Value {
  const above = layersAbove(model, place);
  const range = { prefix: `place${place}.` };
  const logits = applyLayers(graph, above, input(`image${place}`), renamed(weights, place), undefined, range);
  return graph.mul(input(`weight${place}`), softmaxCrossEntropy(graph, logits, input(`labels${place}`)));
}

function batchMaker(
  { model, places, share }: AdversarialTraining,
  train: ImageSet,
  rows: number,
  pools: ReadonlyMap<number, AdversarialPool>,
): (indices: Uint32Array, random: Random) => Readonly<Record<string, Tensor>> {
  const classes = classCount(model);
  const tensor = (...dims: number[]): Tensor => ({ data: new Float32Array(imageSize(dims)), dims });
  const size = imageSize(train.shape);
  const image = tensor(rows, size);
  const labels = tensor(rows, classes);
  const weight = tensor();
  const mixed = places.map((place) => ({
    place,
    examples: tensor(rows, sizeAt(model, place)),
    oneHot: tensor(rows, classes),
    weight: tensor(),
  }));
  const batch: Record<string, Tensor> = { image, labels, weight };
  for (const { place, examples, oneHot, weight: own } of mixed) {
    Object.assign(batch, { [`image${place}`]: examples, [`labels${place}`]: oneHot, [`weight${place}`]: own });
  }
  let turn = 0;
  return (indices, random) => {
    labels.data.fill(0);
    for (const [row, index] of indices.entries()) {
      image.data.set(imageAt(train, index), row * size);
      labels.data[row * classes + (train.labels[index] as number)] = 1;
    }
    for (const { weight: own } of mixed) own.data[0] = 0;
    weight.data[0] = 1;
    const active = mixed[turn++ % Math.max(1, mixed.length)];
    const pool = active && pools.get(active.place);
    if (active && pool && pool.count > 0) {
      pool.draw(active.examples.data, active.oneHot.data, random);
      active.weight.data[0] = share;
      weight.data[0] = 1 - share;
    }
    return batch;
  };
}
