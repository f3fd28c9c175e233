import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadData } from '../data/load_data.ts';
import { digitOutcome } from './outcome.fixture.ts';
import { renderReport, saveReport, saveResults } from './save_attack.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'blindspot-save-'));
});
afterEach(() => rm(root, { recursive: true }));

test('results alone, which read back as they were', async () => {
  const folder = path.join(root, 'deep', 'results');
  const found = digitOutcome(12);
  await saveResults(folder, found, { classNames: ['zero', 'one'] });
  expect((await readdir(folder)).sort()).toEqual(['adversarial.npz', 'results.json']);
  const { summary, examples } = JSON.parse(await readFile(path.join(folder, 'results.json'), 'utf8'));
  expect(summary).toEqual(JSON.parse(JSON.stringify(found.summary)));
  expect(examples).toHaveLength(found.examples.length);
  expect(examples[0]).toMatchObject({ index: found.examples[0]?.index, l2: found.examples[0]?.l2 });
  const read = await loadData(path.join(folder, 'adversarial.npz'));
  expect(read.images).toEqual(found.adversarial);
  expect([...read.labels]).toEqual(found.examples.map(({ label }) => label));
});

test('a report with everything beside it, and as one page', async () => {
  const found = digitOutcome(12);
  await saveReport(root, found, { model: { name: 'My network' } });
  expect((await readdir(root)).sort()).toEqual(['adversarial.npz', 'figures', 'report.html', 'results.json']);
  const page = await renderReport(found, { model: { name: 'My network' } });
  expect(page).toBe(await readFile(path.join(root, 'report.html'), 'utf8'));
  expect(page).toContain('How far is My network from a mistake?');
  expect(await renderReport(found)).toContain('How far is the model from a mistake?');
});

test('a folder that cannot be written is told, and nothing is left', async () => {
  await writeFile(path.join(root, 'file'), '');
  await expect(saveResults(path.join(root, 'file'), digitOutcome(3))).rejects.toMatchObject({
    code: 'OUTPUT_NOT_WRITABLE',
  });
  expect(await readdir(root)).toEqual(['file']);
});
