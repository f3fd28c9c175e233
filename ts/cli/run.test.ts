import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linearImages, linearModel, PIXELS } from '../attack/testing/linear_classifier.ts';
import type { NpyArray } from '../data/npy.ts';
import { formatNpz } from '../data/npz.ts';
import { recordedRun } from './testing/recorded_run.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-cli-'));
const at = (...names: string[]) => path.join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

const COUNT = 6;
const { images, labels } = linearImages(COUNT);

/** An .npz of images that the linear model takes, with some arrays replaced. */
function writeData(name: string, arrays: Record<string, NpyArray> = {}): string {
  const file = at(name);
  writeFileSync(
    file,
    formatNpz({
      images: { shape: [COUNT, PIXELS], data: images },
      labels: { shape: [COUNT], data: labels },
      ...arrays,
    }),
  );
  return file;
}

function writePixels(name: string, change: (pixels: Float32Array) => void): string {
  const pixels = images.slice();
  change(pixels);
  return writeData(name, { images: { shape: [COUNT, PIXELS], data: pixels } });
}

/** The linear model with an operator that is not supported in front. */
function unsupportedModel(): Uint8Array {
  const dim = [
    { value: { case: 'dimParam' as const, value: 'N' } },
    { value: { case: 'dimValue' as const, value: 16n } },
  ];
  const type = { value: { case: 'tensorType' as const, value: { elemType: 1, shape: { dim } } } };
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 17n }],
      graph: {
        name: 'g',
        node: [{ opType: 'Loop', name: 'again', input: ['image'], output: ['scores'] }],
        input: [{ name: 'image', type }],
        output: [{ name: 'scores', type }],
      },
    }),
  );
}

beforeAll(async () => {
  writeFileSync(at('model.onnx'), linearModel());
  writeFileSync(at('text.onnx'), 'this is no model');
  writeFileSync(at('half.onnx'), linearModel().slice(0, 150));
  writeFileSync(at('loop.onnx'), unsupportedModel());
  writeFileSync(at('nan.onnx'), linearModel(Number.NaN));
  writeData('data.npz');
  await mkdir(at('photos', '0'), { recursive: true });
  const grey = sharp({ create: { width: 4, height: 4, channels: 3, background: '#808080' } });
  await grey.png().toFile(at('photos', '0', 'good.png'));
  writeFileSync(at('photos', '0', 'worse.png'), 'not a picture');
});

const attackOf = (changes: Record<string, string>) =>
  Object.entries({ model: at('model.onnx'), data: at('data.npz'), out: at('out'), ...changes }).flatMap(
    ([name, value]) => [`--${name}`, value],
  );

const attack =
  (changes: Record<string, string> = {}) =>
  () => ['attack', ...attackOf(changes)];
const labelsOf = (...values: number[]): NpyArray => ({ shape: [values.length], data: Int32Array.from(values) });

