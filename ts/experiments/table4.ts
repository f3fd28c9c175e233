/** Table 4: do images distorted for one network fool another that was trained on other images? */
import { takeImages } from '../data/image_set.ts';
import { amplified, clipped, meanDistortion, withNoise } from './distortions.ts';
import { type Block, type Claim, claimsBlock, enumerate, paragraph, percent, verdictOf } from './document.ts';
import type { Experiment } from './experiment.ts';
import { PAPER_TABLE_4 } from './paper_values.ts';
import { type ShownRow, shownExamples } from './shown_examples.ts';
import { average } from './statistics.ts';
import { HALVES_MODELS } from './study_models.ts';
import { brokenDiagonal, errorsOf, seededTransfer, type TransferRow, transferTableRows } from './transfer.ts';

export interface Table4 {
  readonly images: number;
  readonly columns: readonly string[];
  readonly rows: readonly TransferRow[];
  /** The amplified rows once more, cut off to [0, 1]. */
  readonly clippedRows: readonly TransferRow[];
}

const AMPLIFIED = 0.1;
const NOISE = [0.06, 0.1];

export const table4: Experiment<Table4> = {
  name: 'table4',
  title: 'Table 4: examples cross training sets',
  version: 3,
  models: HALVES_MODELS,
  seconds: 10,
  async run(study, tell) {
    const models = await study.models(HALVES_MODELS);
    const shown: ShownRow[] = [];
    const plain: TransferRow[] = [];
    const stronger: TransferRow[] = [];
    const clippedRows: TransferRow[] = [];
    for (const [own, { name, label }] of models.entries()) {
      tell(own / models.length, `examples for ${label} shown to the others`);
      const { originals, adversarial, distortion } = await study.distorted(name, 'test');
      const row = { own, key: label, label: `distorted for ${label}` };
      shown.push({ row: row.label, examples: await shownExamples(models, originals, adversarial) });
      plain.push({ ...row, errors: await errorsOf(study, models, adversarial), distortion });
      const magnified = amplified(originals, adversarial, AMPLIFIED);
      const loud = { own, key: `${label}, amplified`, label: `… for ${label}, amplified to ${AMPLIFIED}` };
      shown.push({ row: loud.label, examples: await shownExamples(models, originals, magnified) });
      const cut = clipped(magnified);
      const errors = await errorsOf(study, models, magnified);
      stronger.push({ ...loud, errors, distortion: meanDistortion(originals, magnified) });
      const distortionCut = meanDistortion(originals, cut);
      clippedRows.push({ ...loud, errors: await errorsOf(study, models, cut), distortion: distortionCut });
    }
    const test = await study.data('test');
    const clean = takeImages(test, Math.min(study.settings.images, test.count));
    const noise: TransferRow[] = [];
    for (const stddev of NOISE) {
      const label = `Gaussian noise, stddev ${stddev}`;
      const noisy = withNoise(clean, stddev, study.settings.seed);
      shown.push({ row: label, examples: await shownExamples(models, clean, noisy) });
      noise.push({
        key: `noise ${stddev}`,
        label,
        errors: await errorsOf(study, models, noisy),
        distortion: stddev,
        own: null,
      });
    }
    const undistorted: TransferRow = {
      key: 'clean',
      label: 'undistorted',
      errors: await errorsOf(study, models, clean),
      distortion: 0,
      own: null,
    };
    const rows = [...plain, ...noise.slice(0, 1), ...stronger, ...noise.slice(1), undistorted];
    const columns = models.map(({ name, label }) => `${label} (${name.slice(-2)})`);
    return {
      result: { images: study.settings.images, columns, rows, clippedRows },
      shown: { table: 4, models: columns, rows: shown },
    };
  },
  render: renderTable4,
  renderSeeds: (results) => seededTransfer('Table 4', results, PAPER_TABLE_4),
};

