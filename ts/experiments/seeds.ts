/**
 * Numbers of several seeds: mean and standard deviation, and whether the paper's one number could be another seed's. Of n
 * seeds with mean m and standard deviation s, another one lies in m ± t·s·√(1 + 1/n) in 95 % of the cases (Student's t
 * with n − 1 degrees of freedom: a prediction interval).
 */
import { type Block, type Cell, type Claim, claimsBlock, paragraph, verdictOf } from './document.ts';
import { type MeanOfRuns, meanOfRuns } from './statistics.ts';

/** 97.5 % quantiles of Student's t for 1, 2, … degrees of freedom; beyond them that of the normal distribution. */
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131];
const T_OF_MANY = 1.96;

/** Whether it is no further from the mean than another seed would be. */
export function isWithinSpread({ values, mean, deviation }: MeanOfRuns, value: number, rounding: number): boolean {
  if (deviation === null) return false;
  const t = T[values.length - 2] ?? T_OF_MANY;
  return Math.abs(value - mean) <= t * deviation * Math.sqrt(1 + 1 / values.length) + rounding;
}

/** A number of each seed beside the paper's. */
export interface SeededValue {
  readonly values: readonly number[];
  readonly paper: number | undefined;
  /** Share (printed in percent), or distortion. */
  readonly kind: 'share' | 'distortion';
}

export interface SeededRow {
  readonly label: string;
  readonly values: readonly SeededValue[];
}

/** Half of the last digit that the paper prints. */
const ROUNDING = { share: 0.0005, distortion: 0.0005 } as const;

/**
 * The table of means, and the statement on the paper's numbers.
 * @param columns the first names the rows.
 */
export function seededBlocks(table: string, columns: readonly string[], rows: readonly SeededRow[]): Block[] {
  const seeds = rows[0]?.values[0]?.values.length ?? 0;
  return [
    paragraph(
      `The same with ${seeds} seeds, of weights, orders, halves, targets and noise: mean ± standard deviation, and the paper’s number.`,
    ),
    {
      kind: 'table',
      caption: `${table} over ${seeds} seeds, ours (the paper’s).`,
      columns,
      rows: rows.map(({ label, values }) => ({ label, cells: values.map(seededCell) })),
    },
    claimsBlock([spreadClaim(table, seeds, rows)]),
  ];
}

function seededCell({ values, paper, kind }: SeededValue): Cell {
  const { mean, deviation } = meanOfRuns(values);
  const print = (value: number) => (kind === 'share' ? (100 * value).toFixed(2) : value.toFixed(4));
  return {
    ours: `${print(mean)} ± ${print(deviation ?? 0)}`,
    ...(paper === undefined ? {} : { paper: String(kind === 'share' ? Number((100 * paper).toFixed(2)) : paper) }),
  };
}

export function spreadClaim(table: string, seeds: number, rows: readonly SeededRow[]): Claim {
  const compared = rows.flatMap(({ label, values }) =>
    values.flatMap(({ values: ours, paper, kind }) => (paper === undefined ? [] : [{ label, ours, paper, kind }])),
  );
  const within = compared.filter(({ ours, paper, kind }) => isWithinSpread(meanOfRuns(ours), paper, ROUNDING[kind]));
  return {
    claim: `${table}: the paper’s numbers could be those of another seed.`,
    verdict: verdictOf(within.length, compared.length),
    finding: `${within.length} of ${compared.length} lie within what another seed would give in 95 % of the cases, by the spread of ${seeds}.`,
  };
}
