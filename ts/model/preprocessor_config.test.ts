import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPreprocessor } from './find_preprocessor.ts';
import { withPreprocessor } from './preprocessor.ts';
import { parsePreprocessorConfig, preprocessorText } from './preprocessor_config.ts';

const parse = (json: object) => parsePreprocessorConfig(JSON.stringify(json), 'preprocessor_config.json');
const HALF = [0.5, 0.5, 0.5];

describe('preprocessor_config.json', () => {
  test.each([
    [
      'ViT, new',
      {
        ...{ image_processor_type: 'ViTImageProcessor', do_rescale: true, rescale_factor: 0.00392156862745098 },
        ...{ do_normalize: true, image_mean: HALF, image_std: HALF, do_resize: true, do_convert_rgb: null },
        size: { height: 224, width: 224 },
      },
      { mean: HALF, std: HALF, defaultSize: [224, 224] },
      { resize: 'exact' },
    ],
    [
      'ViT, of an old feature extractor',
      {
        feature_extractor_type: 'ViTFeatureExtractor',
        ...{ do_normalize: true, image_mean: HALF, image_std: HALF, do_resize: true, size: 224, resample: 2 },
      },
      { mean: HALF, std: HALF, defaultSize: [224, 224] },
      { resize: 'exact' },
    ],
    [
      'ConvNeXt with its crop',
      {
        feature_extractor_type: 'ConvNextFeatureExtractor',
        size: 224,
        crop_pct: 0.875,
        image_mean: 0.5,
        image_std: 0.25,
      },
      { mean: [0.5], std: [0.25], defaultSize: [224, 224] },
      { resize: 'cover', cropFraction: 0.875 },
    ],
    [
      'ConvNeXt without its crop',
      { image_processor_type: 'ConvNextImageProcessor', size: { shortest_edge: 384 }, crop_pct: null },
      { defaultSize: [384, 384] },
      { resize: 'exact' },
    ],
    [
      'MobileNet, -1 to 1',
      {
        ...{ image_processor_type: 'MobileNetV2ImageProcessor', size: { shortest_edge: 256 }, do_center_crop: true },
        ...{ crop_size: { height: 224, width: 224 }, image_mean: HALF, image_std: HALF },
      },
      { mean: HALF, std: HALF, defaultSize: [224, 224] },
      { resize: 'cover', cropFraction: 0.875 },
    ],
    [
      'BEiT: scaled to 256 by 256, the middle kept',
      { feature_extractor_type: 'BeitFeatureExtractor', size: 256, do_center_crop: true, crop_size: 224 },
      { defaultSize: [224, 224] },
      { resize: 'exact', cropFraction: 0.875 },
    ],
    [
      'CLIP, the size of its shortest edge as one number',
      { feature_extractor_type: 'CLIPFeatureExtractor', size: 224, do_center_crop: true, crop_size: 224 },
      { defaultSize: [224, 224] },
      { resize: 'cover' },
    ],
    [
      'MobileViT: blue first, no statistics',
      { do_flip_channel_order: true, size: { shortest_edge: 288 }, crop_size: { height: 256, width: 256 } },
      { channels: 'bgr', defaultSize: [256, 256] },
      { resize: 'cover', cropFraction: 256 / 288 },
    ],
    [
      'blue first after its statistics, which are of red first',
      { do_flip_channel_order: true, image_mean: [0.1, 0.2, 0.3], image_std: [1, 2, 3] },
      { channels: 'bgr', mean: [0.3, 0.2, 0.1], std: [3, 2, 1] },
      {},
    ],
    [
      'EfficientNet: an offset of rescaling, and the deviation twice',
      {
        ...{ image_processor_type: 'EfficientNetImageProcessor', rescale_factor: 1 / 127.5, rescale_offset: true },
        ...{ image_mean: [0, 0, 0], image_std: [0.5, 1, 2], include_top: true },
      },
      { range: [-1, 1], mean: [0, 0, 0], std: [0.25, 1, 4] },
      {},
    ],
    ['no rescaling: 0 to 255', { do_rescale: false, do_normalize: false, image_mean: HALF }, { range: [0, 255] }, {}],
    ['no resizing', { do_resize: false, size: 224 }, { defaultSize: [224, 224] }, {}],
  ])('%s', (_what, json, input, pictures) => {
    expect(parse(json)).toEqual({ file: 'preprocessor_config.json', input, pictures });
  });

  test.each([
    [{ image_mean: ['a'] }, 'expected a number or one for each channel for image_mean but received ["a"]'],
    [{ image_mean: HALF, image_std: [0.5, 0, 0.5] }, 'for image_std but received [0.5,0,0.5]'],
    [{ rescale_factor: 0 }, 'expected a number over 0 for rescale_factor but received 0'],
    [{ do_resize: 'yes' }, 'expected true or false for do_resize but received "yes"'],
    [{ size: { width: 3 } }, 'for size but received {"width":3}'],
    [{ crop_pct: 1.5 }, 'for crop_pct but received 1.5'],
    [{ do_normalize: true, image_mean: HALF }, 'it normalises but has no image_std'],
  ])('%j is told by its key', (json, message) => {
    expect(() => parse(json)).toThrow(message);
    expect(() => parse(json)).toThrow(/^preprocessor_config\.json: /);
  });

  test('what is no JSON is told', () => {
    expect(() => parsePreprocessorConfig('{', 'x.json')).toThrow('x.json is not JSON; --preprocessor none');
    expect(() => parsePreprocessorConfig('[]', 'x.json')).toThrow('x.json: expected an object');
  });

  test('what is given wins; a range that is given sets its statistics aside', () => {
    const config = parse({ image_mean: HALF, image_std: HALF, do_flip_channel_order: true });
    expect(withPreprocessor({ std: [2] }, config)).toEqual({ mean: HALF, std: [2], channels: 'bgr' });
    expect(withPreprocessor({ range: [0, 255] }, config)).toEqual({ range: [0, 255], channels: 'bgr' });
    expect(withPreprocessor({ channels: 'rgb' }, undefined)).toEqual({ channels: 'rgb' });
    expect(withPreprocessor(undefined, parse({}))).toBeUndefined();
  });

  test('is told in one line', () => {
    expect(
      preprocessorText(parse({ image_mean: 0.5, image_std: 0.25, crop_pct: 0.9, size: 224, do_rescale: false })),
    ).toBe('pixels 0..255; mean 0.5; std 0.25; size 224,224; resize cover; crop fraction 0.9');
    expect(preprocessorText(parse({}))).toBe('pixels as they are');
  });
});

