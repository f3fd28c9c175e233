import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadFashionMnist } from './fashion_mnist.ts';
import { loadData } from './load_data.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'blindspot-fashion-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('files in the cache folder are read as MNIST is', async () => {
  const directory = path.join(folder, 'fashion-mnist');
  const header = (...sizes: number[]) => {
    const bytes = Buffer.alloc(4 + 4 * sizes.length);
    bytes.set([0, 0, 8, sizes.length]);
    for (const [axis, size] of sizes.entries()) bytes.writeUInt32BE(size, 4 + 4 * axis);
    return bytes;
  };
  await mkdir(directory, { recursive: true });
  const pixels = Buffer.alloc(10_000 * 784);
  pixels[784] = 51;
  const labels = Buffer.alloc(10_000);
  labels.set([9, 2, 1]);
  await writeFile(path.join(directory, 't10k-images-idx3-ubyte'), Buffer.concat([header(10_000, 28, 28), pixels]));
  await writeFile(path.join(directory, 't10k-labels-idx1-ubyte'), Buffer.concat([header(10_000), labels]));
  vi.stubEnv('BLINDSPOT_CACHE', folder);
  try {
    const set = await loadData('fashion-mnist', { count: 3, imageShape: [1, 28, 28], classes: 10 });
    expect([set.source, set.count, [...set.labels]]).toEqual(['Fashion-MNIST test', 3, [9, 2, 1]]);
    expect(set.images[784]).toBe(Math.fround(0.2));
  } finally {
    vi.unstubAllEnvs();
  }
});

test('a download of other bytes is refused by the sum of the compressed file, and nothing is kept', async () => {
  const server = createServer((_, response) => response.end(gzipSync(Buffer.from('something else'))));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const directory = path.join(folder, 'wrong');
  try {
    const mirrors = [`http://127.0.0.1:${(server.address() as AddressInfo).port}/`];
    await expect(loadFashionMnist({ directory, mirrors })).rejects.toThrow(
      /Cannot download the Fashion-MNIST file t10k-images.*expected MD5 bef4ecab320f06d8554ea6380940ec79/,
    );
    await expect(readdir(directory)).rejects.toThrow('ENOENT');
  } finally {
    server.close();
  }
});
