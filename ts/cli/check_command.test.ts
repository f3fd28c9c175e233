import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
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

  test('takes what a preprocessor_config.json beside the model says, and flags before it', async () => {
    const own = at('hugging');
    mkdirSync(own);
    writeFileSync(path.join(own, 'model.onnx'), bgrModel());
    const config = path.join(own, 'preprocessor_config.json');
    writeFileSync(config, '{"do_rescale": false, "do_flip_channel_order": true, "size": 2}');
    const data = ['--data', at('data.npz')];
    const { code, out } = await recordedRun(['check', own, ...data]);
    expect(code).toBe(0);
    expect(out).toContain(`takes       pixels 0..255; bgr; size 2,2; resize exact (${config})`);
    expect(out).toMatch(/accuracy +100\s?% of the images/);
    const other = await recordedRun(['check', own, ...data, '--channels', 'rgb']);
    expect(other.out).not.toMatch(/accuracy +100\s?%/);
    const none = await recordedRun(['check', own, ...data, '--preprocessor', 'none']);
    expect(none.out).not.toContain('takes  ');
    expect(none.out).toContain('Try the options --input-range 0..255 --channels bgr');
    const told = await recordedRun(['check', at('bgr.onnx'), '--preprocessor', config]);
    expect(told.out).toContain('takes       pixels 0..255');
    writeFileSync(config, '{"size": "large"}');
    const odd = await recordedRun(['check', own]);
    expect([odd.code, odd.err]).toEqual([2, expect.stringMatching(/^error: .* for size but received "large"; .*\n$/)]);
  });

  test('fits image files as told, bare --resize in front of another argument, too', async () => {
    const photos = at('photos');
    mkdirSync(path.join(photos, '1'), { recursive: true });
    await sharp({ create: { width: 6, height: 4, channels: 3, background: '#ff0000' } })
      .png()
      .toFile(path.join(photos, '1', 'a.png'));
    const data = ['--data', photos];
    for (const fit of [['--resize'], ['--resize', 'contain'], ['--resize=exact', '--crop-fraction', '0.5']]) {
      expect((await recordedRun(['check', at('bgr.onnx'), ...data, ...fit])).code, fit.join(' ')).toBe(0);
    }
    expect((await recordedRun(['check', '--resize', at('bgr.onnx'), ...data])).code).toBe(0);
    const wrong = [[], ['--crop-fraction', '0.5'], ['--resize', 'stretch']];
    for (const fit of wrong) expect((await recordedRun(['check', at('bgr.onnx'), ...data, ...fit])).code).toBe(2);
  });

  test('writes the model with its preprocessing in front', async () => {
    const file = at('wrapped.onnx');
    const flags = ['--input-range', '0..255', '--channels', 'bgr', '--wrapped', file];
    const { code, out } = await recordedRun(['check', at('bgr.onnx'), ...flags]);
    expect([code, out]).toEqual([0, expect.stringContaining(`wrapped     ${file}`)]);
    const again = await recordedRun(['check', file, '--data', at('data.npz')]);
    expect(again.out).toMatch(/accuracy +100\s?% of the images/);
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
