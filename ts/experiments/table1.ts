/** Table 1: the models, their errors, and how little must change for them to be wrong. */
import {
  type Block,
  type Claim,
  claimsBlock,
  distortionCell,
  enumerate,
  paragraph,
  percent,
  percentCell,
  verdictOf,
} from './document.ts';
import type { Experiment } from './experiment.ts';
import { PAPER_TABLE_1 } from './paper_values.ts';
import { seededBlocks } from './seeds.ts';
import { type ShownRow, shownExamples } from './shown_examples.ts';
import { type Proportion, proportion } from './statistics.ts';
import { TABLE_1_MODELS } from './study_models.ts';

export interface Table1Row {
  readonly model: string;
  readonly trainError: Proportion;
  readonly testError: Proportion;
  /** Mean over the images; targeted at a random wrong class, and at any. */
  readonly distortion: number;
  readonly untargetedDistortion: number;
  readonly attacked: number;
  readonly found: number;
}

export interface Table1 {
  readonly images: number;
  readonly rows: readonly Table1Row[];
}

/** Columns. */
const RANDOM_CLASS = 'av. min. distortion, random class';
const ANY_CLASS = 'any class';

export const table1: Experiment<Table1> = {
  name: 'table1',
  title: 'Table 1: models and their nearest mistakes',
  version: 2,
  models: TABLE_1_MODELS,
  seconds: 15,
  async run(study, tell) {
    const rows: Table1Row[] = [];
    const shown: ShownRow[] = [];
    for (const [i, name] of TABLE_1_MODELS.entries()) {
      const model = await study.model(name);
      const within = (share: number, text: string) => tell((i + share) / TABLE_1_MODELS.length, text);
      const targeted = await study.distorted(name, 'train', 'random', (share, text) => within(share / 2, text));
      const any = await study.distorted(name, 'train', 'none', (share, text) => within(0.5 + share / 2, text));
      for (const [column, { originals, adversarial }] of [
        [RANDOM_CLASS, targeted],
        [ANY_CLASS, any],
      ] as const) {
        shown.push({ row: model.label, column, examples: await shownExamples([model], originals, adversarial) });
      }
      const { data, trainError, testError = Number.NaN } = model.record;
      rows.push({
        model: model.label,
        trainError: proportion(Math.round(trainError * data.trainCount), data.trainCount),
        testError: proportion(Math.round(testError * (data.testCount ?? 0)), data.testCount ?? 0),
        distortion: targeted.distortion,
        untargetedDistortion: any.distortion,
        attacked: targeted.attacked,
        found: targeted.distortions.length,
      });
    }
    return { result: { images: study.settings.images, rows }, shown: { table: 1, models: [], rows: shown } };
  },
  render: renderTable1,
  renderSeeds,
};

function renderSeeds(results: readonly Table1[]): Block[] {
  const models = results[0]?.rows.map(({ model }) => model) ?? [];
  return seededBlocks(
    'Table 1',
    ['model', 'training error', 'test error', RANDOM_CLASS, ANY_CLASS],
    models.map((model, i) => {
      const paper = PAPER_TABLE_1[model];
      const of = (value: (row: Table1Row) => number) =>
        results.flatMap(({ rows }) => (rows[i] ? [value(rows[i])] : []));
      return {
        label: model,
        values: [
          { values: of((row) => row.trainError.share), paper: paper?.trainError, kind: 'share' },
          { values: of((row) => row.testError.share), paper: paper?.testError, kind: 'share' },
          { values: of((row) => row.distortion), paper: paper?.distortion, kind: 'distortion' },
          { values: of((row) => row.untargetedDistortion), paper: undefined, kind: 'distortion' },
        ],
      };
    }),
  );
}

function renderTable1({ images, rows }: Table1): Block[] {
  return [
    paragraph(
      `Ours beside the paper's in parentheses; errors in percent, with 95 % intervals of what so many images can tell. The distortion is the mean over the first ${images} training images that the model answers rightly, each changed as little as will make the model answer a random wrong class; beside it the same for any wrong class. Weight decay is read as ½λ·Σw².`,
    ),
    {
      kind: 'table',
      caption: 'Table 1. Errors (%) and average minimum distortion, ours (the paper’s).',
      columns: ['model', 'training error', 'test error', RANDOM_CLASS, ANY_CLASS],
      rows: rows.map((row) => {
        const paper = PAPER_TABLE_1[row.model];
        return {
          label: row.model,
          cells: [
            percentCell(row.trainError, paper?.trainError),
            percentCell(row.testError, paper?.testError),
            distortionCell(row.distortion, paper?.distortion),
            distortionCell(row.untargetedDistortion),
          ],
        };
      }),
    },
    claimsBlock(table1Claims(rows)),
  ];
}

/** The paper's statements on table 1, judged by the rows. */
export function table1Claims(rows: readonly Table1Row[]): Claim[] {
  const by = new Map(rows.map((row) => [row.model, row]));
  const attacked = rows.reduce((sum, row) => sum + row.attacked, 0);
  const found = rows.reduce((sum, row) => sum + row.found, 0);
  const worse = rows.filter(({ model, testError }) => {
    const paper = PAPER_TABLE_1[model]?.testError ?? 1;
    return testError.share > paper + (model === 'FC10(1)' ? 0.02 : 0.005);
  });
  const claims: Claim[] = [
    {
      claim: 'For every network and every image an adversarial example is found.',
      verdict: verdictOf(found, attacked),
      finding: `${found} of ${attacked} searches found one.`,
    },
    {
      claim: 'The models are as good as the paper’s (test error within 0.5 points, FC10(1) within 2).',
      verdict: verdictOf(rows.length - worse.length, rows.length),
      finding:
        worse.length === 0
          ? 'All are.'
          : `${enumerate(worse.map(({ model, testError }) => `${model} (${percent(testError.share)} %)`))} ${worse.length === 1 ? 'is' : 'are'} not.`,
    },
  ];
  const order = ['FC100-100-10', 'FC10(1e-2)', 'FC10(1)'].map((name) => by.get(name));
  const [small, middle, large] = order;
  if (small && middle && large) {
    const steps = [small.distortion < middle.distortion, middle.distortion < large.distortion];
    claims.push({
      claim: 'Stronger weight decay asks for larger changes: FC100-100-10 < FC10(1e-2) < FC10(1).',
      verdict: verdictOf(steps.filter(Boolean).length, 2),
      finding: `${small.distortion.toFixed(3)}, ${middle.distortion.toFixed(3)}, ${large.distortion.toFixed(3)}.`,
    });
  }
  const smaller = rows.filter(({ model, distortion }) => distortion < (PAPER_TABLE_1[model]?.distortion ?? 0));
  if (rows.length > 0) {
    const ratios = rows.map(({ model, distortion }) => distortion / (PAPER_TABLE_1[model]?.distortion ?? distortion));
    claims.push({
      claim: 'The distortions found are minimal.',
      verdict: verdictOf(smaller.length, rows.length),
      finding: `Ours are ${percent(Math.min(...ratios))} to ${percent(Math.max(...ratios))} % of the paper’s: ${smaller.length} of ${rows.length} smaller, for networks that differ in their training.`,
    });
  }
  return claims;
}
