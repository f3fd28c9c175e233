import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linearImages, linearModel, PIXELS } from '../attack/testing/linear_classifier.ts';
import { formatNpz } from '../data/npz.ts';
import { recordedRun } from './testing/recorded_run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-spectrum-'));
const at = (name: string) => path.join(folder, name);
const COUNT = 12;

beforeAll(() => {
  const { images, labels } = linearImages(COUNT);
  writeFileSync(at('model.onnx'), linearModel());
  writeFileSync(
    at('data.npz'),
    formatNpz({ images: { shape: [COUNT, PIXELS], data: images }, labels: { shape: [COUNT], data: labels } }),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('spectrum', () => {
  test('prints the layers, and certifies images', async () => {
    const options = ['--model', at('model.onnx'), '--data', at('data.npz'), '--out', at('out')];
    const { code, out, err } = await recordedRun(['spectrum', ...options]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const results = JSON.parse(readFileSync(at('out/spectrum.json'), 'utf8')) as {
      lipschitz: number;
      layers: { norm: number }[];
      examples: { margin: number; l2: number }[];
    };
    expect(out).toContain(`at most ${results.lipschitz.toPrecision(4)}`);
    expect(results.examples).toHaveLength(COUNT);
    for (const { margin, l2 } of results.examples) {
      expect(l2).toBeCloseTo(Math.max(0, margin) / (Math.SQRT2 * results.lipschitz), 10);
    }
  });

  test('without images tells the bound alone', async () => {
    const { code, out } = await recordedRun(['spectrum', '--model', folder]);
    expect(code).toBe(0);
    expect(out).toMatch(/Lipschitz constant of pixels to logits: at most [\d.]+\n$/);
  });

  test('takes what the model wants of its pixels, by options or by its preprocessor_config.json', async () => {
    const bound = async (...more: string[]) => {
      const { code, out } = await recordedRun(['spectrum', '--model', at('model.onnx'), ...more]);
      expect(code).toBe(0);
      return [Number(/at most ([\d.e+]+)/.exec(out)?.[1]), out] as const;
    };
    const [plain] = await bound();
    expect((await bound('--input-range', '0..255', '--mean', '3', '--std', '5'))[0] / plain).toBeCloseTo(51, 1);
    writeFileSync(at('preprocessor_config.json'), '{"do_rescale": false}');
    const [bytes, out] = await bound();
    expect(bytes / plain).toBeCloseTo(255, 0);
    expect(out).toContain('input   pixels 0..255 (');
    expect((await bound('--preprocessor', 'none'))[0]).toBe(plain);
    rmSync(at('preprocessor_config.json'));
  });

  test('names a model that is not there', async () => {
    const { code, err } = await recordedRun(['spectrum', '--model', at('absent.onnx')]);
    expect(code).toBe(2);
    expect(err).toMatch(/^error: .*absent\.onnx.*\n$/);
  });
});