describe('a mistake is one line on stderr, exit code 2, and leaves nothing behind', () => {
  const cases: [what: string, argv: () => string[], message: RegExp][] = [
    ['no ONNX file', attack({ model: at('text.onnx') }), /Not an ONNX model/],
    ['a truncated ONNX file', attack({ model: at('half.onnx') }), /truncated or damaged/],
    ['an unsupported operator', attack({ model: at('loop.onnx') }), /Operator Loop \(node "again"\) is not supported/],
    ['weights that are not finite', attack({ model: at('nan.onnx') }), /weights.*(NaN|not finite)/i],
    ['no model', attack({ model: at('absent.onnx') }), /There is no model at .*absent\.onnx/],
    ['a folder without a model', attack({ model: at('photos') }), /There is no model at .*photos\/model\.onnx/],
    ['no data', attack({ data: at('absent.npz') }), /There is no data .* at .*absent\.npz/],
    [
      'data of another kind',
      attack({ data: at('model.onnx') }),
      /mnist, cifar10, a folder of images or an \.npz file for data/,
    ],
    ['a split that is not there', attack({ data: 'mnist:validation' }), /mnist:train, mnist:test/],
    [
      'images of another size',
      () => attack({ data: writeData('wide.npz', { images: { shape: [COUNT, 4, 2, 2], data: images } }) })(),
      /The model takes images of shape \[16\] but .*wide\.npz has \[4, 2, 2\]/,
    ],
    [
      'NaN in images',
      () => attack({ data: writePixels('nan.npz', (pixels) => pixels.fill(Number.NaN, 5, 6)) })(),
      /a pixel that is NaN at image 0, pixel 5/,
    ],
    [
      'pixels outside [0, 1]',
      () => attack({ data: writePixels('bright.npz', (pixels) => pixels.fill(1.5, 16, 17)) })(),
      /a pixel of 1\.5 at image 1, pixel 0/,
    ],
    [
      'labels outside the classes',
      () => attack({ data: writeData('labels.npz', { labels: labelsOf(0, 1, 2, 3, 0, 0) }) })(),
      /has label 3 at image 3: labels must be in 0 … 2/,
    ],
    [
      'empty data',
      () =>
        attack({
          data: writeData('empty.npz', {
            images: { shape: [0, PIXELS], data: new Float32Array() },
            labels: labelsOf(),
          }),
        })(),
      /holds no images/,
    ],
    [
      'a file that is no .npz',
      () => {
        writeFileSync(at('torn.npz'), 'PK');
        return attack({ data: at('torn.npz') })();
      },
      /is not a readable \.npz file/,
    ],
    ['an image that cannot be read', attack({ data: at('photos') }), /Cannot read the image .*worse\.png/],
    [
      'a target equal to the label',
      () => attack({ target: 'labels', data: writeData('same.npz', { targets: labelsOf(1, 1, 0, 1, 2, 0) }) })(),
      /has target 1 equal to the label at image 1/,
    ],
    ['one target for all that is a label', attack({ target: '0' }), /has label 0 at image 0, which is the target/],
    ['targets that the data does not have', attack({ target: 'labels' }), /has no targets/],
    ['a target that is no class', attack({ target: '3' }), /a class of the model, 0 to 2, for target but received 3/],
    [
      'an unknown target',
      attack({ target: 'nearest' }),
      /Expected none, random, least-likely, labels or a class index/,
    ],
    ['a count over the data', attack({ count: '7' }), /has 6 images but count asks for 7/],
    ['a count of nothing', attack({ count: '0' }), /'--count <n>'.*Expected a whole number of at least 1/],
    ['an unknown method', attack({ method: 'fgsm' }), /'fgsm' is invalid\. Allowed choices are boundary, penalty/],
    ['an unknown effort', attack({ effort: 'some' }), /Allowed choices are fast, thorough/],
    ['an unknown provider', attack({ provider: 'tpu' }), /Allowed choices are cpu, cuda, webgpu, wasm/],
    ['an unknown kernel', attack({ kernel: 'rust' }), /Allowed choices are auto, native, wasm/],
    ['bits beyond 16', attack({ quantize: '17' }), /Expected a whole number from 0 to 16/],
    ['bytes that are none', attack({ 'max-memory': 'much' }), /Expected bytes, such as 2G/],
    ['too little memory', attack({ 'max-memory': '100' }), /at least \d+ bytes/],
    ['an output folder under a file', attack({ out: at('data.npz', 'out') }), /Cannot write into .*data\.npz/],
    ['an output folder that is a file', attack({ out: at('data.npz') }), /Cannot write into .*data\.npz: it is a file/],
    [
      'a missing option',
      () => ['attack', '--model', at('model.onnx'), '--data', at('data.npz')],
      /required option '--out <dir>' not specified/,
    ],
    ['an unknown option', attack({ outt: 'x' }), /unknown option '--outt' \(Did you mean --out\?\)/],
    ['an unknown command', () => ['atack'], /unknown command 'atack' \(Did you mean attack\?\)/],
    ['too many arguments', () => [...attack()(), 'more'], /too many arguments/],
    [
      'an unknown model to train',
      () => ['train', '--model', 'resnet', '--data', at('data.npz'), '--out', at('out')],
      /one of fc10, .*convnet.* for model but received "resnet"/,
    ],
    [
      'training data of another size',
      () => ['train', '--model', 'fc10', '--data', at('data.npz'), '--out', at('out')],
      /takes images of shape \[784\] but .* has \[16\]/,
    ],
    [
      'training for no epoch',
      () => ['train', '--model', 'fc10', '--data', 'mnist', '--epochs', '0', '--out', at('out')],
      /Expected a whole number of at least 1/,
    ],
    [
      'an adversarial step of no norm',
      () => ['train', '--model', 'fc10', '--data', 'mnist', '--adversarial', 'l3=1', '--out', at('out')],
      /Expected l2=RADIUS or linf=RADIUS/,
    ],
    [
      'an adversarial step at a layer that is not there',
      () => ['train', '--model', 'fc10', '--data', 'mnist', '--adversarial', 'l2=1@hidden1', '--out', at('out')],
      /one of the places input of fc10\(1e-4\) for adversarial but received "hidden1"/,
    ],
    [
      'an average that never moves',
      () => ['train', '--model', 'fc10', '--data', 'mnist', '--average-weights', '1', '--out', at('out')],
      /Expected a number over 0 and under 1/,
    ],
    [
      'training into a file',
      () => ['train', '--model', 'fc10', '--data', 'mnist', '--out', at('data.npz')],
      /Cannot write into .*data\.npz/,
    ],
    [
      'more training images than there are',
      () => ['train', '--model', 'fc10', '--data', 'mnist', '--count', '60001', '--out', at('out')],
      /MNIST train has 60000 images/,
    ],
  ];

  test.each(cases)('%s', async (_what, argv, message) => {
    const words = argv();
    const before = readdirSync(folder);
    const { code, out, err } = await recordedRun(words);
    expect(err).toMatch(message);
    expect(err).toMatch(/^error: [^\n]+\n$/);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(readdirSync(folder)).toEqual(before);
    expect(existsSync(at('out'))).toBe(false);
  });
});

