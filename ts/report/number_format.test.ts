import { expect, it } from 'vitest';
import {
  formatCount,
  formatDistortion,
  formatL2,
  formatMargin,
  formatMean,
  formatScientific,
  formatSeconds,
  formatShare,
  plural,
} from './number_format.ts';

const NBSP = '\u00a0';

it.each([
  [0.03117, '0.0312'],
  [0.006508, '0.0065'],
  [0.000652, '0.000652'],
  [0.0000004, '4.0e−7'],
  [0, '0'],
  [null, '–'],
  [Number.NaN, '–'],
])('distortion %s is %s', (value, text) => expect(formatDistortion(value)).toBe(text));

it.each([
  [0.87341, '0.873'],
  [140.234, '140.2'],
  [0, '0'],
  [null, '–'],
])('L2 %s is %s', (value, text) => expect(formatL2(value)).toBe(text));

it.each([
  [1, `100${NBSP}%`],
  [0.9999, `99.99${NBSP}%`],
  [0.00001, `0.001${NBSP}%`],
  [0, `0${NBSP}%`],
  [0.97, `97.0${NBSP}%`],
])('share %s is %s: exactly all and exactly none are kept apart', (value, text) =>
  expect(formatShare(value)).toBe(text),
);

it.each([
  [0.00042, `0.42${NBSP}ms`],
  [0.0142, `14.2${NBSP}ms`],
  [1.314, `1.31${NBSP}s`],
  [125.4, `2${NBSP}min 05${NBSP}s`],
])('%s seconds are %s', (value, text) => expect(formatSeconds(value)).toBe(text));

it('sets margins, residuals, means and counts', () => {
  expect([-0.4291, -0.00077, 0, null].map(formatMargin)).toEqual(['−0.429', '−7.7e−4', '0', '–']);
  expect(formatScientific(0.00012)).toBe('1.2e−4');
  expect([28, 27.44, 1204.4].map(formatMean)).toEqual(['28.0', '27.4', '1,204']);
  expect(formatCount(12345)).toBe('12,345');
  expect([plural(1, 'image'), plural(0, 'image')]).toEqual([`1${NBSP}image`, `0${NBSP}images`]);
});
