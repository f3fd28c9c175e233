/** Table 3: networks trained on disjoint halves of the training images. */
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
import { PAPER_TABLE_3 } from './paper_values.ts';
import { seededBlocks } from './seeds.ts';
import { type ShownRow, shownExamples } from './shown_examples.ts';
import { type Proportion, proportion } from './statistics.ts';
import { HALVES_MODELS } from './study_models.ts';

export interface Table3Row {
  readonly model: string;
  readonly trainedOn: string;
  readonly errorP1: Proportion;
  readonly errorP2: Proportion;
  readonly testError: Proportion;
  readonly distortion: number;
}

export interface Table3 {
  readonly images: number;
  readonly rows: readonly Table3Row[];
}

/** A column. */
const DISTORTION = 'av. min. distortion';

export const table3: Experiment<Table3> = {
  name: 'table3',
  title: 'Table 3: networks trained on disjoint halves',
  version: 2,
  models: HALVES_MODELS,
  seconds: 10,
  async run(study, tell) {
    const [p1, p2] = [await study.data('P1'), await study.data('P2')];
    const rows: Table3Row[] = [];
    const shown: ShownRow[] = [];
    for (const [i, name] of HALVES_MODELS.entries()) {
      tell(i / HALVES_MODELS.length, `errors of ${name}`);
      const model = await study.model(name);
      const { testError = Number.NaN, data } = model.record;
      const { originals, adversarial, distortion } = await study.distorted(name, 'test');
      const examples = await shownExamples([model], originals, adversarial);
      shown.push({ row: model.label, column: DISTORTION, examples });
      rows.push({
        model: model.label,
        trainedOn: name.slice(-2),
        errorP1: await study.errorOn(model, p1),
        errorP2: await study.errorOn(model, p2),
        testError: proportion(Math.round(testError * (data.testCount ?? 0)), data.testCount ?? 0),
        distortion,
      });
    }
    return { result: { images: study.settings.images, rows }, shown: { table: 3, models: [], rows: shown } };
  },
  render: renderTable3,
  renderSeeds,
};

function renderSeeds(results: readonly Table3[]): Block[] {
  const models = results[0]?.rows.map(({ model }) => model) ?? [];
  return seededBlocks(
    'Table 3',
    ['network', 'error on P1', 'error on P2', 'test error', DISTORTION],
    models.map((model, i) => {
      const paper = PAPER_TABLE_3[model];
      const of = (value: (row: Table3Row) => number) =>
        results.flatMap(({ rows }) => (rows[i] ? [value(rows[i])] : []));
      return {
        label: model,
        values: [
          { values: of((row) => row.errorP1.share), paper: paper?.errorP1, kind: 'share' },
          { values: of((row) => row.errorP2.share), paper: paper?.errorP2, kind: 'share' },
          { values: of((row) => row.testError.share), paper: paper?.testError, kind: 'share' },
          { values: of((row) => row.distortion), paper: paper?.distortion, kind: 'distortion' },
        ],
      };
    }),
  );
}

function renderTable3({ images, rows }: Table3): Block[] {
  return [
    paragraph(
      `P1 and P2 are disjoint halves of the training images, drawn by seed. The prime marks the network trained on P2. The distortion is the mean over the first ${images} test images that the network answers rightly.`,
    ),
    {
      kind: 'table',
      caption: 'Table 3. Errors (%) and average minimum distortion, ours (the paper’s).',
      columns: ['network', 'trained on', 'error on P1', 'error on P2', 'test error', DISTORTION],
      rows: rows.map((row) => {
        const paper = PAPER_TABLE_3[row.model];
        return {
          label: row.model,
          cells: [
            { ours: row.trainedOn },
            percentCell(row.errorP1, paper?.errorP1),
            percentCell(row.errorP2, paper?.errorP2),
            percentCell(row.testError, paper?.testError),
            distortionCell(row.distortion, paper?.distortion),
          ],
        };
      }),
    },
    claimsBlock(table3Claims(rows)),
  ];
}

export function table3Claims(rows: readonly Table3Row[]): Claim[] {
  const own = rows.map(({ trainedOn, errorP1, errorP2 }) => (trainedOn === 'P1' ? errorP1 : errorP2));
  const other = rows.map(({ trainedOn, errorP1, errorP2 }) => (trainedOn === 'P1' ? errorP2 : errorP1));
  const fits = own.filter(({ share }) => share <= 0.001);
  const worse = rows.filter(({ model, testError }) => testError.share > (PAPER_TABLE_3[model]?.testError ?? 1) + 0.005);
  return [
    {
      claim: 'Each network learns its half by heart and errs on 2 to 2.5 % of the other.',
      verdict: verdictOf(fits.length, rows.length),
      finding: `Ours err on ${enumerate(own.map(({ share }) => percent(share)))} % of their own half and on ${enumerate(other.map(({ share }) => percent(share)))} % of the other.`,
    },
    {
      claim: 'Half the data gives a test error of 2 to 2.1 % (within 0.5 points).',
      verdict: verdictOf(rows.length - worse.length, rows.length),
      finding: `Ours: ${enumerate(rows.map(({ testError }) => percent(testError.share)))} %.`,
    },
  ];
}
