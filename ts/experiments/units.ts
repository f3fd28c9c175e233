/**
 * Section 3, figures 1 and 2: are single units more meaningful than random directions of the same layer? The paper shows
 * images; here the purity of their labels is measured over all units, too.
 */
import { type InspectOptions, inspectUnits, type UnitInspection } from '../analysis/units/inspect_units.ts';
import type { PurityComparison } from '../analysis/units/label_purity.ts';
import { unitFigurePng } from '../analysis/units/unit_figure.ts';
import { readModel } from '../onnx/read_model.ts';
import { intermediateValues } from '../onnx/slice_model.ts';
import { createSession } from '../runtime/node_session.ts';
import { type Block, type Claim, claimsBlock, enumerate, paragraph, percent, verdictOf } from './document.ts';
import type { Experiment } from './experiment.ts';
import { purityTable } from './purity_table.ts';
import type { StudyModelName } from './study_models.ts';

export interface InspectedLayer extends Omit<UnitInspection, 'natural' | 'random'> {
  readonly model: string;
  /** What people call it. */
  readonly place: string;
  readonly figure: string;
}

export interface Units {
  readonly images: number;
  readonly layers: readonly InspectedLayer[];
}

interface Place {
  readonly model: StudyModelName;
  readonly place: string;
  /** The layer is what this operator makes, */
  readonly op: string;
  /** where it does so for the first (0), second (1) or last (-1) time. */
  readonly index: number;
  readonly view?: NonNullable<InspectOptions['view']>;
}

const PLACES: readonly Place[] = [
  { model: 'convnet', place: 'last convolution, pooled', op: 'MaxPool', index: -1 },
  { model: 'FC100-100-10', place: 'hidden layer 1', op: 'Sigmoid', index: 0 },
  { model: 'FC100-100-10', place: 'hidden layer 2', op: 'Sigmoid', index: 1 },
  { model: 'AE400-10', place: 'codes', op: 'Sigmoid', index: 0 },
];

const TOP = 10;

export const units: Experiment<Units> = {
  name: 'units',
  aliases: ['figure1', 'figure2'],
  title: 'Figures 1 and 2: units against random directions (section 3)',
  version: 3,
  parameters: { places: PLACES, top: TOP },
  models: [...new Set(PLACES.map(({ model }) => model))],
  seconds: 20,
  async run(study, tell) {
    const images = await study.data('test');
    const layers: InspectedLayer[] = [];
    const figures: Record<string, Uint8Array> = {};
    for (const [i, { model: name, place, op, index, view }] of PLACES.entries()) {
      const model = await study.model(name);
      const layer = intermediateValues(readModel(model.bytes))
        .filter((value) => value.op === op)
        .at(index)?.name;
      if (layer === undefined) throw new TypeError(`${name} has no ${op}`);
      const inspection = await inspectUnits(model.bytes, images, {
        layer,
        ...(view === undefined ? {} : { view }),
        top: TOP,
        seed: study.settings.seed,
        createSession,
        signal: study.signal,
        onProgress: (done, total) => tell((i + done / total) / PLACES.length, `units of ${name}, ${place}`),
      });
      const figure = `units_${i + 1}.png`;
      const title = `${model.label}: ${place}`;
      figures[figure] = await unitFigurePng(inspection, images, { title });
      const { natural: _natural, random: _random, ...rest } = inspection;
      layers.push({ ...rest, model: model.label, place, figure });
    }
    return { result: { images: images.count, layers }, figures };
  },
  render: renderUnits,
};

function renderUnits({ images, layers }: Units): Block[] {
  return [
    paragraph(
      `For a unit, the ${TOP} of ${images.toLocaleString('en-GB')} test images that it answers to most; beside it the same for a random direction, uniform on the sphere, of the same layer. Units and directions shown are drawn by seed. The numbers that the paper lacks: the label purity, the share of the commonest digit among the ${TOP}, and the area under its curve, the mean of the purities of the first 1, 2, … ${layers[0]?.area.depth ?? ''} images; means over all units that are not dead and over as many directions, with bootstrap intervals of the differences. Of a convolution's layer the channels are the units, as ${layers[0] ? `[${layers[0].shape.join(', ')}] in ${layers[0].model}` : 'they stand'}. Sparsity (Vinje & Gallant 2000) is 0 when all values of the layer are as large, 1 when a single one is not 0: a sparse layer has its own basis.`,
    ),
    purityTable(layers.map((layer) => ({ ...layer, label: `${layer.model}, ${layer.place}` }))),
    claimsBlock(unitsClaims(layers)),
    ...layers.map(
      ({ model, place, figure }, i): Block => ({
        kind: 'figure',
        file: figure,
        alt: `Eight rows of ten digits: four units and four random directions of ${model}, ${place}.`,
        caption: `${i === 0 ? 'Figures 1 and 2. ' : ''}${model}, ${place}: test images that move four units most (above) and four random directions (below).`,
      }),
    ),
  ];
}

/** Whether units are purer (1), directions (-1), or neither can be told (0). */
function sign({ distinguishable, difference }: PurityComparison): number {
  return distinguishable ? Math.sign(difference) : 0;
}

/** The paper's statements of section 3, judged by purity. */
export function unitsClaims(layers: readonly Pick<InspectedLayer, 'model' | 'place' | 'purity' | 'area'>[]): Claim[] {
  const named = (chosen: typeof layers) => enumerate(chosen.map(({ model, place }) => `${model} (${place})`));
  const alike = layers.filter(({ purity }) => !purity.distinguishable);
  const purer = layers.filter(({ purity }) => purity.distinguishable && purity.difference > 0);
  const less = layers.filter(({ purity }) => purity.distinguishable && purity.difference < 0);
  const sameByArea = layers.filter(({ purity, area }) => sign(purity) === sign(area));
  const meaningful = layers.filter(({ purity }) => purity.random > purity.chance);
  const parts = [
    ...(alike.length > 0 ? [`no difference can be told in ${named(alike)}`] : []),
    ...(purer.length > 0 ? [`units are purer in ${named(purer)}`] : []),
    ...(less.length > 0 ? [`directions are purer in ${named(less)}`] : []),
  ];
  return [
    {
      claim: 'Random directions look as meaningful as single units.',
      verdict: verdictOf(alike.length + less.length, layers.length),
      finding: `By label purity, ${parts.join('; ')}; the area under its curve says the same in ${sameByArea.length} of ${layers.length} layers.`,
    },
    {
      claim: 'Images that share a random direction share meaning.',
      verdict: verdictOf(meaningful.length, layers.length),
      finding: `The top images of directions have a purity of ${enumerate(layers.map(({ purity }) => percent(purity.random)))} %, images at random ${layers[0] ? percent(layers[0].purity.chance) : ''} %.`,
    },
  ];
}
