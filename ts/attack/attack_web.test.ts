/** The browser's entry, with the browser's runtime and kernel, in Node. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { attack as attackInNode } from './attack.ts';
import { attack } from './attack_web.ts';
import { classOf, linearImages, linearModel, PIXELS } from './testing/linear_classifier.ts';

test('finds with onnxruntime-web and the wasm kernel what Node finds', async () => {
  const wasm = readFileSync(new URL('../../dist/wasm/blindspot.wasm', import.meta.url));
  const data = linearImages(20, 2);
  const { summary, adversarial } = await attack(linearModel(), data, { wasm, seed: 2, target: 'random' });
  expect(summary).toMatchObject({
    provider: 'wasm',
    kernel: 'wasm',
    workers: 1,
    successRate: 1,
    alreadyMisclassified: 2,
  });
  for (const [row, label] of data.labels.entries()) {
    expect(classOf(adversarial.subarray(row * PIXELS, (row + 1) * PIXELS))).not.toBe(label);
  }
  const node = await attackInNode(linearModel(), data, { kernel: 'wasm', seed: 2, target: 'random' });
  expect(Math.abs((summary.meanL2 as number) / (node.summary.meanL2 as number) - 1)).toBeLessThan(1e-3);
});

test('beside the wasm kernel, what only Node has is refused', async () => {
  const data = linearImages(3);
  await expect(attack(linearModel(), data, { kernel: 'native' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  const wasm = readFileSync(new URL('../../dist/wasm/blindspot.wasm', import.meta.url));
  await expect(attack(linearModel(), data, { wasm, provider: 'cpu' })).rejects.toMatchObject({
    code: 'PROVIDER_UNAVAILABLE',
  });
});
