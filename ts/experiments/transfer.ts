/** How often models err on examples that were made for another one: tables 2 and 4. */
import type { ImageSet } from '../data/image_set.ts';
import { type Block, percentCell, type Row } from './document.ts';
import { seededBlocks } from './seeds.ts';
import type { Proportion } from './statistics.ts';
import type { Study, TrainedStudyModel } from './study.ts';

export interface TransferRow {
  /** As the paper's values are looked up. */
  readonly key: string;
  readonly label: string;
  /** Error of each column's model. */
  readonly errors: readonly Proportion[];
  /** Mean distortion of the images; null where there is none. */
  readonly distortion: number | null;
  /** Column whose model the images were made for. */
  readonly own: number | null;
}

export async function errorsOf(
  study: Study,
  models: readonly TrainedStudyModel[],
  images: ImageSet,
): Promise<Proportion[]> {
  const errors: Proportion[] = [];
  for (const model of models) errors.push(await study.errorOn(model, images));
  return errors;
}

/** @param paper the paper's errors by row, in the order of the columns. */
export function transferTableRows(
  rows: readonly TransferRow[],
  paper: Readonly<Record<string, readonly number[]>>,
  ruledBefore: readonly string[],
): Row[] {
  return rows.map(({ key, label, errors, distortion, own }) => ({
    label,
    ruled: ruledBefore.includes(key),
    cells: [
      ...errors.map((error, column) => percentCell(error, paper[key]?.[column], column === own)),
      { ours: distortion === null ? '–' : distortion.toFixed(3) },
    ],
  }));
}

/** Diagonal cells that are below 100 %. */
export function brokenDiagonal(rows: readonly TransferRow[]): TransferRow[] {
  return rows.filter(({ errors, own }) => own !== null && errors[own]?.share !== 1);
}

/** Tables 2 and 4 over several seeds; the diagonal, 100 % by its making, is left out of the comparison. */
export function seededTransfer(
  table: string,
  results: readonly { readonly columns: readonly string[]; readonly rows: readonly TransferRow[] }[],
  paper: Readonly<Record<string, readonly number[]>>,
): Block[] {
  const [first] = results;
  if (first === undefined) return [];
  return seededBlocks(
    table,
    ['images', ...first.columns],
    first.rows.map(({ key, label, own, errors }, row) => ({
      label,
      values: errors.map((_, column) => ({
        values: results.map(({ rows }) => rows[row]?.errors[column]?.share ?? Number.NaN),
        paper: column === own ? undefined : paper[key]?.[column],
        kind: 'share',
      })),
    })),
  );
}
