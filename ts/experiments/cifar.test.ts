import { expect, test } from 'vitest';
import type { CifarTransfer } from './cifar.ts';
import { cifarClaims } from './cifar_report.ts';
import { proportion } from './statistics.ts';

const errors = (...shares: number[]) => shares.map((share) => proportion(Math.round(share * 100), 100));

function claims(seed: number, half: number, kind: number) {
  const others = [0.5, 0.5, 0.5, 0.5];
  const transfer: CifarTransfer[] = [
    { label: 'a', kind: 'made', own: 0, errors: errors(1, 0.2, 0.2, 0.2, 0.2), distortion: 0.01 },
    { label: 'b', kind: 'amplified', own: 0, errors: errors(1, seed, 0.5, half, kind), distortion: 0.02 },
    { label: 'c', kind: 'noise', own: 0, errors: errors(0.3, ...others.map(() => 0.3)), distortion: 0.02 },
    // Of other images: no measure of these.
    { label: 'e', kind: 'noise', own: 1, errors: errors(0.3, ...others.map(() => 0.9)), distortion: 0.02 },
    { label: 'd', kind: 'clean', own: null, errors: errors(0.3, ...others.map(() => 0.25)), distortion: 0 },
  ];
  return cifarClaims({ images: 100, found: 100, rows: [row], transfer });
}

const row = {
  network: 'AlexNet',
  half: 'P1',
  trainError: proportion(1, 10),
  testError: proportion(3, 10),
  otherError: proportion(3, 10),
  distortion: 0.01,
  anyDistortion: 0.005,
};

test('the paper’s order of what examples cross', () => {
  expect(claims(0.7, 0.6, 0.5).map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'holds']);
});

test('another order is told as it is', () => {
  const [, fooled, order] = claims(0.5, 0.6, 0.2);
  expect(fooled).toMatchObject({ verdict: 'holds in part' });
  expect(fooled?.finding).toContain('in 3 of 4 cells');
  expect(order).toMatchObject({ verdict: 'holds in part' });
  expect(order?.finding).toContain('another seed 50.0 %, half as wide 50.0 %, the other half 60.0 %');
});
