import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linearImages, linearModel, PIXELS } from '../attack/testing/linear_classifier.ts';
import { formatNpz } from '../data/npz.ts';
import { buildInferenceModel } from '../nn/inference_model.ts';
import { dense, flatten, relu6 } from '../nn/layers.ts';
import { drawParameters, parameterSpecs } from '../nn/network.ts';
import { recordedRun } from './testing/recorded_run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-certify-'));
const at = (name: string) => path.join(folder, name);
const COUNT = 6;

beforeAll(() => {
  const { images, labels } = linearImages(COUNT);
  writeFileSync(at('model.onnx'), linearModel());
  writeFileSync(
    at('data.npz'),
    formatNpz({ images: { shape: [COUNT, PIXELS], data: images }, labels: { shape: [COUNT], data: labels } }),
  );
  const clipped = { name: 'clipped', inputShape: [1, 4, 4], layers: [flatten, dense(4), relu6, dense(3)] };
  const specs = parameterSpecs(clipped);
  const values = drawParameters(specs, 1);
  const parameters = new Map(specs.map(({ name }, i) => [name, values[i] as Float32Array]));
  writeFileSync(at('clipped.onnx'), buildInferenceModel(clipped, parameters));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('certify', () => {
  test('prints what is found and what is certified, and keeps it', async () => {
    const argv = ['certify', at('model.onnx'), '--data', at('data.npz'), '--count', '5', '--out', at('out')];
    const { code, out } = await recordedRun(argv);
    expect(code).toBe(0);
    const results = JSON.parse(readFileSync(at('out/certificates.json'), 'utf8')) as {
      summary: { images: number; ratio: { mean: number; smallest: number } };
      examples: { found: number; norm: string; distance: number; productOfNorms: number }[];
    };
    expect([results.examples.length, results.summary.images]).toEqual([5, 5]);
    // A linear model's certificates are exact, but for the share to which the radius is found.
    expect(results.summary.ratio.smallest).toBeGreaterThanOrEqual(1);
    expect(results.summary.ratio.mean).toBeLessThan(1.01);
    for (const { found, distance, productOfNorms, norm } of results.examples) {
      expect([found >= distance, distance >= productOfNorms, norm]).toEqual([true, true, 'l2']);
    }
    expect(out).toMatch(/image +label +found +certified +found\/certified +product of norms\n/);
    expect(out).toMatch(/found\/certified {2}mean 1\.0\d, /);
    expect(out).toMatch(/^mean L2 {10}found /m);
  });

  test('in the other norm, with optimised slopes', async () => {
    const argv = ['certify', at('model.onnx'), '--data', at('data.npz'), '--count', '2', '--norm', 'linf'];
    const { code, out } = await recordedRun([...argv, '--slopes', 'optimized', '--out', at('linf')]);
    expect(code).toBe(0);
    expect(out).toMatch(/^mean L∞ {10}found /m);
    const { examples } = JSON.parse(readFileSync(at('linf/certificates.json'), 'utf8')) as {
      examples: { found: number; norm: string; distance: number }[];
    };
    for (const { found, distance, norm } of examples) {
      expect([found >= distance, distance > 0, norm]).toEqual([true, true, 'linf']);
    }
  });

  test('takes what the model wants of its pixels', async () => {
    const examples = async (...more: string[]) => {
      const argv = ['certify', at('model.onnx'), '--data', at('data.npz'), '--count', '3', '--out', at('wanted')];
      const { code } = await recordedRun([...argv, ...more]);
      expect(code).toBe(0);
      const text = readFileSync(at('wanted/certificates.json'), 'utf8');
      return (JSON.parse(text) as { examples: { distance: number }[] }).examples;
    };
    for (const { distance } of await examples()) expect(distance).toBeGreaterThan(0);
    // Black for white, it answers wrongly from the start: nothing is certified.
    for (const { distance } of await examples('--input-range', '1..0')) expect(distance).toBe(0);
  });

  test.each([
    ['a model that is not there', 'absent.onnx', [], /absent\.onnx/],
    ['a layer without a relaxation', 'clipped.onnx', [], /No certificate through Clip/],
    ['more images than there are', 'model.onnx', ['--count', '7'], /6 images but count asks for 7/],
    ['a file that is no model', 'data.npz', [], /Not an ONNX model/],
  ])('a mistake is one line and exit code 2: %s', async (_, model, more, message) => {
    const { code, err } = await recordedRun(['certify', at(model), '--data', at('data.npz'), '--count', '2', ...more]);
    expect(err).toMatch(message);
    expect(err).toMatch(/^error: [^\n]+\n$/);
    expect(code).toBe(2);
  });
});
