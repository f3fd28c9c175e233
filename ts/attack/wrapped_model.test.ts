import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { InputOptions } from '../onnx/preprocessing.ts';
import { rawFloats, rawModel, rawNode, rawValue } from '../onnx/testing/raw_model.ts';
import { createSession } from '../runtime/node_session.ts';
import { openModel, saveWrappedModel } from './attack.ts';

const WEIGHTS = [1, -2, 3, 0.5, 0.25, -1];

/** [N, 3, 2, 2] (or [N, 2, 2, 3]) to two scores, by the mean of each channel. */
function colours(options: { type?: number; nhwc?: boolean; end?: string; batch?: number | string } = {}) {
  const { type = 1, nhwc = false, batch = 'N' } = options;
  const one = options.end === 'Sigmoid';
  return rawModel(13, {
    node: [
      rawNode('Cast', ['x'], ['pixels'], { to: 1n }),
      ...(nhwc ? [rawNode('Transpose', ['pixels'], ['planes'], { perm: [0n, 3n, 1n, 2n] })] : []),
      rawNode('GlobalAveragePool', [nhwc ? 'planes' : 'pixels'], ['pool']),
      rawNode('Flatten', ['pool'], ['flat']),
      rawNode('MatMul', ['flat', 'w'], ['z']),
      rawNode(options.end ?? 'Identity', ['z'], ['y']),
    ],
    initializer: [rawFloats('w', [3, one ? 1 : 2], one ? WEIGHTS.slice(0, 3) : WEIGHTS)],
    input: [rawValue('x', nhwc ? [batch, 2, 2, 3] : [batch, 3, 2, 2], type)],
    output: [rawValue('y', [batch, one ? 1 : 2])],
  });
}

const images = Float32Array.from({ length: 24 }, (_, i) => ((7 * i) % 24) / 23);

describe('a wrapped model', () => {
  test.each<[string, Uint8Array, InputOptions | undefined]>([
    ['as it is', colours(), undefined],
    ['mean and std', colours(), { mean: 'imagenet', std: 'imagenet' }],
    ['blue first, 0 to 255', colours(), { range: [0, 255], channels: 'bgr', mean: [104, 117, 123] }],
    ['channels last', colours({ nhwc: true }), { channels: 'bgr', mean: [0.1, 0.2, 0.3], std: [0.5] }],
    ['half precision', colours({ type: 10 }), { mean: [0.1, 0.2, 0.3] }],
    ['bytes', colours({ type: 2 }), undefined],
    ['probabilities', colours({ end: 'Softmax' }), { range: [-1, 1] }],
    ['one probability', colours({ end: 'Sigmoid' }), { range: [-1, 1] }],
    ['one image at a time', colours({ batch: 1 }), { mean: [0.5], std: [0.25] }],
  ])('%s: plain ONNX Runtime answers as the model does', async (_what, bytes, input) => {
    await using model = await openModel(bytes, { input });
    const { logits } = await model.predict(images);
    await using session = await createSession(model.wrapped());
    expect(session.inputs.map(({ name }) => name)).toHaveLength(1);
    const [name = ''] = session.inputs.map((own) => own.name);
    const [output = ''] = session.outputs.map((own) => own.name);
    for (let row = 0; row < 2; row++) {
      const data = images.subarray(12 * row, 12 * row + 12);
      const { [output]: scores } = await session.run({ [name]: { data, dims: [1, ...model.imageShape] } });
      expect(scores?.dims).toEqual([1, 2]);
      const [a = 0, b = 0] = scores?.data ?? [];
      const [c = 0, d = 0] = logits.subarray(2 * row, 2 * row + 2);
      const isProbability = Math.abs(a + b - 1) < 1e-6 && a > 0 && b > 0 && /probabilit/.test(_what);
      expect(isProbability ? Math.log(b / a) : b - a).toBeCloseTo(d - c, isProbability ? 4 : 12);
    }
  });

  test('is the same model when it is opened again', async () => {
    await using model = await openModel(colours(), { input: { mean: 'imagenet', std: 'imagenet', channels: 'bgr' } });
    await using again = await openModel(model.wrapped());
    expect(again.imageShape).toEqual(model.imageShape);
    expect(await again.predict(images)).toEqual(await model.predict(images));
  });

  test('is written whole, its folder made', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'blindspot-wrapped-'));
    try {
      const file = path.join(folder, 'deep', 'wrapped.onnx');
      const input = { mean: 'imagenet', std: 'imagenet' } as const;
      await saveWrappedModel(file, colours(), { input });
      await using model = await openModel(colours(), { input });
      expect(new Uint8Array(await readFile(file))).toEqual(model.wrapped());
      await saveWrappedModel(file, model);
      expect(await readdir(path.dirname(file))).toEqual(['wrapped.onnx']);
      await expect(saveWrappedModel('', model)).rejects.toThrow('Expected a path for file');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
