import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nativeFigures } from './native_figures.ts';

test('the figures of the document, in seconds', () => {
  const figures = nativeFigures(readFileSync(new URL('../../../docs/benchmarks.json', import.meta.url), 'utf8'));
  expect(figures.iterationSeconds.map(({ engine }) => engine)).toContain('wasm simd128');
  for (const { seconds } of figures.iterationSeconds) expect(seconds).toBeLessThan(1e-3);
  expect(figures.imageSeconds.map(({ lanes }) => lanes)).toContain(64);
  for (const { seconds } of figures.imageSeconds) expect(seconds).toBeLessThan(0.1);
});
