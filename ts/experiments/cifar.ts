/**
 * The questions of tables 1 to 4 asked of convolutional networks on CIFAR-10's photographs: how near mistakes are, and
 * whether they are mistakes for networks of another seed, width, half of the training images or kind, too.
 */
import { type InspectOptions, inspectUnits, type UnitInspection } from '../analysis/units/inspect_units.ts';
import { unitFigurePng } from '../analysis/units/unit_figure.ts';
import { attack } from '../attack/attack.ts';
import type { ImageSet } from '../data/image_set.ts';
import { imageSize, selectImages, takeImages } from '../data/image_set.ts';
import { evaluate } from '../nn/evaluate.ts';
import { readModel } from '../onnx/read_model.ts';
import { intermediateValues } from '../onnx/slice_model.ts';
import { createSession } from '../runtime/node_session.ts';
import { CIFAR_EPOCHS, CIFAR_MODELS, cifarData, type TrainedCifarModel, trainedCifarModel } from './cifar_models.ts';
import { renderCifar } from './cifar_report.ts';
import { amplified, withNoise } from './distortions.ts';
import type { Experiment } from './experiment.ts';
import { inPairs } from './in_pairs.ts';
import { average, type Proportion, proportion } from './statistics.ts';
import { countWrong, type Study } from './study.ts';

export interface CifarRow {
  readonly network: string;
  readonly half: string;
  readonly trainError: Proportion;
  readonly testError: Proportion;
  /** On the half that it was not trained on. */
  readonly otherError: Proportion;
  /** Means over the images: of a random wrong class, and of any. */
  readonly distortion: number;
  readonly anyDistortion: number;
}

export interface CifarTransfer {
  readonly label: string;
  readonly kind: 'made' | 'amplified' | 'noise' | 'clean';
  /** Column whose network the images were made for. */
  readonly own: number | null;
  readonly errors: readonly Proportion[];
  readonly distortion: number;
}

export interface Cifar {
  readonly epochs: number;
  readonly images: number;
  readonly found: number;
  readonly rows: readonly CifarRow[];
  readonly transfer: readonly CifarTransfer[];
  readonly units: Omit<UnitInspection, 'natural' | 'random' | 'shown'>;
}

/** Of the study's images; each is 4 times as large as a digit. */
const SHARE = 4;
const AMPLIFIED = 2;
const FIGURE = 'cifar_units.png';

export const cifar: Experiment<Cifar> = {
  name: 'cifar',
  title: 'CIFAR-10: the same questions of convolutional networks',
  version: 2,
  parameters: { models: CIFAR_MODELS.map(({ entry, half, seed }) => [entry.definition, entry.recipe, half, seed]) },
  models: [],
  seconds: 450,
  async run(study, tell) {
    const data = await cifarData(study);
    const shares = CIFAR_MODELS.map(() => 0);
    const models = await inPairs([...CIFAR_MODELS.entries()], ([i, model]) =>
      trainedCifarModel(study, model, data, (share, text) => {
        shares[i] = share;
        tell((0.9 * average(shares)) as number, text);
      }),
    );
    const count = Math.max(4, Math.round(study.settings.images / SHARE));
    const rows: CifarRow[] = [];
    const made: CifarTransfer[] = [];
    const louder: CifarTransfer[] = [];
    const noisy: CifarTransfer[] = [];
    let found = 0;
    for (const [own, model] of models.entries()) {
      tell(0.9 + (0.08 * own) / models.length, `distorting for ${model.label}`);
      const near = await nearest(study, model, data.test, count);
      found += near.adversarial.count;
      rows.push({
        network: model.label,
        half: model.half,
        trainError: proportion(
          Math.round(model.record.trainError * data.halves[model.half].count),
          data.halves[model.half].count,
        ),
        testError: await errorOf(model, data.test),
        otherError: await errorOf(model, data.halves[model.half === 'P1' ? 'P2' : 'P1']),
        distortion: near.distortion,
        anyDistortion: near.anyDistortion,
      });
      const label = `made for ${model.label}`;
      made.push({
        label,
        kind: 'made',
        own,
        errors: await errors(models, near.adversarial),
        distortion: near.distortion,
      });
      const twice = AMPLIFIED * near.distortion;
      const loud = amplified(near.originals, near.adversarial, twice);
      louder.push({
        label: `… amplified to ${twice.toFixed(3)}`,
        kind: 'amplified',
        own,
        errors: await errors(models, loud),
        distortion: twice,
      });
      // Of the same images: those that one network answers rightly are easier for the others, too.
      noisy.push({
        label: `${model.label}’s images under noise of ${twice.toFixed(3)}`,
        kind: 'noise',
        own,
        errors: await errors(models, withNoise(near.originals, twice, study.settings.seed)),
        distortion: twice,
      });
    }
    const clean = takeImages(data.test, Math.min(data.test.count, 10 * count));
    const undistorted: CifarTransfer = {
      label: `the first ${clean.count} test images, undistorted`,
      kind: 'clean',
      own: null,
      errors: await errors(models, clean),
      distortion: 0,
    };
    tell(0.98, 'units of AlexNet');
    const { inspection, png } = await unitsOf(models[0] as TrainedCifarModel, data.test, {
      seed: study.settings.seed,
      signal: study.signal,
    });
    const epochs = Math.min(CIFAR_EPOCHS, study.settings.epochs ?? CIFAR_EPOCHS);
    const transfer = [...made, ...louder, ...noisy, undistorted];
    return { result: { epochs, images: count, found, rows, transfer, units: inspection }, figures: { [FIGURE]: png } };
  },
  render: (result) => renderCifar(result, FIGURE),
};

