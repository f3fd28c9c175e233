import { expect, test } from 'vitest';
import { isWithinSpread, type SeededRow, seededBlocks, spreadClaim } from './seeds.ts';
import { meanOfRuns } from './statistics.ts';

test('another seed lies in the prediction interval, wider than the mean’s', () => {
  const runs = meanOfRuns([0.016, 0.018, 0.017, 0.019, 0.015]);
  // 0.017 ± 2.776 · 0.00158 · √1.2
  expect(isWithinSpread(runs, 0.0217, 0)).toBe(true);
  expect(isWithinSpread(runs, 0.0219, 0)).toBe(false);
  expect(isWithinSpread(runs, 0.0219, 0.0005)).toBe(true);
  expect(isWithinSpread(meanOfRuns([0.017]), 0.017, 1)).toBe(false);
});

const rows: SeededRow[] = [
  {
    label: 'M',
    values: [
      { values: [0.016, 0.018, 0.017], paper: 0.0164, kind: 'share' },
      { values: [0.05, 0.051, 0.052], paper: 0.09, kind: 'distortion' },
      { values: [0.3, 0.31, 0.32], paper: undefined, kind: 'share' },
    ],
  },
];

test('cells are mean ± standard deviation beside the paper’s', () => {
  const table = seededBlocks('Table 9', ['model', 'a', 'b', 'c'], rows).find(({ kind }) => kind === 'table');
  expect(table).toMatchObject({
    caption: 'Table 9 over 3 seeds, ours (the paper’s).',
    rows: [
      {
        label: 'M',
        cells: [
          { ours: '1.70 ± 0.10', paper: '1.64' },
          { ours: '0.0510 ± 0.0010', paper: '0.09' },
          { ours: '31.00 ± 1.00' },
        ],
      },
    ],
  });
});

test('the paper’s numbers are judged by the spread', () => {
  expect(spreadClaim('Table 9', 3, rows)).toMatchObject({ verdict: 'holds in part' });
  expect(spreadClaim('Table 9', 3, rows).finding).toContain('1 of 2 lie within');
});
