import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeReport } from './write_report.ts';

const report = { html: '<!doctype html>', figures: [{ name: 'a.png', png: Uint8Array.of(1, 2, 3) }] };
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'blindspot-report-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

it('writes the page and its figures into a new folder, and nothing else', async () => {
  const target = join(dir, 'new', 'folder');
  expect(await writeReport(target, report)).toBe(join(target, 'report.html'));
  expect((await readdir(target, { recursive: true })).sort()).toEqual([
    'figures',
    join('figures', 'a.png'),
    'report.html',
  ]);
  expect(await readFile(join(target, 'report.html'), 'utf8')).toBe(report.html);
  expect([...(await readFile(join(target, 'figures', 'a.png')))]).toEqual([1, 2, 3]);
});

it('replaces an earlier report', async () => {
  await writeReport(dir, { ...report, html: 'old' });
  await writeReport(dir, report);
  expect(await readFile(join(dir, 'report.html'), 'utf8')).toBe(report.html);
});

it('says in one line that it cannot write, and leaves nothing half-written', async () => {
  await writeFile(join(dir, 'file'), '');
  await expect(writeReport(join(dir, 'file'), report)).rejects.toMatchObject({
    code: 'OUTPUT_NOT_WRITABLE',
    message: expect.stringMatching(/^Cannot write the report into .*file: .*Choose another folder$/),
  });
  const unwritable = { ...report, figures: [...report.figures, { name: 'missing/b.png', png: Uint8Array.of(1) }] };
  await expect(writeReport(dir, unwritable)).rejects.toMatchObject({ code: 'OUTPUT_NOT_WRITABLE' });
  expect((await readdir(dir, { recursive: true })).sort()).toEqual(['figures', 'file']);
});
