/**
 * Figure 6: QuocNet, learnt without labels, a classifier of cars on its top features, and the nearest mistakes of that; and
 * whether its units mean more than random directions.
 */
import { QUOCNET_RECIPE, quocnet as quocnetModel } from '../../models/quocnet.ts';
import { inspectUnits, type UnitInspection } from '../analysis/units/inspect_units.ts';
import { unitFigurePng } from '../analysis/units/unit_figure.ts';
import { attack } from '../attack/attack.ts';
import { type ImageSet, imageSize, selectImages } from '../data/image_set.ts';
import { evaluate } from '../nn/evaluate.ts';
import { readModel } from '../onnx/read_model.ts';
import { intermediateValues } from '../onnx/slice_model.ts';
import { createSession } from '../runtime/node_session.ts';
import { withNoise } from './distortions.ts';
import type { Experiment } from './experiment.ts';
import { figure6Png, filtersPng } from './quocnet_figures.ts';
import { type KeptQuocnet, quocnetData, trainedOnPixels, trainedQuocnet, UNLABELLED } from './quocnet_model.ts';
import { renderQuocnet } from './quocnet_report.ts';
import { average, type Proportion, proportion } from './statistics.ts';
import { countWrong, type Study } from './study.ts';

export interface QuocnetStage {
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  /** Losses of the first and last epoch, and the share of held-out images' squared inputs that is reconstructed. */
  readonly firstLoss: number;
  readonly lastLoss: number;
  readonly explained: number;
}

export interface QuocnetErrors {
  readonly label: string;
  readonly train: Proportion;
  readonly test: Proportion;
}

export interface Quocnet {
  readonly recipe: KeptQuocnet['recipe'];
  readonly unlabelled: number;
  /** Cars and others that the classifier learns from. */
  readonly labelled: number;
  readonly stages: readonly QuocnetStage[];
  /** Of the network, of one whose filters stayed random, and of the pixels alone. */
  readonly errors: readonly QuocnetErrors[];
  readonly attacked: number;
  readonly found: number;
  /** Means over the images found, and over the cars and the others among them; null of none. */
  readonly distortion: number | null;
  readonly carDistortion: number | null;
  readonly otherDistortion: number | null;
  /** On the images attacked, under Gaussian noise of the mean distortion. */
  readonly noiseError: Proportion;
  readonly units: Omit<UnitInspection, 'natural' | 'random' | 'shown'>;
}

/** Of the study's images; 64 in a full run, as many as the paper's figure 5 averages over. */
const SHARE = 4;
const FIGURES = { filters: 'quocnet_filters.png', mistakes: 'figure6.png', units: 'quocnet_units.png' } as const;

export const quocnet: Experiment<Quocnet> = {
  name: 'quocnet',
  aliases: ['figure6'],
  title: 'Figure 6: a car classifier on QuocNet’s features',
  version: 2,
  parameters: { model: quocnetModel(), recipe: QUOCNET_RECIPE, unlabelled: UNLABELLED },
  models: [],
  seconds: 240,
  async run(study, tell) {
    const data = await quocnetData(study);
    const trained = await trainedQuocnet(study, data, (done, text) => tell(0.6 * done, text));
    const { seed } = study.settings;
    const onPixels = await trainedOnPixels(data.train, trained.recipe.classifier, {
      ...{ seed, signal: study.signal },
      tell: (done, text) => tell(0.6 + 0.1 * done, text),
    });
    const errors: QuocnetErrors[] = [];
    for (const [label, bytes] of [
      ['learnt without labels', trained.bytes],
      ['random filters', trained.untrained],
      ['bare pixels', onPixels],
    ] as const) {
      errors.push({ label, train: await errorOf(bytes, data.train), test: await errorOf(bytes, data.test) });
    }
    tell(0.75, 'distorting for QuocNet');
    const count = Math.max(4, Math.round(study.settings.images / SHARE));
    const { png, ...mistakes } = await nearestMistakes(study, trained.bytes, data.test, count);
    tell(0.9, 'units of QuocNet');
    const { inspection, png: unitsPng } = await unitsOf(study, trained.bytes, data.allTest);
    const stages = trained.stages.map(({ inputShape, outputShape, history, explained }) => ({
      inputShape,
      outputShape,
      firstLoss: history[0]?.loss ?? Number.NaN,
      lastLoss: history.at(-1)?.loss ?? Number.NaN,
      explained,
    }));
    return {
      result: {
        recipe: trained.recipe,
        unlabelled: data.unlabelled.count,
        labelled: data.train.count,
        stages,
        errors,
        ...mistakes,
        units: inspection,
      },
      figures: {
        [FIGURES.filters]: await filtersPng(trained.bytes),
        [FIGURES.mistakes]: png,
        [FIGURES.units]: unitsPng,
      },
    };
  },
  render: (result) => renderQuocnet(result, FIGURES),
};

async function errorOf(bytes: Uint8Array, images: ImageSet): Promise<Proportion> {
  const { predictions } = await evaluate(bytes, images, { createSession });
  return proportion(countWrong(predictions, images.labels), images.count);
}

type Mistakes = Pick<Quocnet, 'attacked' | 'found' | 'distortion' | 'carDistortion' | 'otherDistortion' | 'noiseError'>;

/** Of the first test images that are answered rightly, as many cars as others. */
async function nearestMistakes(
  { settings: { seed }, signal }: Study,
  bytes: Uint8Array,
  test: ImageSet,
  count: number,
): Promise<Mistakes & { png: Uint8Array }> {
  const { predictions } = await evaluate(bytes, test, { createSession });
  const right = [...predictions.keys()].filter((index) => predictions[index] === test.labels[index]);
  const some = [0, 1].flatMap((label) => right.filter((i) => test.labels[i] === label).slice(0, count / 2));
  const chosen = selectImages(
    test,
    some.sort((a, b) => a - b),
  );
  const outcome = await attack(bytes, chosen, { target: 'none', seed, signal });
  signal.throwIfAborted();
  const found = outcome.examples.flatMap(({ success, distortion }, position) =>
    success && distortion !== null ? [{ position, distortion, label: chosen.labels[position] }] : [],
  );
  const positions = found.map(({ position }) => position);
  const changed = { ...chosen, images: outcome.adversarial.slice(0, chosen.count * imageSize(chosen.shape)) };
  const distortions = found.map(({ distortion }) => distortion);
  const of = (label: number) => meanOf(found.filter((each) => each.label === label).map((each) => each.distortion));
  const distortion = meanOf(distortions);
  return {
    attacked: chosen.count,
    found: found.length,
    distortion,
    carDistortion: of(1),
    otherDistortion: of(0),
    noiseError: await errorOf(bytes, withNoise(chosen, distortion ?? 0, seed)),
    png: await figure6Png(selectImages(chosen, positions), selectImages(changed, positions), distortions),
  };
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : average(values);
}

/** Of the features that the logistic layer reads, by CIFAR-10's ten classes. */
async function unitsOf(
  { settings: { seed }, signal }: Study,
  bytes: Uint8Array,
  images: ImageSet,
): Promise<{ inspection: Quocnet['units']; png: Uint8Array }> {
  const layer = intermediateValues(readModel(bytes)).find(({ op }) => op === 'Flatten')?.name;
  if (layer === undefined) throw new TypeError('QuocNet has no top features');
  const inspection = await inspectUnits(bytes, images, { layer, seed, signal, createSession });
  const png = await unitFigurePng(inspection, images, { title: 'QuocNet: top features' });
  const { natural: _natural, random: _random, shown: _shown, ...rest } = inspection;
  return { inspection: rest, png };
}
