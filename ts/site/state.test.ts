import { expect, test } from 'vitest';
import { FIRST_STATE, formatState, type PageState, parseState } from './state.ts';

test('what is shown comes back from the address', () => {
  const state: PageState = {
    ...{ view: 'play', model: 'convnet', image: 'digit-12', target: 3, png: true, t: 1.5 },
    ...{ across: 'random', seed: 7, layer: 'Relu_1', round: 5, right: 2, pick: 'left', fit: 'contain', cell: '2.4.1' },
  };
  expect(parseState(formatState(state))).toEqual(state);
  expect(parseState('')).toEqual(FIRST_STATE);
  expect(formatState(FIRST_STATE)).toBe('#play');
  expect(parseState('#speed').view).toBe('speed');
});

test('an address that makes no sense is a first visit', () => {
  expect(parseState('#nowhere?target=-4&t=NaN&png=yes')).toEqual(FIRST_STATE);
  expect(parseState('#play?t=99').t).toBe(3);
});
