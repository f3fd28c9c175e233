import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatNpz } from '../data/npz.ts';
import { rawFloats, rawModel, rawNode, rawValue } from '../onnx/testing/raw_model.ts';
import { recordedRun } from './testing/recorded_run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-check-'));
const at = (name: string) => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const COUNT = 20;

/** Answers 1 where the mean of what it takes is over 127, blue counting thrice: it wants 0 to 255, blue first. */
function bgrModel() {
  return rawModel(13, {
    node: [
      rawNode('GlobalAveragePool', ['data'], ['pool']),
      rawNode('Flatten', ['pool'], ['flat']),
      rawNode('Sub', ['flat', 'half'], ['centred']),
      rawNode('MatMul', ['centred', 'w'], ['z']),
      rawNode('Softmax', ['z'], ['p'], { axis: -1n }),
    ],
    initializer: [
      rawFloats('half', [3], [127, 127, 127]),
      rawFloats('w', [3, 2], [-0.06, 0.06, 0.01, -0.01, 0.02, -0.02]),
    ],
    input: [rawValue('data', ['N', 3, 2, 2])],
    output: [rawValue('p', ['N', 2])],
  });
}

beforeAll(() => {
  writeFileSync(at('bgr.onnx'), bgrModel());
  const flat = rawNode('Floor', ['x'], ['y']);
  writeFileSync(
    at('flat.onnx'),
    rawModel(13, { node: [flat], input: [rawValue('x', ['N', 12])], output: [rawValue('y', ['N', 12])] }),
  );
  const warp = rawNode('DeformConv', ['x', 'x'], ['y'], {}, 'warp');
  writeFileSync(
    at('warp.onnx'),
    rawModel(17, { node: [warp], input: [rawValue('x', ['N', 12])], output: [rawValue('y', ['N', 12])] }),
  );
  const images = Float32Array.from({ length: COUNT * 12 }, (_, i) => ((7 * i + 3 * Math.floor(i / 4)) % 29) / 28);
  const labels = Int32Array.from({ length: COUNT }, (_, index) => {
    const mean = (channel: number) => {
      const own = images.subarray(12 * index + 4 * channel, 12 * index + 4 * channel + 4);
      return (255 * own.reduce((a, b) => a + b, 0)) / 4 - 127;
    };
    // Blue is the model's first channel and the file's last.
    return Number(0.06 * mean(2) - 0.01 * mean(1) - 0.02 * mean(0) > 0);
  });
  writeFileSync(
    at('data.npz'),
    formatNpz({ images: { shape: [COUNT, 3, 2, 2], data: images }, labels: { shape: [COUNT], data: labels } }),
  );
});

describe('check', () => {
  test('tells what a file is, and what it wants of its pixels', async () => {
    const { code, out } = await recordedRun(['check', at('bgr.onnx'), '--data', at('data.npz')]);
    expect(code).toBe(0);
    expect(out).toMatch(/input +"data" float32 \[N, 3, 2, 2\]/);
    expect(out).toMatch(/output +"p" float32 \[N, 2\] {2}<- the class scores/);
    expect(out).toMatch(/gradient +finite and not 0 of 8\simages/);
    expect(out).toContain('Try the options --input-range 0..255 --channels bgr');
    const again = await recordedRun([
      'check',
      at('bgr.onnx'),
      '--data',
      at('data.npz'),
      '--input-range',
      '0..255',
      '--channels',
      'bgr',
    ]);
    expect(again.out).toMatch(/accuracy +100\s?% of the images/);
    expect(again.out).not.toContain('Try the options');
  });

  test('says that the gradients are of no use', async () => {
    const { out } = await recordedRun(['check', at('flat.onnx')]);
    expect(out).toMatch(/gradient +0 at 1 of 1\simage/);
  });

  test('names what blocks an attack, and ends with 1', async () => {
    const { code, out } = await recordedRun(['check', at('warp.onnx')]);
    expect(code).toBe(1);
    expect(out).toMatch(/missing +DeformConv \(1, first "warp"\): not supported/);
    expect(out).toContain('It cannot be attacked: Operator DeformConv (node "warp") is not supported');
  });

  test('what is no model is a mistake: exit code 2 and one line', async () => {
    writeFileSync(at('text.onnx'), 'no model');
    const { code, err } = await recordedRun(['check', at('text.onnx')]);
    expect(code).toBe(2);
    expect(err).toMatch(/^error: Not an ONNX model: .*\n$/);
  });
});
