import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { dataUri } from './data_uri.ts';
import { imageLayout, perturbationPicture, toPicture } from './picture.ts';
import { decodePng, encodePng } from './pixels.ts';

describe('layout', () => {
  it.each([
    [[784], 28, 28, 1],
    [[1, 784], 28, 28, 1],
    [[28, 28], 28, 28, 1],
    [[1, 28, 28], 28, 28, 1],
    [[1, 1, 20, 30], 30, 20, 1],
    [[3, 20, 30], 30, 20, 3],
    [[20, 30, 3], 30, 20, 3],
    [[20, 30, 1], 30, 20, 1],
    [[3072], 32, 32, 3],
    [[12], 2, 2, 3],
    [[10], 5, 2, 1],
    [[7], 7, 1, 1],
    [[1], 1, 1, 1],
    [[4, 6, 5], 5, 6, 4],
  ])('of %j is %d wide, %d high, with %d channels', (shape, width, height, channels) => {
    expect(imageLayout(shape)).toMatchObject({ width, height, channels });
  });

  it.each([[[]], [[0, 28]], [[2.5]]])('refuses %j', (shape) => {
    expect(() => imageLayout(shape)).toThrowError(/positive whole dimensions for imageShape/);
  });
});

describe('pictures', () => {
  it('are the same from planes and from interleaved channels', () => {
    const planar = Float32Array.of(0, 0.2, 0.4, 0.6, 0.8, 1);
    const interleaved = Float32Array.of(0, 0.4, 0.8, 0.2, 0.6, 1);
    const expected = [0, 102, 204, 51, 153, 255];
    expect([...toPicture(planar, imageLayout([3, 1, 2])).data]).toEqual(expected);
    expect([...toPicture(interleaved, imageLayout([1, 2, 3])).data]).toEqual(expected);
  });

  it('clip what lies outside the range and survive what is not a number', () => {
    const picture = toPicture(Float32Array.of(-1, 2, Number.NaN, 0.5), imageLayout([4]));
    expect([...picture.data]).toEqual([0, 255, 0, 128]);
  });

  it('average other channel counts', () => {
    const picture = toPicture(Float32Array.of(0, 1, 0.4, 0.6), imageLayout([2, 1, 2]));
    expect(picture).toMatchObject({ width: 2, height: 1, channels: 1 });
    expect([...picture.data]).toEqual([51, 204]);
  });
});

describe('perturbations', () => {
  const luminance = ([r = 0, g = 0, b = 0]: Uint8Array): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

  it('on one channel are grey where nothing changed, darker and bluer below, lighter and warmer above', () => {
    const original = Float32Array.of(0.5, 0.5, 0.5, 0.5);
    const changed = Float32Array.of(0.4, 0.5, 0.6, 0.9);
    const { data, channels } = perturbationPicture(original, changed, imageLayout([2, 2]), 10);
    const [less, none, more, beyond] = [0, 3, 6, 9].map((at) => data.subarray(at, at + 3)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    expect(channels).toBe(3);
    expect(new Set(none).size).toBe(1);
    expect(luminance(less)).toBeLessThan(luminance(none));
    expect(luminance(more)).toBeGreaterThan(luminance(none));
    expect(less[2]).toBeGreaterThan(less[0] ?? 0);
    expect(more[0]).toBeGreaterThan(more[2] ?? 0);
    expect([...beyond]).toEqual([...more]);
  });

  it('on three channels are the change itself around mid-grey', () => {
    const original = Float32Array.of(0.5, 0.5, 0.5);
    const changed = Float32Array.of(0.5, 0.5625, 0.375);
    const { data } = perturbationPicture(original, changed, imageLayout([3, 1, 1]), 6);
    expect([...data]).toEqual([128, 223, 0]);
  });
});

describe('PNG', () => {
  it('holds exactly the pixels', async () => {
    for (const channels of [1, 3] as const) {
      const data = Uint8Array.from({ length: 6 * channels }, (_, i) => (i * 37) % 256);
      const png = await encodePng({ width: 3, height: 2, channels, data });
      const decoded = await sharp(png)
        .toColourspace(channels === 1 ? 'b-w' : 'srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(decoded.info).toMatchObject({ width: 3, height: 2, channels });
      expect((await sharp(png).metadata()).channels).toBe(channels);
      expect([...decoded.data]).toEqual([...data]);
    }
  });

  it('makes larger pictures smaller, keeping the shape and, when asked, the single pixels', async () => {
    const data = Uint8Array.from({ length: 400 * 200 }, (_, i) => (i % 2) * 255);
    const png = await encodePng({ width: 400, height: 200, channels: 1, data }, { maxSide: 100, kernel: 'nearest' });
    const decoded = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(decoded.info).toMatchObject({ width: 100, height: 50 });
    expect([...new Set(decoded.data)].every((value) => value === 0 || value === 255)).toBe(true);
  });

  it('becomes a data URI', () => {
    expect(dataUri(Uint8Array.of(137, 80, 78, 71).subarray(1))).toBe('data:image/png;base64,UE5H');
  });
});

it.each([[[4, 3]], [[3, 4, 3]], [[4, 5, 3]], [[3, 4, 5]]])(
  'a picture of 8 bits and shape %j is read back as it was',
  async (shape) => {
    const layout = imageLayout(shape);
    const pixels = Float32Array.from({ length: layout.size }, (_, i) => ((37 * i) % 256) / 255);
    expect(await decodePng(await encodePng(toPicture(pixels, layout)), layout)).toEqual(pixels);
  },
);
