import { describe, expect, test } from 'vitest';
import { adaptImages, imageLayout } from './image_layout.ts';
import { type ImageSet, imageAt, selectImages, splitHalves, takeImages, validateImages } from './image_set.ts';

/** Every value is different: image·1/100 + position·1/1000. */
function makeSet(count: number, shape: number[], extra: Partial<ImageSet> = {}): ImageSet {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const images = Float32Array.from({ length: count * size }, (_, i) => Math.floor(i / size) / 100 + (i % size) / 1000);
  return {
    images,
    shape,
    count,
    labels: Int32Array.from({ length: count }, (_, i) => i % 3),
    source: 'the set',
    ...extra,
  };
}

describe('subsets', () => {
  const set = makeSet(5, [2, 2], { names: ['a', 'b', 'c', 'd', 'e'], targets: Int32Array.of(1, 2, 0, 1, 2) });

  test('takeImages is a view of the first', () => {
    const taken = takeImages(set, 2);
    expect(taken.images.buffer).toBe(set.images.buffer);
    expect([taken.count, taken.images.length, taken.names, [...(taken.targets ?? [])]]).toEqual([
      2,
      8,
      ['a', 'b'],
      [1, 2],
    ]);
    expect(() => takeImages(set, 6)).toThrow('the set has 5 images but count asks for 6');
    expect(() => takeImages(set, 1.5)).toThrow('for count');
  });

  test('selectImages copies rows in the order asked for', () => {
    const chosen = selectImages(set, [4, 0], 'two');
    expect([...imageAt(chosen, 0)]).toEqual([...imageAt(set, 4)]);
    expect([chosen.source, [...chosen.labels], chosen.names]).toEqual(['two', [1, 0], ['e', 'a']]);
  });

  test('splitHalves is a partition, the same for the same seed', () => {
    const names = (seed: number) => splitHalves(set, seed).map((half) => half.names);
    const [first, second] = names(3);
    expect([...(first ?? []), ...(second ?? [])].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(names(3)).toEqual([first, second]);
  });
});

describe('adaptImages', () => {
  const adapted = (shape: number[], wanted: number[]) => adaptImages(makeSet(2, shape), wanted);

  test.each([
    [[28, 28], [784]],
    [
      [28, 28],
      [784, 1],
    ],
    [
      [1, 28, 28],
      [1, 784, 1],
    ],
    [
      [28, 28],
      [1, 28, 28],
    ],
    [
      [28, 28],
      [28, 28, 1],
    ],
    [[784], [1, 28, 28]],
    [[1, 28, 28], [784]],
    [
      [28, 28, 1],
      [1, 28, 28],
    ],
    [[12], [3, 2, 2]],
    [[7], [7]],
  ])('%j as %j without touching a pixel', (shape, wanted) => {
    const set = makeSet(2, shape);
    const result = adaptImages(set, wanted);
    expect(result.shape).toEqual(wanted);
    expect(result.images).toBe(set.images);
  });

  test('colour: [H, W, 3] to [3, H, W] and back', () => {
    const set = makeSet(2, [2, 4, 3]);
    const planar = adaptImages(set, [3, 2, 4]);
    // Channel 1 of pixel (row 1, column 2) of image 1.
    expect(planar.images[24 + 1 * 8 + 1 * 4 + 2]).toBe(set.images[24 + (1 * 4 + 2) * 3 + 1]);
    expect(planar.images[24 + 1 * 8 + 1 * 4 + 2]).not.toBe(set.images[24 + 1 * 8 + 1 * 4 + 2]);
    expect([...adaptImages(planar, [2, 4, 3]).images]).toEqual([...set.images]);
  });

  test.each([
    [
      [28, 28],
      [1, 32, 32],
    ],
    [
      [3, 28, 28],
      [1, 28, 28],
    ],
    [
      [28, 28],
      [28 * 14, 2],
    ],
    [
      [3, 4, 2],
      [3, 2, 4],
    ],
    [[3, 2, 2], [12]],
    [[784], [785]],
  ])('%j as %j is an error with both shapes', (shape, wanted) => {
    const message = `The model takes images of shape [${wanted.join(', ')}] but the set has [${shape.join(', ')}]`;
    expect(() => adapted(shape, wanted)).toThrow(expect.objectContaining({ code: 'MODEL_DATA_MISMATCH', message }));
  });

  test('layouts', () => {
    expect(imageLayout([3, 5, 6])).toEqual({ order: 'planar', channels: 3, height: 5, width: 6 });
    expect(imageLayout([5, 6, 3])).toEqual({ order: 'interleaved', channels: 3, height: 5, width: 6 });
    expect(imageLayout([784])).toEqual({ order: 'planar', channels: 1, height: 28, width: 28 });
    expect(imageLayout([783])).toBeUndefined();
    expect(imageLayout([2, 5, 6])).toBeUndefined();
  });
});

describe('validateImages', () => {
  const withPixel = (value: number) => {
    const set = makeSet(3, [2, 2], { names: ['a.png', 'b.png', 'c.png'] });
    set.images[6] = value;
    return set;
  };

  test('passes what is right', () => {
    expect(() => validateImages(makeSet(3, [2, 2], { targets: Int32Array.of(1, 2, 0) }), { classes: 3 })).not.toThrow();
  });

  test.each([
    [withPixel(Number.NaN), 'the set has a pixel that is NaN at image 1 (b.png), pixel 2'],
    [withPixel(Number.NEGATIVE_INFINITY), 'a pixel that is -Infinity'],
    [withPixel(-0.25), 'a pixel of -0.25 at image 1 (b.png), pixel 2: pixels must be in [0, 1]'],
    [withPixel(200), 'divide by 255'],
    [makeSet(0, [2, 2]), 'the set holds no images'],
    [makeSet(2, [2, 0]), 'the set holds no images'],
    [{ ...makeSet(2, [2, 2]), count: 3 }, 'should hold 3 × [2, 2] pixels but has 8'],
    [makeSet(3, [2], { labels: Int32Array.of(0, 1) }), 'has 3 images but 2 labels'],
    [makeSet(3, [2], { labels: Int32Array.of(0, 3, 1) }), 'has label 3 at image 1: labels must be in 0 … 2'],
    [makeSet(3, [2], { labels: Int32Array.of(0, 1, -1) }), 'has label -1 at image 2'],
    [makeSet(3, [2], { targets: Int32Array.of(1, 2, 9) }), 'has target 9 at image 2: targets must be in 0 … 2'],
    [makeSet(3, [2], { targets: Int32Array.of(1, 1, 0) }), 'has target 1 equal to the label at image 1'],
  ])('%#: %s', (set, message) => {
    expect(() => validateImages(set, { classes: 3 })).toThrow(message);
  });
});
