/** Table 2: do images distorted for one model fool the others? */
import { takeImages } from '../data/image_set.ts';
import { withNoise } from './distortions.ts';
import { type Block, type Claim, claimsBlock, enumerate, paragraph, percent, verdictOf } from './document.ts';
import type { Experiment } from './experiment.ts';
import { PAPER_TABLE_1, PAPER_TABLE_2 } from './paper_values.ts';
import { type ShownRow, shownExamples } from './shown_examples.ts';
import { TABLE_1_MODELS } from './study_models.ts';
import { brokenDiagonal, errorsOf, seededTransfer, type TransferRow, transferTableRows } from './transfer.ts';

export interface Table2 {
  readonly images: number;
  readonly columns: readonly string[];
  readonly rows: readonly TransferRow[];
}

const NOISE = [0.1, 0.3];

export const table2: Experiment<Table2> = {
  name: 'table2',
  title: 'Table 2: examples for one model fool another',
  version: 2,
  models: TABLE_1_MODELS,
  seconds: 15,
  async run(study, tell) {
    const models = await study.models(TABLE_1_MODELS);
    const rows: TransferRow[] = [];
    const shown: ShownRow[] = [];
    for (const [own, model] of models.entries()) {
      tell(own / models.length, `examples for ${model.label} shown to the others`);
      const { originals, adversarial, distortion } = await study.distorted(model.name, 'train');
      const errors = await errorsOf(study, models, adversarial);
      shown.push({ row: model.label, examples: await shownExamples(models, originals, adversarial) });
      rows.push({ key: model.label, label: model.label, errors, distortion, own });
    }
    const train = await study.data('train');
    const clean = takeImages(train, Math.min(study.settings.images, train.count));
    for (const stddev of NOISE) {
      const label = `Gaussian noise, stddev ${stddev}`;
      const noisy = withNoise(clean, stddev, study.settings.seed);
      shown.push({ row: label, examples: await shownExamples(models, clean, noisy) });
      rows.push({
        key: `noise ${stddev}`,
        label,
        errors: await errorsOf(study, models, noisy),
        distortion: stddev,
        own: null,
      });
    }
    rows.push({
      key: 'clean',
      label: 'undistorted',
      errors: await errorsOf(study, models, clean),
      distortion: 0,
      own: null,
    });
    const columns = models.map(({ label }) => label);
    return {
      result: { images: study.settings.images, columns, rows },
      shown: { table: 2, models: columns, rows: shown },
    };
  },
  render: renderTable2,
  renderSeeds: (results) => seededTransfer('Table 2', results, PAPER_TABLE_2),
};

function renderTable2({ images, columns, rows }: Table2): Block[] {
  return [
    paragraph(
      `Error (%) of the column's model on training images distorted for the row's: the first ${images} that the row's model answers rightly, each changed as little as will make it answer a random wrong class. The diagonal is judged anew by the saved model. Noise is not clipped to [0, 1]. The last row, which the paper lacks, is what the columns' models get wrong without any change.`,
    ),
    {
      kind: 'table',
      caption: 'Table 2. Error (%) of the column’s model on images distorted for the row’s, ours (the paper’s).',
      columns: ['distorted for', ...columns, 'av. distortion'],
      rows: transferTableRows(rows, PAPER_TABLE_2, ['noise 0.1', 'clean']),
    },
    claimsBlock(table2Claims({ images, columns, rows })),
  ];
}

/** The paper's statements on table 2, judged by the rows. */
export function table2Claims({ columns, rows }: Table2): Claim[] {
  const crafted = rows.filter(({ own }) => own !== null);
  const noise = rows.find(({ key }) => key === 'noise 0.1');
  const broken = brokenDiagonal(rows);
  const off = crafted.flatMap((row) =>
    row.errors.flatMap((error, column) =>
      column === row.own ? [] : [{ row, column, error, noise: noise?.errors[column] }],
    ),
  );
  const above = off.filter(({ error, noise: base }) => base !== undefined && error.share > base.share);
  const clearly = off.filter(({ error, noise: base }) => base !== undefined && error.low > base.high);
  const shares = off.map(({ error }) => error.share);
  const order = rankCorrelation(
    off.map(({ error }) => error.share),
    off.map(({ row, column }) => PAPER_TABLE_2[row.key]?.[column] ?? 0),
  );
  const linear = [0, 1, 2];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const deep = off.filter(({ row, column }) => column > 2 && row.own !== null && row.own > 2);
  const fromLinear = off.filter(({ row, column }) => column > 2 && row.own !== null && linear.includes(row.own));
  const claims: Claim[] = [
    {
      claim: 'Every image distorted for a model is answered wrongly by it.',
      verdict: verdictOf(crafted.length - broken.length, crafted.length),
      finding:
        broken.length === 0 ? 'The diagonal is 100 %.' : `Not for ${enumerate(broken.map(({ label }) => label))}.`,
    },
    {
      claim: 'A relatively large share of the examples fools models of other sizes, hyper-parameters and training.',
      verdict: verdictOf(above.length, off.length),
      finding: `Off the diagonal ${percent(Math.min(...shares))} to ${percent(Math.max(...shares))} % are answered wrongly; in ${above.length} of ${off.length} cells more than under Gaussian noise of stddev 0.1 (in ${clearly.length} the intervals are apart), though the noise changes the images more or as much.`,
    },
  ];
  if (deep.length > 0 && fromLinear.length > 0) {
    const [own, other] = [mean(deep.map(({ error }) => error.share)), mean(fromLinear.map(({ error }) => error.share))];
    const stronger = rows.filter(({ own: place }) => place === 1 || place === 2);
    const distortions = stronger.map(({ distortion }) => distortion ?? 0);
    claims.push({
      claim: 'Examples for strongly regularised linear models carry over to deep ones most of all.',
      verdict: other > own ? 'holds' : 'does not hold',
      finding: `The three networks err on ${percent(other)} % of the examples for linear models on average, on ${percent(own)} % of those for each other; those for FC10(1e-2) and FC10(1) also change the images most (${enumerate(distortions.map((value) => value.toFixed(3)))}).`,
    });
  }
  claims.push({
    claim: 'The same pairs of models share their mistakes as in the paper.',
    verdict: order > 0.7 ? 'holds' : order > 0.3 ? 'holds in part' : 'does not hold',
    finding: `Ordered by size, our ${off.length} cells off the diagonal agree with the paper’s to a rank correlation of ${order.toFixed(2)}. Distortions, ours against the paper’s: ${columns
      .map(
        (column) =>
          `${column} ${rows.find(({ key }) => key === column)?.distortion?.toFixed(3) ?? '–'} against ${PAPER_TABLE_1[column]?.distortion ?? '–'}`,
      )
      .join(', ')}.`,
  });
  return claims;
}

/** Spearman's rank correlation: Pearson's over the ranks, equal values at their mean rank. */
function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (x.length - 1) / 2;
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (const [i, rank] of x.entries()) {
    const [p, q] = [rank - middle, (y[i] ?? 0) - middle];
    xy += p * q;
    xx += p * p;
    yy += q * q;
  }
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}

function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal - 1) / 2;
  });
}
