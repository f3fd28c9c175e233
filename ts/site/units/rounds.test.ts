import { expect, test } from 'vitest';
import { commonest, roundOf } from './rounds.ts';

const found = {
  layers: [{ name: 'hidden', units: 5 }],
  layer: 'hidden',
  units: Array.from({ length: 5 }, (_, unit) => ({ unit, images: [unit] })),
  directions: Array.from({ length: 5 }, (_, at) => ({ images: [10 + at] })),
};

test('a round has one unit and one direction, on either side, the same for the same number', () => {
  const sides = new Set<string>();
  const units = new Set<number | null>();
  for (let number = 1; number <= 60; number++) {
    const round = roundOf(found, number);
    const { left, right } = round.cards;
    expect(round.cards[round.answer].unit).not.toBeNull();
    expect([left.unit, right.unit].filter((unit) => unit === null)).toHaveLength(1);
    expect(roundOf(found, number)).toEqual(round);
    sides.add(round.answer);
    units.add(round.cards[round.answer].unit);
  }
  expect([...sides].sort()).toEqual(['left', 'right']);
  expect(units.size).toBe(5);
});

test('a layer whose units are all alike cannot be played', () => {
  expect(() => roundOf({ ...found, units: [] }, 1)).toThrow('choose another layer');
});

test('the commonest label of a card', () => {
  expect(commonest({ images: [0, 1, 2, 3], unit: null }, Uint8Array.of(4, 7, 7, 1))).toEqual({ label: 7, count: 2 });
});
