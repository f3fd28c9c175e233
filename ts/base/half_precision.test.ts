import fc from 'fast-check';
import { expect, test } from 'vitest';
import { halfToNumber, numberToHalf } from './half_precision.ts';

test('every half is itself', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = halfToNumber(bits);
    if (Number.isNaN(value)) expect(halfToNumber(numberToHalf(value))).toBeNaN();
    else expect(numberToHalf(value)).toBe(bits);
  }
});

test('no other half is nearer, and ties go to the even one', () => {
  fc.assert(
    fc.property(fc.double({ min: -70000, max: 70000, noNaN: true }), (value) => {
      const bits = numberToHalf(value);
      if (Math.abs(value) >= 65520) return halfToNumber(bits) === Math.sign(value) * Number.POSITIVE_INFINITY;
      const error = Math.abs(halfToNumber(bits) - value);
      return [bits - 1, bits + 1].every((other) => {
        const rival = Math.abs(halfToNumber(other & 0xffff) - value);
        return Number.isNaN(rival) || error < rival || (error === rival && bits % 2 === 0);
      });
    }),
  );
  expect(numberToHalf(1 + 2 ** -11)).toBe(numberToHalf(1));
  expect(numberToHalf(1 + 3 * 2 ** -11)).toBe(numberToHalf(1 + 2 ** -9));
});
