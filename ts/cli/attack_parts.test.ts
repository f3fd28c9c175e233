import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { example, outcomeOf } from '../report/outcome.fixture.ts';
import { AttackParts, partPixels } from './attack_parts.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-parts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a part comes back as it was, what is no number and its pixels too; that of another attack does not', async () => {
  const out = path.join(folder, 'out');
  const parts = await AttackParts.open(out, { seed: 1 });
  expect(await parts.read('0-1')).toBeUndefined();
  const broken = { ...example(0), margin: Number.NaN };
  const pixels = Float32Array.of(0.1, 0.2, 0.3, 0.4);
  const outcome = outcomeOf([broken], [4], new Float32Array(4), pixels);
  const written = await parts.write('0-1', outcome);

  const again = await (await AttackParts.open(out, { seed: 1 })).read('0-1');
  expect(again).toEqual(written);
  expect(again?.examples[0]?.margin).toBeNaN();
  expect(await partPixels(written)).toEqual(pixels);

  const other = await AttackParts.open(out, { seed: 2 });
  expect(await other.read('0-1')).toBeUndefined();
  other.remove();
  expect(existsSync(other.folder)).toBe(false);
});
