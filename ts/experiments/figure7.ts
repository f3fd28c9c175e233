/** Figure 7: images that a network gets wrong to the last one, beside noise that nobody can read and it can. */
import { type ImageSet, imageAt, takeImages } from '../data/image_set.ts';
import { type GridRow, imageGridPng } from '../report/image_grid.ts';
import { imageLayout, toPicture } from '../report/picture.ts';
import { encodePng } from '../report/pixels.ts';
import { clipped, withNoise } from './distortions.ts';
import { type Block, type Claim, claimsBlock, paragraph, percent, percentCell } from './document.ts';
import type { Experiment } from './experiment.ts';
import { PAPER_NOISE_1_ACCURACY } from './paper_values.ts';
import { type Proportion, proportion } from './statistics.ts';

export interface Figure7Row {
  readonly model: string;
  readonly distortion: number;
  readonly adversarialAccuracy: Proportion;
  readonly noiseAccuracy: Proportion;
  readonly cleanAccuracy: Proportion;
}

export interface Figure7 {
  readonly images: number;
  readonly rows: readonly Figure7Row[];
}

const MODELS = ['FC10(1e-4)', 'FC10(1)', 'FC100-100-10', 'AE400-10'] as const;
const NOISE = 1;
const PAIRS = 5;

export const figure7: Experiment<Figure7> = {
  name: 'figure7',
  title: 'Figure 7: adversarial digits beside noise',
  version: 1,
  models: MODELS,
  seconds: 8,
  async run(study, tell) {
    const train = await study.data('train');
    const clean = takeImages(train, Math.min(train.count, 10 * study.settings.images));
    const noisy = withNoise(clean, NOISE, study.settings.seed);
    const rows: Figure7Row[] = [];
    const pictures: GridRow[] = [];
    for (const [i, name] of MODELS.entries()) {
      tell(i / MODELS.length, `figure 7: ${name}`);
      const model = await study.model(name);
      const { originals, adversarial, distortion } = await study.distorted(name, 'train');
      const wrong = await study.errorOn(model, adversarial);
      rows.push({
        model: model.label,
        distortion,
        adversarialAccuracy: complement(wrong),
        noiseAccuracy: complement(await study.errorOn(model, noisy)),
        cleanAccuracy: complement(await study.errorOn(model, clean)),
      });
      pictures.push({
        label: [model.label, `accuracy ${percent(1 - wrong.share)} %`],
        cells: await pairs(originals, adversarial),
      });
    }
    const shared = clipped(takeImages(noisy, Math.min(noisy.count, PAIRS)));
    const noise = rows.find(({ model }) => model === 'FC100-100-10')?.noiseAccuracy.share ?? 0;
    pictures.push({
      label: ['Gaussian noise, stddev 1', `accuracy ${percent(noise)} %`],
      cells: await pairs(takeImages(clean, shared.count), shared),
    });
    const columnLabels = Array.from({ length: 2 * PAIRS }, (_, i) => (i % 2 === 0 ? 'image' : 'changed'));
    const png = imageGridPng({ rows: pictures, cellSize: 84, columnLabels });
    return { result: { images: study.settings.images, rows }, figures: { 'figure7.png': png } };
  },
  render: renderFigure7,
};

async function pairs(originals: ImageSet, changed: ImageSet): Promise<GridRow['cells']> {
  const layout = imageLayout(originals.shape);
  const cells: { png: Uint8Array }[] = [];
  for (let i = 0; i < Math.min(PAIRS, originals.count); i++) {
    for (const set of [originals, changed]) cells.push({ png: await encodePng(toPicture(imageAt(set, i), layout)) });
  }
  return cells;
}

function complement({ count, of }: Proportion): Proportion {
  return proportion(of - count, of);
}

function renderFigure7({ images, rows }: Figure7): Block[] {
  return [
    {
      kind: 'figure',
      file: 'figure7.png',
      alt: 'Rows of digits, each beside its changed form: for four models barely visible changes, in the last row noise that hides the digit.',
      caption:
        'Figure 7. Training images and their nearest mistakes, a row for each model; last row: Gaussian noise of stddev 1 (drawn cut off to [0, 1]), with the accuracy of FC100-100-10.',
    },
    {
      kind: 'table',
      caption: `Accuracy (%) on ${images} adversarial images a model and on noisy training images, ours (the paper’s).`,
      columns: ['model', 'undistorted', 'adversarial', 'av. distortion', 'noise, stddev 1'],
      rows: rows.map((row) => ({
        label: row.model,
        cells: [
          percentCell(row.cleanAccuracy),
          percentCell(row.adversarialAccuracy, 0),
          { ours: row.distortion.toFixed(3) },
          percentCell(row.noiseAccuracy, row.model === 'FC100-100-10' ? PAPER_NOISE_1_ACCURACY : undefined),
        ],
      })),
    },
    paragraph('The paper gives one accuracy under noise, 51 %, without saying whose; it stands beside FC100-100-10.'),
    claimsBlock(figure7Claims(rows)),
  ];
}

/** The paper's statement on figure 7. */
export function figure7Claims(rows: readonly Figure7Row[]): Claim[] {
  const fooled = rows.every(({ adversarialAccuracy }) => adversarialAccuracy.count === 0);
  const above = rows.filter(({ noiseAccuracy }) => noiseAccuracy.low > 0.1);
  const accuracies = rows.map(({ model, noiseAccuracy }) => `${model} ${percent(noiseAccuracy.share)} %`);
  return [
    {
      claim: 'Changes that nobody sees bring accuracy to 0 %, while noise that nobody can read through leaves 51 %.',
      verdict:
        fooled && above.length === rows.length
          ? 'holds'
          : fooled || above.length > 0
            ? 'holds in part'
            : 'does not hold',
      finding: `${fooled ? 'All adversarial images are answered wrongly' : 'Some adversarial images are answered rightly'}; under noise the models keep ${accuracies.join(', ')} (guessing: 10 %).`,
    },
  ];
}
