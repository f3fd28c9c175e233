import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatNpy, type NpyArray, type NpyData, parseNpy } from './npy.ts';
import { formatNpz, imageSetFromNpz, parseNpz } from './npz.ts';

const ARRAYS: Record<string, NpyArray> = {
  bytes: { shape: [2, 3], data: Uint8Array.of(0, 1, 2, 253, 254, 255) },
  signed: { shape: [2], data: Int8Array.of(-128, 127) },
  shorts: { shape: [3], data: Int16Array.of(-32768, 0, 32767) },
  words: { shape: [2], data: Uint16Array.of(0, 65535) },
  ints: { shape: [2, 1], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
  uints: { shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
  longs: { shape: [2], data: BigInt64Array.of(-(2n ** 63n), 7n) },
  ulongs: { shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  floats: { shape: [1, 2, 2], data: Float32Array.of(0.1, -1e30, Number.NaN, Number.POSITIVE_INFINITY) },
  doubles: { shape: [2], data: Float64Array.of(Math.PI, 5e-324) },
  scalar: { shape: [], data: Float64Array.of(2.5) },
  empty: { shape: [0, 4], data: new Float32Array(0) },
};

/** A .npy file of one's own header. */
function rawNpy(header: string, values: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...length, ...text, ...values);
}

describe('npy', () => {
  test.each(Object.entries(ARRAYS))('%s comes back as it was', (_, array) => {
    const read = parseNpy(formatNpy(array), 'array');
    expect(read).toEqual(array);
    expect(read.data.constructor).toBe(array.data.constructor);
  });

  test('the header is as NumPy writes it: ends with a line feed, values at a multiple of 64', () => {
    const bytes = formatNpy({ shape: [3], data: Int32Array.of(1, 2, 3) });
    const length = (bytes[8] as number) + 256 * (bytes[9] as number);
    expect((10 + length) % 64).toBe(0);
    const header = new TextDecoder().decode(bytes.subarray(10, 10 + length));
    expect(header).toMatch(/^\{'descr': '<i4', 'fortran_order': False, 'shape': \(3,\), \} *\n$/);
  });

  test('reads format 2.0, a view in the middle of a buffer, and bool', () => {
    const header = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }\n";
    const bytes = rawNpy(header, Uint8Array.of(1, 0), 2);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(parseNpy(shifted.subarray(3), 'array')).toEqual({ shape: [2], data: Uint8Array.of(1, 0) });
  });

  const header = (descr: string, shape: string, order = 'False') =>
    `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

  test.each([
    ['no magic', new Uint8Array(100), 'does not begin with'],
    ['nothing', new Uint8Array(0), 'does not begin with'],
    [
      'a version to come',
      rawNpy(header('<f4', '(1,)'), new Uint8Array(4), 9),
      'expected format 1.0 to 3.0 but received 9',
    ],
    ['objects', rawNpy(header('|O', '(1,)'), new Uint8Array(8)), 'but received |O'],
    [
      'too few values',
      rawNpy(header('<f4', '(3,)'), new Uint8Array(8)),
      'expected 12 bytes for shape (3) but received 8',
    ],
    ['a huge shape', rawNpy(header('<f8', '(1000000, 1000000)'), new Uint8Array(8)), 'but received 8'],
    ['a negative size', rawNpy(header('<f4', '(-1,)'), new Uint8Array(0)), 'its header is'],
    [
      'records',
      rawNpy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", new Uint8Array(4)),
      'its header',
    ],
    ['a cut header', rawNpy(header('<f4', '(1,)'), new Uint8Array(4)).subarray(0, 30), 'truncated in its header'],
  ])('says what is wrong with %s', (_, bytes, message) => {
    expect(() => parseNpy(bytes, 'array')).toThrow(expect.objectContaining({ code: 'INVALID_DATA' }));
    expect(() => parseNpy(bytes, 'array')).toThrow(message);
  });
});

describe('npz', () => {
  test.each([true, false])('archives come back (compressed: %s), the same bytes each time', (compress) => {
    const bytes = formatNpz(ARRAYS, { compress });
    expect(Object.fromEntries(parseNpz(bytes))).toEqual(ARRAYS);
    expect(formatNpz(ARRAYS, { compress })).toEqual(bytes);
  });

  test('what is no zip, or a cut one, is said so', () => {
    const bytes = formatNpz(ARRAYS);
    for (const wrong of [new Uint8Array(50), bytes.subarray(0, bytes.length / 2)]) {
      expect(() => parseNpz(wrong, { source: 'x.npz' })).toThrow(/^x\.npz is not a readable \.npz file/);
    }
  });

  test('the limit counts before anything is unpacked', () => {
    const bomb = formatNpz({ images: { shape: [1 << 24], data: new Uint8Array(1 << 24) } });
    expect(bomb.length).toBeLessThan(100_000);
    expect(() => parseNpz(bomb, { maxBytes: 1 << 20 })).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }));
  });
});

describe('imageSetFromNpz', () => {
  const archive = (images: NpyArray, labels: NpyData = Int32Array.of(1, 2), more: Record<string, NpyArray> = {}) =>
    formatNpz({ images, labels: { shape: [labels.length], data: labels }, ...more });
  const filled = (shape: number[], data: Float32Array | Float64Array | Uint8Array): NpyArray => ({
    shape,
    data: data.map((_, i) => (data instanceof Uint8Array ? i * 51 : i / 8)),
  });

  test('uint8 is divided by 255', () => {
    const set = imageSetFromNpz(archive(filled([2, 1, 3], new Uint8Array(6))), { source: 'x.npz' });
    expect([...set.images]).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1].map(Math.fround));
    expect([set.count, set.shape, set.source]).toEqual([2, [1, 3], 'x.npz']);
  });

  test.each([
    [[2, 4], [4]],
    [
      [2, 2, 2],
      [2, 2],
    ],
    [
      [2, 2, 1, 3],
      [2, 1, 3],
    ],
    [
      [2, 3, 2, 1],
      [3, 2, 1],
    ],
  ])('images %j have shape %j', (shape, expected) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const set = imageSetFromNpz(archive(filled(shape, new Float32Array(size))));
    expect(set.shape).toEqual(expected);
    expect(set.images[3]).toBe(0.375);
  });

  test('float64 images and every integer type of labels', () => {
    for (const labels of [Uint8Array.of(1, 2), Int16Array.of(1, 2), BigInt64Array.of(1n, 2n), Uint32Array.of(1, 2)]) {
      const set = imageSetFromNpz(archive(filled([2, 2], new Float64Array(4)), labels));
      expect([...set.labels]).toEqual([1, 2]);
      expect(set.images).toEqual(Float32Array.of(0, 0.125, 0.25, 0.375));
    }
  });

  test('what rounding leaves beyond black and white is cut off, and nothing more', () => {
    const next = 1 + 2 ** -23;
    const pixels = [Float32Array.of(next, -1e-7, 0.5, 1.001), Float64Array.of(next, -1e-7, 0.5, 1.001)];
    for (const data of pixels) {
      const { images } = imageSetFromNpz(archive({ shape: [2, 2], data }));
      expect([...images]).toEqual([1, 0, 0.5, Math.fround(1.001)]);
    }
  });

  test('targets are taken along', () => {
    const targets = { shape: [2], data: BigInt64Array.of(3n, 4n) };
    const set = imageSetFromNpz(archive(filled([2, 2], new Float32Array(4)), undefined, { targets }));
    expect([...(set.targets ?? [])]).toEqual([3, 4]);
  });

  test('targets that are all -1, as an untargeted attack writes them, are none; a single class among them is not', () => {
    const read = (...targets: number[]) =>
      imageSetFromNpz(
        archive(filled([2, 2], new Float32Array(4)), undefined, {
          targets: { shape: [2], data: Int32Array.from(targets) },
        }),
      ).targets;
    expect(read(-1, -1)).toBeUndefined();
    expect(read(-1, 4)).toEqual(Int32Array.of(-1, 4));
  });

  const images = filled([2, 2], new Float32Array(4));
  test.each([
    ['no images', formatNpz({ pictures: images }), 'but found pictures (float32 [2, 2])'],
    [
      'labels of several columns',
      archive(images, undefined, { labels: { shape: [2, 2], data: Float32Array.of(1, 0, 1, 1) } }),
      'row 1 of labels is not one-hot',
    ],
    ['a vector of images', archive(filled([2], new Float32Array(2))), 'but received [2]'],
    ['five dimensions', archive(filled([1, 1, 1, 2, 2], new Float32Array(4))), 'but received [1, 1, 1, 2, 2]'],
    ['integer images', archive({ shape: [2, 1], data: Int32Array.of(1, 2) }), 'but received int32'],
    ['fractions as labels', archive(images, Float32Array.of(1, 2.5)), 'labels holds 2.5, not a class'],
    [
      'another number of labels',
      archive(images, Int32Array.of(1, 2, 3)),
      'labels of shape [2], [2, 1] or one-hot [2, C] but received [3]',
    ],
    [
      'labels beyond int32',
      archive(images, BigInt64Array.of(1n, 2n ** 40n)),
      'labels holds 1099511627776, not a class',
    ],
  ])('says what is wrong with %s', (_, bytes, message) => {
    expect(() => imageSetFromNpz(bytes, { source: 'x.npz' })).toThrow(message);
  });

  test('a file in the zip that is no array is passed over', () => {
    const bytes = zipSync({ 'readme.txt': new Uint8Array(3), 'images.npy': formatNpy(images) });
    expect(imageSetFromNpz(bytes).unlabelled).toBe(true);
  });
});

const numpy = spawnSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!numpy)('NumPy', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'blindspot-npz-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const python = (script: string, ...values: string[]) => {
    const run = spawnSync('python3', ['-c', `import sys, numpy as np\n${script}`, ...values], { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(run.stderr);
    return run.stdout;
  };

  test('reads what we write', async () => {
    const file = path.join(folder, 'ours.npz');
    await writeFile(file, formatNpz(ARRAYS));
    const script = 'for k, v in np.load(sys.argv[1]).items(): print(k, v.dtype, list(v.shape), v.ravel().tolist())';
    const lines = python(script, file).trim().split('\n');
    expect(lines).toContain('bytes uint8 [2, 3] [0, 1, 2, 253, 254, 255]');
    expect(lines).toContain('longs int64 [2] [-9223372036854775808, 7]');
    expect(lines).toContain(`floats float32 [1, 2, 2] [${Math.fround(0.1)}, -1.0000000150474662e+30, nan, inf]`);
    expect(lines).toContain('doubles float64 [2] [3.141592653589793, 5e-324]');
    expect(lines).toContain('empty float32 [0, 4] []');
    expect(lines.length).toBe(Object.keys(ARRAYS).length);
  });

  test.each(['savez', 'savez_compressed'])('writes what we read: %s', async (save) => {
    const file = path.join(folder, `${save}.npz`);
    python(
      `np.${save}(sys.argv[1], images=np.arange(16, dtype='u1').reshape(2, 2, 2, 2), labels=np.array([3, 4]))`,
      file,
    );
    const set = imageSetFromNpz(await readFile(file));
    expect([set.count, set.shape, [...set.labels]]).toEqual([2, [2, 2, 2], [3, 4]]);
    expect(set.images[15]).toBe(Math.fround(15 / 255));
  });
});

describe('arrays as people have them', () => {
  const header = (descr: string, shape: string, order = 'False') =>
    `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

  test('half precision and big-endian', () => {
    // 1.0, -2.0 and 0.5 as halves.
    const half = rawNpy(header('<f2', '(3,)'), Uint8Array.of(0, 0x3c, 0, 0xc0, 0, 0x38));
    expect(parseNpy(half, 'x').data).toEqual(Float32Array.of(1, -2, 0.5));
    const big = rawNpy(header('>f4', '(2,)'), Uint8Array.of(0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0));
    expect(parseNpy(big, 'x').data).toEqual(Float32Array.of(1, -2));
  });

  test('Fortran order', () => {
    // [[0, 1, 2], [3, 4, 5]] by columns.
    const columns = rawNpy(header('|u1', '(2, 3)', 'True'), Uint8Array.of(0, 3, 1, 4, 2, 5));
    expect(parseNpy(columns, 'x').data).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 5));
  });

  const pixels = { shape: [2, 3], data: Uint8Array.of(0, 51, 255, 102, 0, 255) };
  test.each([
    ['x_test', 'y_test'],
    ['data', 'label'],
    ['arr_0', 'arr_1'],
  ])('called %s and %s', (images, labels) => {
    const set = imageSetFromNpz(formatNpz({ [images]: pixels, [labels]: { shape: [2], data: Int32Array.of(4, 7) } }));
    expect([...set.labels]).toEqual([4, 7]);
    expect(set.images[1]).toBe(Math.fround(0.2));
    expect(set.unlabelled).toBeUndefined();
  });

  test.each([
    ['a column', { shape: [2, 1], data: BigInt64Array.of(2n, 0n) }],
    ['one-hot', { shape: [2, 3], data: Float32Array.of(0, 0, 1, 1, 0, 0) }],
    ['whole numbers in floats', { shape: [2], data: Float64Array.of(2, 0) }],
  ])('labels as %s', (_what, labels) => {
    expect([...imageSetFromNpz(formatNpz({ images: pixels, labels })).labels]).toEqual([2, 0]);
  });

  test('a file with one byte changed is never read as data', () => {
    const bytes = formatNpz({ images: pixels, labels: { shape: [2], data: Int32Array.of(1, 2) } }, { compress: false });
    const at = bytes.lastIndexOf(51);
    bytes[at] = 52;
    expect(() => imageSetFromNpz(bytes, { source: 'x.npz' })).toThrow(
      'x.npz: images is damaged (its checksum differs)',
    );
  });
});
