/** MNIST and what is in its format: four files, 60,000 training and 10,000 test images of 28×28 grey, their labels. */
import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BlindspotError, invalidArgument } from '../errors.ts';
import { writeFileAtomically } from './atomic_write.ts';
import { cacheFolder } from './cache_folder.ts';
import { parseIdx } from './idx.ts';
import { checkSlice, type ImageSet, splitHalves, takeImages } from './image_set.ts';
import { readUserFile } from './read_file.ts';

export const MNIST_SPLITS = ['train', 'test', 'P1', 'P2'] as const;

/** P1 and P2: disjoint halves of the training images, 30,000 each. */
export type MnistSplit = (typeof MNIST_SPLITS)[number];

/** One of these data sets. */
export interface IdxDataset {
  /** For messages: MNIST. */
  readonly title: string;
  /** Its folder in the cache. */
  readonly folder: string;
  /** By file, without .gz. */
  readonly md5: Readonly<Record<string, string>>;
  /** Whether the sums are of the compressed files. */
  readonly compressed: boolean;
  /** Addresses that file names are appended to. */
  readonly mirrors: readonly string[];
  /** A folder that may hold the files already. */
  readonly packageFolder?: () => string | undefined;
}

const SHAPE = [28, 28] as const;

const FILES = {
  train: { images: 'train-images-idx3-ubyte', labels: 'train-labels-idx1-ubyte', count: 60_000 },
  test: { images: 't10k-images-idx3-ubyte', labels: 't10k-labels-idx1-ubyte', count: 10_000 },
} as const;

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
  /** Where the four files lie or are downloaded to; default the user's cache folder. */
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
export async function loadIdxDataset(dataset: IdxDataset, options: MnistOptions = {}): Promise<ImageSet> {
  const split = options.split ?? 'test';
  if (!MNIST_SPLITS.includes(split)) throw invalidArgument('split', `one of ${MNIST_SPLITS.join(', ')}`, split);
  if (split === 'test') return readSplit(dataset, 'test', options);
  if (split === 'train') return readSplit(dataset, 'train', options);
  const { count, ...whole } = options;
  const half = splitHalves(await readSplit(dataset, 'train', whole), options.seed)[split === 'P1' ? 0 : 1];
  return count === undefined ? half : takeImages(half, count);
}

async function readSplit(dataset: IdxDataset, split: 'train' | 'test', options: MnistOptions): Promise<ImageSet> {
  const files = FILES[split];
  const count = options.count ?? files.count;
  const source = `${dataset.title} ${split}`;
  checkSlice({ count }, files.count, source);
  const images = parseIdx(await readIdxFile(dataset, files.images, options), files.images);
  const labels = parseIdx(await readIdxFile(dataset, files.labels, options), files.labels);
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

async function readIdxFile(dataset: IdxDataset, name: string, options: MnistOptions): Promise<Uint8Array> {
  const cache = options.directory ?? cacheFolder(process.env, dataset.folder);
  const folders = options.directory === undefined ? [dataset.packageFolder?.(), cache] : [cache];
  for (const folder of folders) {
    if (folder === undefined) continue;
    const file = path.join(folder, name);
    if (await exists(file)) return readUserFile(file, `${dataset.title} file`);
  }
  const bytes = await download(dataset, name, options);
  await writeFileAtomically(path.join(cache, name), bytes);
  return bytes;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function download(dataset: IdxDataset, name: string, options: MnistOptions): Promise<Uint8Array> {
  const failures: string[] = [];
  for (const mirror of options.mirrors ?? dataset.mirrors) {
    const url = `${mirror}${name}.gz`;
    try {
      const packed = await fetchBytes(url, name, options);
      const bytes = gunzipSync(packed);
      const sum = createHash('md5')
        .update(dataset.compressed ? packed : bytes)
        .digest('hex');
      if (sum === dataset.md5[name]) return bytes;
      failures.push(`${url}: expected MD5 ${dataset.md5[name]} but received ${sum}`);
    } catch (cause) {
      options.signal?.throwIfAborted();
      failures.push(`${url}: ${describeFailure(cause)}`);
    }
  }
  throw new BlindspotError(
    'FILE_UNREADABLE',
    `Cannot download the ${dataset.title} file ${name} (${failures.join('; ')}); put it, unpacked, into ${options.directory ?? cacheFolder(process.env, dataset.folder)} by hand`,
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
