import { expect, test } from 'vitest';
import { recordedRun } from './testing/recorded_run.ts';

test('a group that does not exist is refused, and those that do are named', async () => {
  const { code, out, err } = await recordedRun(['bench', '--only', 'search,speed']);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain('optimiser, kernel, search, family, quality, scale, training');
  expect(err).toContain('"speed"');
});

test('a document that does not exist is refused before anything is measured', async () => {
  const { code, out, err } = await recordedRun(['bench', '--quick', '--only', 'kernel', '--markdown', 'no/such.md']);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain('no/such.md');
});

test.each([
  [['--half', 'third'], 'tune, judge'],
  [['--count', '0'], 'a whole number from 1 to 2000'],
  [['--count', '2001'], 'a whole number from 1 to 2000'],
])('%j is refused', async (flags, expected) => {
  const { code, err } = await recordedRun(['bench', '--only', 'quality', ...flags]);
  expect(code).toBe(2);
  expect(err).toContain(expected);
});

test('Ctrl-C before the first group is done leaves nothing', async () => {
  const interrupted = AbortSignal.abort(new Error('interrupted'));
  const { code } = await recordedRun(['bench', '--quick', '--only', 'scale'], { signal: interrupted });
  expect(code).toBe(130);
});
