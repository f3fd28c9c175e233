/** What a visit to the built page downloads. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';

const dist = fileURLToPath(new URL('../../dist/site/', import.meta.url));

const gzipped = (file: string): number => gzipSync(readFileSync(path.join(dist, file))).length;

it('has no more than 250 KB of script, gzipped, but for ONNX Runtime', () => {
  const scripts = readdirSync(path.join(dist, 'assets')).filter((name) => /^(?!ort\.).*\.js$/.test(name));
  expect(scripts.length).toBeGreaterThanOrEqual(2);
  expect(scripts.reduce((sum, name) => sum + gzipped(`assets/${name}`), 0)).toBeLessThan(250_000);
});

it('has a kernel of no more than 90 KB, gzipped', () => {
  expect(gzipped('data/blindspot.wasm')).toBeLessThan(90_000);
});
