import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { linearImages, linearModel, PIXELS } from '../attack/testing/linear_classifier.ts';
import { formatNpz } from '../data/npz.ts';
import { recordedRun } from './testing/recorded_run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-attack-input-'));
const at = (name: string) => path.join(folder, name);
const COUNT = 4;

beforeAll(() => {
  const { images, labels } = linearImages(COUNT);
  writeFileSync(at('model.onnx'), linearModel());
  const arrays = { images: { shape: [COUNT, PIXELS], data: images }, labels: { shape: [COUNT], data: labels } };
  writeFileSync(at('data.npz'), formatNpz(arrays));
  writeFileSync(
    at('preprocessor_config.json'),
    '{"rescale_factor": 0.00392156862745098, "image_mean": 1, "image_std": 1}',
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

test('attack says what it read beside the model, and attacks the model with it', async () => {
  const run = async (out: string, ...more: string[]) => {
    const argv = ['attack', '--model', folder, '--data', at('data.npz'), '--kernel', 'wasm', '--out', at(out), ...more];
    const result = await recordedRun(argv);
    expect(result.code).toBe(0);
    const { examples } = JSON.parse(readFileSync(path.join(at(out), 'results.json'), 'utf8'));
    return { out: result.out, l2: (examples as { l2: number }[]).map(({ l2 }) => l2) };
  };
  const found = await run('found');
  expect(found.out).toContain(`input   mean 1; std 1 (${at('preprocessor_config.json')})\n`);
  const told = await run('told', '--preprocessor', 'none', '--mean', '1', '--std', '1');
  expect(told.out).not.toContain('input   ');
  expect(found.l2).toEqual(told.l2);
});
