import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildInferenceModel } from '../nn/inference_model.ts';
import { dense, type ModelDefinition, sigmoid } from '../nn/layers.ts';
import { drawParameters, parameterSpecs } from '../nn/network.ts';
import { readModel } from '../onnx/read_model.ts';
import { intermediateValues } from '../onnx/slice_model.ts';
import { recordedRun } from './testing/recorded_run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-inspect-'));
const at = (name: string) => path.join(folder, name);
let layer = '';

beforeAll(() => {
  const model: ModelDefinition = { name: 'small', inputShape: [784], layers: [dense(20), sigmoid, dense(10)] };
  const specs = parameterSpecs(model);
  const values = drawParameters(specs, 1);
  const bytes = buildInferenceModel(model, new Map(specs.map(({ name }, i) => [name, values[i] as Float32Array])));
  writeFileSync(at('model.onnx'), bytes);
  layer = intermediateValues(readModel(bytes)).find(({ op }) => op === 'Sigmoid')?.name ?? '';
});
afterAll(() => rmSync(folder, { recursive: true }));

const inspect = (name: string) => [
  ...['inspect', '--model', folder, '--data', 'mnist', '--count', '300', '--top', '5'],
  ...['--layer', name, '--out', at('out')],
];

describe('inspect', () => {
  test('finds the images of every unit and as many directions', async () => {
    const { code, out } = await recordedRun(inspect(layer));
    expect(code).toBe(0);
    const results = JSON.parse(readFileSync(at('out/units.json'), 'utf8')) as {
      natural: { images: unknown[] }[];
      random: unknown[];
    };
    expect([results.natural.length, results.random.length, results.natural[0]?.images.length]).toEqual([20, 20, 5]);
    expect(out).toMatch(/label purity of the top 5 images: units [\d.]+/);
    expect([...readFileSync(at('out/units.png')).subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
  });

  test('takes what the model wants of its pixels', async () => {
    const strongest = async (...more: string[]) => {
      expect((await recordedRun([...inspect(layer), ...more])).code).toBe(0);
      const { natural } = JSON.parse(readFileSync(at('out/units.json'), 'utf8')) as {
        natural: { images: { activation: number }[] }[];
      };
      return natural.map(({ images }) => images[0]?.activation);
    };
    const plain = await strongest();
    expect(await strongest('--input-range', '0..1')).toEqual(plain);
    expect(await strongest('--mean', '0.1307', '--std', '0.3081')).not.toEqual(plain);
  });

  test('answers an unknown layer with those there are', async () => {
    const { code, err } = await recordedRun(inspect('fc9'));
    expect(code).toBe(2);
    expect(err).toContain(layer);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});
