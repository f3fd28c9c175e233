import { describe, expect, test } from 'vitest';
import { adversarialTrainingClaims } from './adversarial_training.ts';
import { figure7Claims } from './figure7.ts';
import { PAPER_TABLE_1, PAPER_TABLE_2, PAPER_TABLE_3, PAPER_TABLE_4 } from './paper_values.ts';
import { meanOfRuns, proportion } from './statistics.ts';
import { type Table1Row, table1Claims } from './table1.ts';
import { table2Claims } from './table2.ts';
import { table3Claims } from './table3.ts';
import { table4Claims } from './table4.ts';
import type { TransferRow } from './transfer.ts';
import { unitsClaims } from './units.ts';

const IMAGES = 256;
const share = (value: number) => proportion(Math.round(value * 10_000), 10_000);
const verdicts = (claims: readonly { verdict: string }[]) => claims.map(({ verdict }) => verdict);

/** The paper's own table. */
function transferRows(paper: Readonly<Record<string, readonly number[]>>): TransferRow[] {
  const columns = Object.values(paper)[0]?.length ?? 0;
  return Object.entries(paper).map(([key, errors], i) => ({
    key,
    label: key,
    errors: errors.map((error) => proportion(Math.round(error * IMAGES), IMAGES)),
    distortion: 0.1,
    own: key.startsWith('noise') ? null : key.endsWith('amplified') ? i - columns - 1 : i,
  }));
}

describe('table 1', () => {
  const rows = Object.entries(PAPER_TABLE_1).map(
    ([model, paper]): Table1Row => ({
      model,
      trainError: share(paper.trainError),
      testError: share(paper.testError),
      distortion: paper.distortion * 0.9,
      untargetedDistortion: paper.distortion / 2,
      attacked: IMAGES,
      found: IMAGES,
    }),
  );

  test('the paper’s numbers bear it out', () => {
    expect(verdicts(table1Claims(rows))).toEqual(['holds', 'holds', 'holds', 'holds']);
  });

  test('names what fails', () => {
    const worse = rows.map((row, i) =>
      i === 3 ? { ...row, testError: share(0.03), distortion: 0.2, found: IMAGES - 1 } : row,
    );
    const claims = table1Claims(worse);
    expect(verdicts(claims)).toEqual(['holds in part', 'holds in part', 'holds in part', 'holds in part']);
    expect(claims[0]?.finding).toContain('1535 of 1536');
    expect(claims[1]?.finding).toBe('FC100-100-10 (3.0 %) is not.');
  });
});

describe('table 2', () => {
  const columns = Object.keys(PAPER_TABLE_1);
  const rows = transferRows(PAPER_TABLE_2);

  test('the paper’s numbers bear it out, all but noise on linear models', () => {
    const claims = table2Claims({ images: IMAGES, columns, rows });
    expect(verdicts(claims)).toEqual(['holds', 'holds', 'holds', 'holds']);
    expect(claims[3]?.finding).toContain('rank correlation of 1.00');
  });

  test('a diagonal below 100 % is told', () => {
    const broken = rows.map((row) =>
      row.own === 1 ? { ...row, errors: row.errors.map(() => proportion(3, 4)) } : row,
    );
    const [diagonal] = table2Claims({ images: IMAGES, columns, rows: broken });
    expect(diagonal).toMatchObject({ verdict: 'holds in part', finding: 'Not for FC10(1e-2).' });
  });
});

test('table 3: the paper’s numbers bear it out', () => {
  const rows = Object.entries(PAPER_TABLE_3).map(([model, paper]) => ({
    model,
    trainedOn: model.endsWith('′') ? 'P2' : 'P1',
    errorP1: share(paper.errorP1),
    errorP2: share(paper.errorP2),
    testError: share(paper.testError),
    distortion: paper.distortion,
  }));
  expect(verdicts(table3Claims(rows))).toEqual(['holds', 'holds']);
});

test('table 4: the paper’s numbers bear it out', () => {
  const claims = table4Claims({ columns: Object.keys(PAPER_TABLE_3), rows: transferRows(PAPER_TABLE_4) });
  expect(verdicts(claims)).toEqual(['holds', 'holds', 'holds', 'holds']);
  expect(claims[3]?.finding).toContain('97.1 % on average within P1, 35.4 % between');
});

test('figure 7: noise may be read by chance alone', () => {
  const row = (noise: number, wrong: number) => ({
    model: 'FC100-100-10',
    distortion: 0.06,
    adversarialAccuracy: proportion(wrong, IMAGES),
    noiseAccuracy: proportion(noise, IMAGES),
    cleanAccuracy: proportion(IMAGES, IMAGES),
  });
  expect(figure7Claims([row(130, 0)])[0]?.verdict).toBe('holds');
  expect(figure7Claims([row(25, 0)])[0]?.verdict).toBe('holds in part');
  expect(figure7Claims([row(25, 3)])[0]?.verdict).toBe('does not hold');
});

describe('adversarial training', () => {
  const regimes = (decay: number, dropout: number, places: readonly [number, number, number]) => [
    { name: 'weight decay alone', kind: 'weight decay' as const, places: [], testError: meanOfRuns([decay]) },
    { name: 'dropout', kind: 'dropout' as const, places: [], testError: meanOfRuns([dropout]) },
    ...places.map((error, place) => ({
      name: `place ${place}`,
      kind: 'adversarial' as const,
      places: [place],
      testError: meanOfRuns([error]),
    })),
  ];

  test('the paper’s order', () => {
    const claims = adversarialTrainingClaims(regimes(0.016, 0.013, [0.014, 0.0125, 0.0115]));
    expect(verdicts(claims)).toEqual(['holds', 'holds', 'holds']);
    expect(claims[0]?.finding).toContain('place 2, reaches 1.15 %');
  });

  test('another order is told as it is', () => {
    const claims = adversarialTrainingClaims(regimes(0.018, 0.016, [0.017, 0.019, 0.02]));
    expect(verdicts(claims)).toEqual(['does not hold', 'holds in part', 'does not hold']);
    expect(claims[1]?.finding).toContain('1.7, 1.6, 1.8 %');
  });
});

test('units: purer ones speak against the paper, less pure ones do not', () => {
  const layer = (place: string, difference: number, distinguishable: boolean) => {
    const interval: [number, number] = [difference - 0.1, difference + 0.1];
    const shares = { natural: 0.6 + difference, random: 0.6, difference, chance: 0.28 };
    const purity = { probes: 100, ...shares, interval, distinguishable };
    return { model: 'M', place, purity, area: { ...purity, depth: 50 } };
  };
  expect(verdicts(unitsClaims([layer('a', 0.01, false), layer('b', -0.2, true)]))).toEqual(['holds', 'holds']);
  const [claim] = unitsClaims([layer('a', 0.01, false), layer('b', 0.2, true)]);
  expect(claim?.verdict).toBe('holds in part');
  expect(claim?.finding).toBe(
    'By label purity, no difference can be told in M (a); units are purer in M (b); the area under its curve says the same in 2 of 2 layers.',
  );
});
