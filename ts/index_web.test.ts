import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import * as inNode from './index.ts';
import * as web from './index_web.ts';

test('what browsers import: names that Node has, too', () => {
  const names = Object.keys(web).sort();
  expect(names).toEqual([
    'BlindspotError',
    'LaneStatus',
    'MinimizerStatus',
    'STOPPED_BY_CALLBACK',
    'attack',
    'check',
    'createSession',
    'loadKernel',
    'minimize',
    'openModel',
    'readPictures',
    'renderReport',
    'robustAccuracy',
  ]);
  // Node reads pictures from files (loadData).
  for (const name of names.filter((each) => each !== 'readPictures')) expect(inNode).toHaveProperty(name);
});

test('minimize on the wasm kernel loads one from bytes, or takes one that is loaded, and refuses native', async () => {
  const wasm = readFileSync(new URL('../dist/wasm/blindspot.wasm', import.meta.url));
  const parabola = ([a = 0]: Float64Array) => ({ value: (a - 1) ** 2, gradient: [2 * (a - 1)] });
  const loaded = await web.minimize(parabola, [0], { wasm });
  expect(loaded.x[0]).toBeCloseTo(1, 6);
  const kernel = await web.loadKernel('wasm', { wasm });
  expect(await web.minimize(parabola, [0], { kernel })).toEqual(loaded);
  await expect(web.minimize(parabola, [0], { kernel: 'native' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test("nothing under it imports a module of Node's", () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const source = readFileSync(file, 'utf8');
    // Imports of types alone vanish.
    const named = source.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gms);
    const bare = source.matchAll(/^import '([^']+)'/gm);
    const later = source.matchAll(/(?<!typeof )import\('([^']+)'\)/g);
    for (const [, name = ''] of [...named, ...bare, ...later]) {
      expect(name, `${file} imports ${name}`).not.toMatch(/^node:|^onnxruntime-node|^sharp/);
      if (name.startsWith('.')) visit(fileURLToPath(new URL(name, `file://${file}`)));
    }
  };
  visit(fileURLToPath(new URL('./index_web.ts', import.meta.url)));
  expect(seen.size).toBeGreaterThan(30);
});
