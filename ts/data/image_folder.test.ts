import { cp, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadImageFolder } from './image_folder.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'blindspot-folder-'));
});
afterAll(() => rm(root, { recursive: true }));

/** 4 wide, 2 high; grey value or channel c of pixel p is 20·p + 5·c. */
const WIDTH = 4;
const HEIGHT = 2;
const AREA = WIDTH * HEIGHT;
const value = (pixel: number, channel = 0) => 20 * pixel + 5 * channel;

async function writeImage(file: string, channels: 1 | 3 | 4, width = WIDTH): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const pixels = Uint8Array.from({ length: width * HEIGHT * channels }, (_, i) => {
    const channel = i % channels;
    return channel === 3 ? 255 : value(Math.floor(i / channels), channel) % 256;
  });
  const image = sharp(pixels, { raw: { width, height: HEIGHT, channels } });
  await (channels === 1 ? image.toColourspace('b-w') : image).png().toFile(file);
}

async function folderOf(name: string, files: Record<string, 1 | 3 | 4>): Promise<string> {
  const folder = path.join(root, name);
  for (const [file, channels] of Object.entries(files)) await writeImage(path.join(folder, file), channels);
  return folder;
}

describe('pixels', () => {
  test('grey PNG files are read exactly, as [1, H, W]', async () => {
    const set = await loadImageFolder(await folderOf('grey', { '0/a.png': 1, '2/b.png': 1 }));
    expect([set.count, set.shape, [...set.labels], set.names]).toEqual([2, [1, 2, 4], [0, 2], ['0/a.png', '2/b.png']]);
    expect([...set.images.subarray(AREA)]).toEqual(Array.from({ length: AREA }, (_, i) => Math.fround(value(i) / 255)));
  });

  test.each([
    ['planar', [3, HEIGHT, WIDTH], (pixel: number, channel: number) => channel * AREA + pixel],
    ['interleaved', [HEIGHT, WIDTH, 3], (pixel: number, channel: number) => pixel * 3 + channel],
  ])('colour PNG files are read exactly: %s', async (order, shape, place) => {
    const folder = await folderOf(`colour ${order}`, { '1/a.png': 3, '1/with_alpha.png': 4 });
    const set = await loadImageFolder(folder, { shape });
    for (const image of [0, 1]) {
      for (const [pixel, channel] of [
        [0, 0],
        [5, 1],
        [7, 2],
      ] as const) {
        expect(set.images[image * AREA * 3 + place(pixel, channel)]).toBe(Math.fround(value(pixel, channel) / 255));
      }
    }
  });

  test('a model of one channel gets colour files in grey, one of three gets grey files in colour', async () => {
    const folder = await folderOf('mixed', { '0/colour.png': 3, '0/grey.png': 1 });
    const grey = await loadImageFolder(folder, { shape: [1, HEIGHT, WIDTH] });
    expect(grey.images[AREA + 7]).toBe(Math.fround(value(7) / 255));
    const dark = (value(7) + 5) / 255;
    expect(Math.abs((grey.images[7] as number) - dark)).toBeLessThan(0.02);
    const colour = await loadImageFolder(folder, { shape: [3, HEIGHT, WIDTH] });
    expect([0, 1, 2].map((channel) => colour.images[AREA * 3 + channel * AREA + 7])).toEqual(
      Array(3).fill(Math.fround(value(7) / 255)),
    );
  });

  test('a flat model takes square images', async () => {
    const folder = path.join(root, 'square');
    await mkdir(path.join(folder, '7'), { recursive: true });
    await sharp({ create: { width: 5, height: 5, channels: 3, background: '#ffffff' } })
      .png()
      .toFile(`${folder}/7/w.png`);
    const set = await loadImageFolder(folder, { shape: [25] });
    expect([set.shape, [...set.images], [...set.labels]]).toEqual([[25], Array(25).fill(1), [7]]);
  });
});