describe('help', () => {
  test('without arguments tells the three steps', async () => {
    const { code, out, err } = await recordedRun([]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('npx blindspot train --model fc100-100-10 --data mnist --out out/fc');
    expect(out).toContain('npx blindspot attack --model out/fc/model.onnx --data mnist --count 100 --out out/attack');
  });

  test.each(['train', 'attack'])('of %s has examples that name its options rightly', async (command) => {
    const { code, out, err } = await recordedRun([command, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const listed = new Set(out.match(/^ {2}(?:-h, )?--[\w-]+/gm)?.map((option) => option.replace(/^.*--/, '')));
    const used =
      out
        .split('Examples:')[1]
        ?.match(/ --[\w-]+ /g)
        ?.map((option) => option.trim().slice(2)) ?? [];
    expect(used.length).toBeGreaterThan(5);
    for (const option of used) expect(listed).toContain(option);
  });

  test('the version is that of the package', async () => {
    expect(await recordedRun(['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});

describe('in a pipeline', () => {
  const base = () => ['attack', '--model', at('model.onnx'), '--data', at('data.npz'), '--out', at('gated')];

  test('a gate that is not met ends with 1 and one line why, one that is met with 0', async () => {
    const failed = await recordedRun([...base(), '--fail-under', 'l2=100']);
    expect(failed.code).toBe(1);
    expect(failed.out).toMatch(/\nGATE {8}l2=100: not met, [\d.]+\n$/);
    const passed = await recordedRun([...base(), '--fail-under', 'robust-accuracy@0=0.5']);
    expect([passed.code, passed.out.includes('robust-accuracy@0=0.5: met, 1')]).toEqual([0, true]);
  });

  test('prints one document for machines, and nothing else', async () => {
    const { out, code } = await recordedRun([...base(), '--format', 'json', '--baseline', at('gated', 'results.json')]);
    expect(code).toBe(0);
    const { summary, gates, baseline } = JSON.parse(out);
    expect([summary.images, gates, baseline]).toEqual([COUNT, [], { images: COUNT, nearer: [], further: [] }]);
    const { out: xml } = await recordedRun([...base(), '--format', 'junit', '--fail-under', 'l2=0']);
    expect(xml).toMatch(/^<\?xml .*\n<testsuite name="blindspot" tests="1" failures="0">/);
  });

  test('a gate that is none is a mistake', async () => {
    const { code, err } = await recordedRun([...base(), '--fail-under', 'accuracy=1']);
    expect([code, err]).toEqual([
      2,
      'error: Expected distortion=0.01, l2=0.5 or robust-accuracy@0.02=0.9 for fail-under but received "accuracy=1" of type string\n',
    ]);
  });
});