describe('the one that belongs to a model', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'blindspot-preprocessor-'));
    await mkdir(path.join(folder, 'onnx'));
    await mkdir(path.join(folder, 'weights'));
    await writeFile(path.join(folder, 'preprocessor_config.json'), '{"do_rescale": false}');
    await writeFile(path.join(folder, 'other.json'), '{"do_flip_channel_order": true}');
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('lies beside it, or above a folder called onnx', async () => {
    const expected = { range: [0, 255] };
    for (const model of ['model.onnx', 'onnx/model.onnx']) {
      const place = path.join(folder, model);
      expect((await findPreprocessor(undefined, place))?.input, model).toEqual(expected);
      expect((await findPreprocessor(undefined, pathToFileURL(place)))?.input, model).toEqual(expected);
    }
    expect(await findPreprocessor(undefined, path.join(folder, 'weights', 'model.onnx'))).toBeUndefined();
    expect(await findPreprocessor(undefined, 'https://example.org/model.onnx')).toBeUndefined();
    expect(await findPreprocessor(undefined, undefined)).toBeUndefined();
  });

  test('is another when told, or none', async () => {
    const model = path.join(folder, 'model.onnx');
    expect((await findPreprocessor(path.join(folder, 'other.json'), model))?.input).toEqual({ channels: 'bgr' });
    expect(await findPreprocessor(false, model)).toBeUndefined();
    await expect(findPreprocessor(path.join(folder, 'gone.json'), model)).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
  });
});