async function errorOf({ bytes }: { readonly bytes: Uint8Array }, images: ImageSet): Promise<Proportion> {
  const { predictions } = await evaluate(bytes, images, { createSession });
  return proportion(countWrong(predictions, images.labels), images.count);
}

async function errors(models: readonly TrainedCifarModel[], images: ImageSet): Promise<Proportion[]> {
  const result: Proportion[] = [];
  for (const model of models) result.push(await errorOf(model, images));
  return result;
}

/** The first test images that the network answers rightly, changed towards random wrong classes. */
async function nearest(
  { settings: { seed }, signal }: Study,
  { bytes }: TrainedCifarModel,
  test: ImageSet,
  count: number,
): Promise<{ originals: ImageSet; adversarial: ImageSet; distortion: number; anyDistortion: number }> {
  const first = takeImages(test, Math.min(test.count, 10 * count));
  const { predictions } = await evaluate(bytes, first, { createSession });
  const right = [...predictions.keys()].filter((index) => predictions[index] === first.labels[index]);
  const chosen = selectImages(first, right.slice(0, count));
  const outcome = await attack(bytes, chosen, { target: 'random', seed, signal });
  signal.throwIfAborted();
  const any = await attack(bytes, chosen, { target: 'none', seed, signal });
  signal.throwIfAborted();
  const found = outcome.examples.filter(({ success }) => success);
  const size = imageSize(chosen.shape);
  const changed = { ...chosen, images: outcome.adversarial.slice(0, chosen.count * size) };
  const indices = found.map(({ index }) => index);
  return {
    originals: selectImages(chosen, indices),
    adversarial: selectImages(changed, indices),
    distortion: average(found.map(({ distortion }) => distortion ?? 0)),
    anyDistortion: any.summary.meanDistortion ?? Number.NaN,
  };
}

/** Of what the last pooling makes. */
async function unitsOf(
  { bytes, label }: TrainedCifarModel,
  images: ImageSet,
  options: Pick<InspectOptions, 'seed' | 'signal'>,
): Promise<{ inspection: Cifar['units']; png: Uint8Array }> {
  const layer = intermediateValues(readModel(bytes))
    .filter(({ op }) => op === 'MaxPool')
    .at(-1)?.name;
  if (layer === undefined) throw new TypeError(`${label} has no pooling`);
  const inspection = await inspectUnits(bytes, images, { ...options, layer, createSession });
  const png = await unitFigurePng(inspection, images, { title: `${label}: last convolution, pooled` });
  const { natural: _natural, random: _random, shown: _shown, ...rest } = inspection;
  return { inspection: rest, png };
}
