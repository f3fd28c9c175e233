import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { recordedRun } from './testing/recorded_run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-demo-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('three photos are saved as PNG files, and stay ostriches when they are read back', async () => {
  const { code, out } = await recordedRun(['demo', '--out', path.join(folder, 'demo')]);
  expect(code).toBe(0);
  expect(out.match(/-> ostrich, Struthio camelus/g)).toHaveLength(3);
  expect(out).toContain('3 of 3 photos stay ostriches as PNG files');
  for (const name of ['chickadee.png', 'tabby.png', 'hotdog.png', 'report.html']) {
    expect(existsSync(path.join(folder, 'demo', name))).toBe(true);
  }
});
