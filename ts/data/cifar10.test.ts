import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadCifar10 } from './cifar10.ts';
import { tarEntries } from './tar.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'blindspot-cifar10-test-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function writeTest(rows: number, labels: readonly number[], width = 1024): Promise<void> {
  const pixels = Buffer.from(Array.from({ length: rows * width * 3 }, (_, i) => i % 251));
  const png = await sharp(pixels, { raw: { width, height: rows, channels: 3 } })
    .png()
    .toBuffer();
  await writeFile(path.join(directory, 'test_batch.png'), png);
  await writeFile(path.join(directory, 'test_lables.json'), JSON.stringify(labels));
}

test('a row of the picture is an image, colours interleaved', async () => {
  await writeTest(3, [3, 8, 0]);
  const set = await loadCifar10({ directory, count: 2 });
  expect(set).toMatchObject({ count: 2, shape: [32, 32, 3], source: 'CIFAR-10 test' });
  expect([...set.labels]).toEqual([3, 8]);
  expect(set.images).toHaveLength(2 * 3072);
  expect(set.images[4]).toBe(Math.fround(4 / 255));
  expect(set.images[3072]).toBe(Math.fround((3072 % 251) / 255));
});

test('damaged files and counts out of range are told', async () => {
  await writeTest(2, [3, 8, 0]);
  await expect(loadCifar10({ directory })).rejects.toThrow('expected 3 images but received 2');
  await expect(loadCifar10({ directory, count: 4 })).rejects.toThrow('has 3 images but count asks for 4');
  await writeTest(2, [3, 8], 1000);
  await expect(loadCifar10({ directory })).rejects.toThrow('rows of 1024 pixels');
});

/** One header and the content, filled up to a block. */
function entry(name: string, content: string, kind = '0'): Uint8Array {
  const bytes = new Uint8Array(512 * (1 + Math.ceil(content.length / 512)));
  const write = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  write(0, name);
  write(124, content.length.toString(8).padStart(11, '0'));
  write(156, kind);
  write(512, content);
  return bytes;
}

test('an archive gives its files, folders passed over, and says where it was cut', () => {
  const archive = Buffer.concat([
    entry('a/', '', '5'),
    entry('a/one', 'x'.repeat(600)),
    entry('two', 'yz'),
    Buffer.alloc(1024),
  ]);
  const found = [...tarEntries(archive)].map(({ name, content }) => [name, Buffer.from(content).toString()]);
  expect(found).toEqual([
    ['a/one', 'x'.repeat(600)],
    ['two', 'yz'],
  ]);
  expect(() => [...tarEntries(archive.subarray(0, 1500))]).toThrow('ends within a/one');
});
