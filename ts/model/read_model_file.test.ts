import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readModel } from '../onnx/read_model.ts';
import { rawFloats, rawModel, rawNode, rawValue } from '../onnx/testing/raw_model.ts';
import { readModelFile } from './read_model_file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'blindspot-model-'));
  await mkdir(path.join(folder, 'inner'));
  const values = new Uint8Array(Float32Array.of(9, 9, 1, 2, 3, 4).buffer);
  for (const place of ['weights.bin', 'inner/weights.bin']) await writeFile(path.join(folder, place), values);
});
afterAll(() => rm(folder, { recursive: true }));

const model = (initializer: object) =>
  rawModel(13, {
    node: [rawNode('MatMul', ['x', 'w'], ['y'])],
    initializer: [initializer as never],
    input: [rawValue('x', ['N', 2])],
    output: [rawValue('y', ['N', 2])],
  });
const external = (location: string, length = '16') =>
  model({
    name: 'w',
    dims: [2n, 2n],
    dataType: 1,
    dataLocation: 1,
    externalData: [
      { key: 'location', value: location },
      { key: 'offset', value: '8' },
      { key: 'length', value: length },
    ],
  });

async function read(name: string, bytes: Uint8Array) {
  const file = path.join(folder, name);
  await writeFile(file, bytes);
  return [...(readModel(await readModelFile(file)).initializers.get('w')?.data ?? [])];
}

describe('a model file', () => {
  test('compressed', async () => {
    expect(await read('model.onnx.gz', gzipSync(model(rawFloats('w', [2, 2], [1, 2, 3, 4]))))).toEqual([1, 2, 3, 4]);
    await expect(
      read('half.onnx.gz', gzipSync(model(rawFloats('w', [2, 2], [1, 2, 3, 4]))).subarray(0, 60)),
    ).rejects.toThrow(/^Cannot unpack the model .*half\.onnx\.gz/);
  });

  test.each(['weights.bin', 'inner/weights.bin', './weights.bin'])('with weights in %s', async (location) => {
    expect(await read('external.onnx', external(location))).toEqual([1, 2, 3, 4]);
  });

  test.each(['../weights.bin', '/etc/hostname', 'inner/../../weights.bin', ''])(
    'weights in %j, outside its folder: refused, nothing is read',
    async (location) => {
      await expect(read('external.onnx', external(location))).rejects.toThrow('which is not in its own folder');
    },
  );

  test('weights that are missing, or too short', async () => {
    await expect(read('external.onnx', external('lost.bin'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(read('external.onnx', external('weights.bin', '17'))).rejects.toThrow(
      'Weights "w" are bytes 8 to 25 of weights.bin, which has 24; copy it again',
    );
  });
});
