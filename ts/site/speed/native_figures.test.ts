import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nativeFigures } from './native_figures.ts';

test('the figures of the document, in seconds', () => {
  const figures = nativeFigures(readFileSync(new URL('../../../docs/benchmarks.json', import.meta.url), 'utf8'));
  expect(figures.iterationSeconds.map(({ engine }) => engine)).toContain('wasm simd128');
  for (const { seconds } of figures.iterationSeconds) expect(seconds).toBeLessThan(1e-3);
  expect(figures.imageSeconds.map(({ lanes }) => lanes)).toContain(64);
  for (const { seconds } of figures.imageSeconds) expect(seconds).toBeLessThan(0.1);
});

describe('what is no such file says what is wanted', () => {
  test.each([
    ['not JSON', 'oops', 'received something that is not JSON'],
    ['an empty object', '{}', 'received JSON of nothing'],
    ['another group', '{"quality":{}}', 'received JSON of quality'],
    ['a number', '7', 'received JSON of none'],
  ])('%s', (_, text, message) => {
    expect(() => nativeFigures(text)).toThrow(message);
    expect(() => nativeFigures(text)).toThrow('npx blindspot bench --only kernel,scale');
  });

  test('tables without the column', () => {
    const group = { environment: { date: '', cpu: '' }, tables: [{ columns: ['', 'else'], rows: [] }] };
    expect(() => nativeFigures(JSON.stringify({ kernel: group, scale: group }))).toThrow('no column "n = 784, double"');
  });
});
