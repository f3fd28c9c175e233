import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawModel, rawValue } from '../onnx/testing/raw_model.ts';
import { readClassNames } from './class_names.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'blindspot-names-'));
});
afterAll(() => rm(folder, { recursive: true }));
const write = async (name: string, text: string) => {
  await writeFile(path.join(folder, name), text);
  return path.join(folder, name);
};

describe('class names', () => {
  test.each([
    ['one a line', 'cat\r\ndog\n\n'],
    ['a JSON array', '["cat", "dog"]'],
    ['a JSON object by index', '{"1": "dog", "0": "cat"}'],
    ['id2label', '{"model_type": "vit", "id2label": {"0": "cat", "1": "dog"}}'],
  ])('told as %s', async (_what, text) => {
    expect(await readClassNames(await write('names', text), 'model.onnx', 2)).toEqual(['cat', 'dog']);
  });

  test('those of ImageNet', async () => {
    const names = await readClassNames('imagenet', 'model.onnx', 1000);
    expect(names?.[9]).toBe('ostrich, Struthio camelus');
  });

  test('of another number are refused when told', async () => {
    await expect(readClassNames(await write('three', 'a\nb\nc'), 'model.onnx', 2)).rejects.toThrow(
      /three holds 3 class names but the model has 2 classes/,
    );
    await expect(readClassNames(await write('none', '{"a": 1}'), 'model.onnx', 2)).rejects.toThrow(
      'holds no list of names',
    );
  });

  test.each([
    ['names', "{0: 'tench, \\'Tinca\\'', 1: \"it's\"}", ["tench, 'Tinca'", "it's"]],
    ['names', "['a: 1', 'caf\\xe9',]", ['a: 1', 'caf\u00e9']],
    ['names', "{0: \"1: 'x'\", 1: '\\u00e9\\\\'}", ["1: 'x'", '\u00e9\\']],
    ['id2label', '{"1": "dog", "0": "cat"}', ['cat', 'dog']],
    ['classes', '["cat", "dog"]', ['cat', 'dog']],
    ['labels', 'cat\r\ndog\n', ['cat', 'dog']],
    ['labels', 'cat, dog', ['cat', 'dog']],
    ['names', "{0: 'cat', 2: 'dog'}", undefined],
    ['names', '{broken', undefined],
    ['stride', '[1, 2]', undefined],
  ])('in the metadata of the file: %s %s', async (key, value, expected) => {
    const proto = fromBinary(ModelProtoSchema, rawModel(13, { output: [rawValue('y', ['N', 2])] }));
    const entry = create(StringStringEntryProtoSchema, { key, value });
    const bytes = toBinary(ModelProtoSchema, { ...proto, metadataProps: [entry] });
    expect(await readClassNames(undefined, path.join(folder, 'bare', 'm.onnx'), 2, bytes)).toEqual(expected);
    expect(await readClassNames(undefined, path.join(folder, 'bare', 'm.onnx'), 3, bytes)).toBeUndefined();
  });

  test('found above a folder called onnx', async () => {
    await mkdir(path.join(folder, 'hub', 'onnx'), { recursive: true });
    await write('hub/config.json', '{"id2label": {"0": "cat", "1": "dog"}}');
    expect(await readClassNames(undefined, path.join(folder, 'hub', 'onnx', 'model.onnx'), 2)).toEqual(['cat', 'dog']);
  });

  test('found beside the model where they are as many as its classes', async () => {
    const model = path.join(folder, 'model.onnx');
    expect(await readClassNames(undefined, model, 2)).toBeUndefined();
    await write('config.json', '{"id2label": {"0": "cat", "1": "dog"}}');
    expect(await readClassNames(undefined, model, 2)).toEqual(['cat', 'dog']);
    expect(await readClassNames(undefined, model, 3)).toBeUndefined();
    await write('labels.txt', 'a\nb\nc\n');
    expect(await readClassNames(undefined, model, 3)).toEqual(['a', 'b', 'c']);
  });
});