describe('sizes', () => {
  test('another size is an error with the file and both sizes, unless resizing is asked for', async () => {
    const folder = await folderOf('sizes', { '0/a.png': 1 });
    await writeImage(path.join(folder, '0', 'b.png'), 1, 6);
    await expect(loadImageFolder(folder)).rejects.toMatchObject({
      code: 'MODEL_DATA_MISMATCH',
      message: expect.stringMatching(/0[/\\]b\.png: expected an image of 4×2 but received 6×2; resize it/),
    });
    const set = await loadImageFolder(folder, { resize: true });
    expect([set.count, set.shape]).toEqual([2, [1, 2, 4]]);
    expect(set.images[0]).toBe(0);
  });

  describe('pictures of another size', () => {
    /** White where `isWhite` of column and row, else black. */
    async function picture(name: string, width: number, height: number, isWhite: (x: number, y: number) => boolean) {
      const folder = path.join(root, name);
      await mkdir(path.join(folder, '0'), { recursive: true });
      const pixels = Uint8Array.from({ length: width * height }, (_, i) =>
        isWhite(i % width, Math.floor(i / width)) ? 255 : 0,
      );
      const image = sharp(pixels, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
      await image.png().toFile(path.join(folder, '0', 'a.png'));
      return folder;
    }
    const rows = async (folder: string, options: Parameters<typeof loadImageFolder>[1]) => {
      const { images } = await loadImageFolder(folder, { ...options, shape: [1, 4, 4] });
      return [0, 1, 2, 3].map((row) => [...images.subarray(4 * row, 4 * row + 4)].map((v) => Math.round(v)).join(''));
    };

    test('cover keeps the middle, contain all with black around, exact distorts', async () => {
      const wide = await picture('wide', 80, 40, (x) => x >= 20 && x < 60);
      const middle = ['1111', '1111', '1111', '1111'];
      expect(await rows(wide, { resize: 'cover' })).toEqual(middle);
      expect(await rows(wide, { resize: true })).toEqual(middle);
      expect(await rows(wide, { resize: 'exact' })).toEqual(['0110', '0110', '0110', '0110']);
      expect(await rows(wide, { resize: 'contain' })).toEqual(['0000', '0110', '0110', '0000']);
    });

    test('a crop fraction keeps so much of the side, of cover and exact', async () => {
      const framed = await picture('framed', 80, 40, (x, y) => x >= 30 && x < 50 && y >= 10 && y < 30);
      expect(await rows(framed, { resize: 'cover' })).toEqual(['0000', '0110', '0110', '0000']);
      expect(await rows(framed, { resize: 'cover', cropFraction: 0.5 })).toEqual(['1111', '1111', '1111', '1111']);
      const flat = await picture('flat frame', 80, 40, (x, y) => x >= 20 && x < 60 && y >= 10 && y < 30);
      expect(await rows(flat, { resize: 'exact', cropFraction: 0.5 })).toEqual(['1111', '1111', '1111', '1111']);
      const own = await picture('own size', 4, 4, (x) => x === 0);
      expect(await rows(own, { resize: 'cover', cropFraction: 0.5 })).toEqual(['1000', '1000', '1000', '1000']);
    });

    test.each([
      [{ resize: 'stretch' as 'exact' }, 'Expected true, false, cover, contain, exact for resize'],
      [{ resize: true, cropFraction: 0 }, 'Expected a number over 0 and up to 1 for cropFraction'],
      [{ cropFraction: 0.5 }, 'Expected nothing without resize cover or exact for cropFraction'],
      [{ resize: 'contain' as const, cropFraction: 0.5 }, 'nothing without resize cover or exact'],
    ])('%j is refused', async (options, message) => {
      await expect(loadImageFolder(root, options)).rejects.toThrow(message);
    });
  });

  test('a shape that no image file fills is refused', async () => {
    const folder = await folderOf('shapes', { '0/a.png': 1 });
    await expect(loadImageFolder(folder, { shape: [13] })).rejects.toThrow('inputs of shape [13]');
    await expect(loadImageFolder(folder, { maxBytes: 31 })).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
  });
});

describe('labels', () => {
  test('by sub-folder, in natural order', async () => {
    const folder = await folderOf('subfolders', { '10_ship/a.png': 1, '2_bird/b.png': 1, '3/c.png': 1 });
    const set = await loadImageFolder(folder);
    expect([set.names, [...set.labels]]).toEqual([
      ['2_bird/b.png', '3/c.png', '10_ship/a.png'],
      [2, 3, 10],
    ]);
    const some = await loadImageFolder(folder, { count: 2 });
    expect([...some.labels]).toEqual([2, 3]);
    await expect(loadImageFolder(folder, { count: 4 })).rejects.toThrow('has 3 images but count asks for 4');
  });

  test('by class name, by prefix of the file', async () => {
    const named = await folderOf('named', { 'cat/a.png': 1, 'dog/a.png': 1 });
    expect([...(await loadImageFolder(named, { classes: ['dog', 'cat'] })).labels]).toEqual([1, 0]);
    expect([...(await loadImageFolder(named)).labels]).toEqual([0, 1]);
    await expect(loadImageFolder(named, { classCount: 10 })).rejects.toThrow(
      'no label for cat/a.png; put it into a folder',
    );
    const flat = await folderOf('flat', { '4_x.png': 1, '5-y.png': 1 });
    expect([...(await loadImageFolder(flat)).labels]).toEqual([4, 5]);
  });

  test('by labels.csv, with targets', async () => {
    const folder = await folderOf('csv', { 'a.png': 1, 'b.png': 1, 'unlisted.png': 1 });
    await writeFile(path.join(folder, 'labels.csv'), 'file,label,target\nb.png,4,7\r\n"a.png", 3 ,9\n\n');
    const set = await loadImageFolder(folder);
    expect([set.names, [...set.labels], [...(set.targets ?? [])]]).toEqual([
      ['a.png', 'b.png'],
      [3, 4],
      [9, 7],
    ]);
  });

  test('by labels.json', async () => {
    const folder = await folderOf('json', { 'a.png': 1 });
    await writeFile(path.join(folder, 'labels.json'), '{"a.png": 3}');
    const set = await loadImageFolder(folder);
    expect([[...set.labels], set.targets]).toEqual([[3], undefined]);
  });

  test.each([
    ['labels.csv', 'a.png,cat\n', 'labels.csv, line 1: expected file,label'],
    ['labels.csv', 'a.png,1,2,3\n', 'line 1'],
    ['labels.csv', 'gone.png,1\n', 'gone.png, which is not there'],
    ['labels.json', '{', 'labels.json is not JSON'],
    ['labels.json', '{"a.png": -1}', 'with whole numbers from 0; a.png'],
  ])('a wrong %s: %s', async (name, text, message) => {
    const folder = await folderOf(`wrong ${message.length} ${text.length}`, { 'a.png': 1 });
    await writeFile(path.join(folder, name), text);
    await expect(loadImageFolder(folder)).rejects.toThrow(message);
  });
});

describe('what cannot be read', () => {
  test('a missing folder', async () => {
    await expect(loadImageFolder(path.join(root, 'nowhere'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  test('a folder without images', async () => {
    const folder = path.join(root, 'empty');
    await mkdir(folder);
    await writeFile(path.join(folder, 'notes.txt'), 'nothing');
    await expect(loadImageFolder(folder)).rejects.toThrow(/holds no images \(\.png, /);
  });

  test.each(['text', 'truncated'])('an unreadable image is named: %s', async (kind) => {
    const folder = path.join(root, `broken ${kind}`);
    await cp(await folderOf('whole', { '0/a.png': 3, '0/b.png': 3 }), folder, { recursive: true });
    const broken = path.join(folder, '0', 'b.png');
    if (kind === 'text') await writeFile(broken, 'not an image');
    else await truncate(broken, 60);
    const error: unknown = await loadImageFolder(folder).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(`Cannot read the image ${broken}`),
    });
    expect(String(error)).not.toContain('\n');
  });

  test('stops when aborted', async () => {
    const folder = await folderOf('aborted', { '0/a.png': 1 });
    await expect(loadImageFolder(folder, { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow(
      'stopped',
    );
  });
});

test('hidden files are passed over, and files that nothing labels are unlabelled', async () => {
  const folder = await folderOf('plain', { 'a.png': 1, 'b.png': 1 });
  await writeFile(path.join(folder, '._a.png'), 'left by another system');
  const set = await loadImageFolder(folder);
  expect([set.names, set.unlabelled]).toEqual([['a.png', 'b.png'], true]);
});

test('a TIFF of floats, whose black and white nobody knows, is refused', async () => {
  const folder = await folderOf('floats', { '0/a.png': 1 });
  // Little-endian, one strip of 2 by 2 floats.
  const tags = [
    [256, 3, 1, 2],
    [257, 3, 1, 2],
    [258, 3, 1, 32],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [273, 4, 1, 8],
    [277, 3, 1, 1],
    [278, 3, 1, 2],
    [279, 4, 1, 16],
    [339, 3, 1, 3],
  ] as const;
  const bytes = new DataView(new ArrayBuffer(24 + 2 + 12 * tags.length + 4));
  bytes.setUint32(0, 0x002a4949, true);
  bytes.setUint32(4, 24, true);
  for (let i = 0; i < 4; i++) bytes.setFloat32(8 + 4 * i, 0.5, true);
  bytes.setUint16(24, tags.length, true);
  for (const [i, [tag, type, count, value]] of tags.entries()) {
    bytes.setUint16(26 + 12 * i, tag, true);
    bytes.setUint16(28 + 12 * i, type, true);
    bytes.setUint32(30 + 12 * i, count, true);
    bytes.setUint32(34 + 12 * i, value, true);
  }
  await writeFile(path.join(folder, '0', 'b.tiff'), new Uint8Array(bytes.buffer));
  await expect(loadImageFolder(folder, { resize: true })).rejects.toThrow('its pixels are of type float');
});
