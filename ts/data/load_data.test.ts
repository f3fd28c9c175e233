import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadData } from './load_data.ts';
import { formatNpz } from './npz.ts';

let root: string;
let archive: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'blindspot-data-'));
  archive = path.join(root, 'three.npz');
  const images = { shape: [3, 2, 2], data: Uint8Array.from({ length: 12 }, (_, i) => 20 * i) };
  await writeFile(archive, formatNpz({ images, labels: { shape: [3], data: Uint8Array.of(0, 1, 2) } }));
});
afterAll(() => rm(root, { recursive: true }));

test('mnist is the test images, in the shape that the model takes', async () => {
  const set = await loadData('mnist', { imageShape: [1, 28, 28], classes: 10, count: 4 });
  expect([set.source, set.count, set.shape, [...set.labels]]).toEqual(['MNIST test', 4, [1, 28, 28], [7, 2, 1, 0]]);
  expect((await loadData('mnist:train', { count: 2 })).source).toBe('MNIST train');
});

test('an .npz file', async () => {
  const set = await loadData(archive, { imageShape: [4], classes: 3, count: 2 });
  expect([set.count, set.shape, set.images[3]]).toEqual([2, [4], Math.fround(60 / 255)]);
});

test('a folder, in the channels that the model takes', async () => {
  const folder = path.join(root, 'folder');
  await mkdir(path.join(folder, '1'), { recursive: true });
  const grey = sharp({ create: { width: 2, height: 2, channels: 3, background: '#808080' } });
  await grey.png().toFile(path.join(folder, '1', 'a.png'));
  const seen: number[] = [];
  const set = await loadData(folder, { imageShape: [1, 2, 2], classes: 2, onProgress: (done) => seen.push(done) });
  expect([set.shape, [...set.labels], seen]).toEqual([[1, 2, 2], [1], [1]]);
});

test('a folder, resized as told', async () => {
  const folder = path.join(root, 'tall');
  await mkdir(path.join(folder, '0'), { recursive: true });
  const white = sharp({ create: { width: 2, height: 4, channels: 3, background: '#ffffff' } });
  await white.png().toFile(path.join(folder, '0', 'a.png'));
  const set = await loadData(folder, { imageShape: [1, 4, 4], resize: 'contain' });
  expect([...set.images.subarray(0, 4)]).toEqual([0, 1, 1, 0]);
  await expect(loadData(folder, { imageShape: [1, 4, 4], cropFraction: 0.9 })).rejects.toThrow('for cropFraction');
});

test.each([
  ['mnist:validation', {}, 'Expected mnist:train, mnist:test, mnist:P1, mnist:P2 for data'],
  ['fashion-mnist:x', {}, 'Expected fashion-mnist:train, fashion-mnist:test, fashion-mnist:P1'],
  [
    'nowhere.npz',
    {},
    'There is no data (mnist, fashion-mnist, cifar10, a folder of images or an .npz file) at nowhere.npz',
  ],
  [import.meta.filename, {}, 'Expected mnist, fashion-mnist, cifar10, a folder of images or an .npz file for data'],
  ['mnist', { count: 10_001 }, 'MNIST test has 10000 images but count asks for 10001'],
  ['mnist', { count: 3, classes: 2 }, 'has label 7 at image 0: labels must be in 0 … 1'],
  ['mnist', { count: 3, imageShape: [3, 32, 32] }, 'The model takes images of shape [3, 32, 32] but MNIST test has'],
])('%s with %j: one line that says what to do', async (name, options, message) => {
  await expect(loadData(name, options)).rejects.toThrow(message);
});

test('a count over an .npz file names the file', async () => {
  await expect(loadData(archive, { count: 4 })).rejects.toThrow(`${archive} has 3 images but count asks for 4`);
});