function renderTable4(result: Table4): Block[] {
  const { images, columns, rows, clippedRows } = result;
  const cut = clippedRows.flatMap(({ errors, own }) => errors.filter((_, column) => column !== own));
  const full = rows
    .filter(({ key }) => key.endsWith('amplified'))
    .flatMap(({ errors, own }) => errors.filter((_, column) => column !== own));
  return [
    paragraph(
      `Error (%) of the column's network on test images distorted for the row's: the first ${images} that the row's network answers rightly. “Amplified” means x + t·(x′ − x) with t such that the distortion is ${AMPLIFIED}, or as it is where that is more already; not cut off to [0, 1], as the paper's formula is not (its factor 0.1/‖x′ − x‖₂ would make most changes smaller, against its own text). Cut off, the errors off the diagonal are ${percent(average(cut.map(({ share }) => share)))} % on average instead of ${percent(average(full.map(({ share }) => share)))} %.`,
    ),
    {
      kind: 'table',
      caption: 'Table 4. Error (%) of the column’s network on images distorted for the row’s, ours (the paper’s).',
      columns: ['test images', ...columns, 'av. distortion'],
      rows: transferTableRows(rows, PAPER_TABLE_4, ['FC100-100-10, amplified', 'clean']),
    },
    claimsBlock(table4Claims(result)),
  ];
}

/** The paper's statements on table 4, judged by the rows. */
export function table4Claims({ columns, rows }: Pick<Table4, 'columns' | 'rows'>): Claim[] {
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const crafted = rows.filter(({ own }) => own !== null);
  const broken = brokenDiagonal(rows);
  const offDiagonal = (wanted: readonly TransferRow[]) =>
    wanted.flatMap((row) =>
      row.errors.flatMap((error, column) => (column === row.own ? [] : [{ row, column, error }])),
    );
  const plain = offDiagonal(crafted.filter(({ key }) => !key.endsWith('amplified')));
  const loud = offDiagonal(crafted.filter(({ key }) => key.endsWith('amplified')));
  const against = (cells: typeof plain, noise: string) =>
    cells.filter(({ column, error }) => error.share > (byKey.get(noise)?.errors[column]?.share ?? 1));
  const plainAbove = against(plain, 'noise 0.06');
  const loudAbove = against(loud, 'noise 0.1');
  const grown = loud.filter(
    ({ row, column, error }) =>
      error.share > (byKey.get(row.key.replace(', amplified', ''))?.errors[column]?.share ?? 1),
  );
  const range = (cells: typeof plain) => {
    const shares = cells.map(({ error }) => error.share);
    return `${percent(Math.min(...shares))} to ${percent(Math.max(...shares))} %`;
  };
  // P1 holds the first two columns, P2 the third.
  const sameHalf = loud.filter(({ row, column }) => column < 2 && row.own !== null && row.own < 2);
  const otherHalf = loud.filter((cell) => !sameHalf.includes(cell));
  const mean = (cells: typeof plain) => average(cells.map(({ error }) => error.share));
  return [
    {
      claim: 'Every image distorted for a network is answered wrongly by it, amplified too.',
      verdict: verdictOf(crafted.length - broken.length, crafted.length),
      finding:
        broken.length === 0
          ? 'The diagonal is 100 %.'
          : `Below 100 %: ${enumerate(broken.map(({ label, own, errors }) => `${label} ${percent(errors[own ?? 0]?.share ?? 0)} %`))}.`,
    },
    {
      claim: 'Examples stay hard for networks trained on entirely other images, though much less so.',
      verdict: verdictOf(plainAbove.length, plain.length),
      finding: `Off the diagonal ${range(plain)} are answered wrongly, in ${plainAbove.length} of ${plain.length} cells more than under noise of stddev 0.06.`,
    },
    {
      claim: 'Amplified to 0.1 they fool the other networks far more often, noise of the same size does not.',
      verdict: verdictOf(grown.length + loudAbove.length, 2 * loud.length),
      finding: `Then it is ${range(loud)} off the diagonal, more than before amplifying in ${grown.length} of ${loud.length} cells and more than under noise of stddev 0.1 in ${loudAbove.length}.`,
    },
    {
      claim: `Two networks trained on the same half (${columns.slice(0, 2).join(', ')}) share more than networks of different halves.`,
      verdict: mean(sameHalf) > mean(otherHalf) ? 'holds' : 'does not hold',
      finding: `Amplified: ${percent(mean(sameHalf))} % on average within P1, ${percent(mean(otherHalf))} % between the halves (the paper: 97 and 35.5 %).`,
    },
  ];
}
