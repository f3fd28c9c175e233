/** Data as the command line names it: mnist, fashion-mnist, cifar10, a folder of images, or an .npz file. */
import { stat } from 'node:fs/promises';
import { invalidArgument } from '../errors.ts';
import { CIFAR10_SPLITS, loadCifar10 } from './cifar10.ts';
import { loadFashionMnist } from './fashion_mnist.ts';
import { type DownloadProgress, MNIST_SPLITS } from './idx_dataset.ts';
import { loadImageFolder } from './image_folder.ts';
import { adaptImages } from './image_layout.ts';
import { type ImageSet, sliceEnd, takeImages, validateImages } from './image_set.ts';
import { loadMnist } from './mnist.ts';
import { imageSetFromNpz } from './npz.ts';
import { type PictureFitOptions, pictureFit } from './picture_fit.ts';
import { fileError, readUserFile } from './read_file.ts';

/** `resize` and `cropFraction` are of the images of a folder. */
export interface LoadDataOptions extends PictureFitOptions {
  /** What the model takes, of one image; the images are adapted to it. */
  imageShape?: readonly number[];
  /** Classes of the model: labels and targets must be under it. */
  classes?: number;
  classNames?: readonly string[];
  /** Index of the first image; default 0. */
  start?: number;
  /** How many images; default all from `start`. */
  count?: number;
  onDownload?: (progress: DownloadProgress) => void;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/**
 * Reads, adapts and validates.
 *
 * @param name `mnist` or `mnist:test` (test images), `mnist:train`, `mnist:P1`, `mnist:P2`; `fashion-mnist` likewise; `cifar10` or `cifar10:test`,
 *   `cifar10:train`; a folder; a .npz file.
 * @throws what loadMnist, loadFashionMnist, loadCifar10, loadImageFolder, imageSetFromNpz, adaptImages and validateImages throw.
 */
export async function loadData(name: string, options: LoadDataOptions = {}): Promise<ImageSet> {
  pictureFit(options);
  const set = await readSlice(name, options);
  const adapted = options.imageShape === undefined ? set : adaptImages(set, options.imageShape);
  validateImages(adapted, options.classes === undefined ? {} : { classes: options.classes });
  return adapted;
}

/** A folder's images are decoded one by one; of other data, what comes before the slice is read with it. */
async function readSlice(name: string, options: LoadDataOptions): Promise<ImageSet> {
  const { start = 0, count } = options;
  const set = await readData(name, options);
  if ((set.indices?.[0] ?? 0) === start && set.count === (count ?? set.count)) return set;
  return takeImages(set, count ?? Math.max(1, set.count - start), start);
}

async function readData(name: string, options: LoadDataOptions): Promise<ImageSet> {
  const { signal } = options;
  const count = sliceEnd(options);
  const common = { ...(count === undefined ? {} : { count }), ...(signal === undefined ? {} : { signal }) };
  for (const [known, load] of [['mnist', loadMnist] as const, ['fashion-mnist', loadFashionMnist] as const]) {
    if (name !== known && !name.startsWith(`${known}:`)) continue;
    const split = MNIST_SPLITS.find((own) => own === (name.slice(known.length + 1) || 'test'));
    if (split === undefined) throw invalidArgument('data', `${known}:${MNIST_SPLITS.join(`, ${known}:`)}`, name);
    return load({ ...common, split, ...(options.onDownload ? { onProgress: options.onDownload } : {}) });
  }
  if (name === 'cifar10' || name.startsWith('cifar10:')) {
    const split = CIFAR10_SPLITS.find((known) => known === (name.slice('cifar10:'.length) || 'test'));
    if (split === undefined) throw invalidArgument('data', `cifar10:${CIFAR10_SPLITS.join(', cifar10:')}`, name);
    return loadCifar10({ ...common, split });
  }
  const isFolder = await stat(name).then(
    (entry) => entry.isDirectory(),
    (cause: unknown) => {
      throw fileError(name, 'data (mnist, fashion-mnist, cifar10, a folder of images or an .npz file)', cause);
    },
  );
  if (!isFolder) {
    if (!name.toLowerCase().endsWith('.npz')) {
      throw invalidArgument('data', 'mnist, fashion-mnist, cifar10, a folder of images or an .npz file', name);
    }
    return imageSetFromNpz(await readUserFile(name, 'data file'), { source: name });
  }
  return loadImageFolder(name, {
    ...(options.start === undefined ? {} : { start: options.start }),
    ...(options.count === undefined ? {} : { count: options.count }),
    ...(signal === undefined ? {} : { signal }),
    ...(options.imageShape === undefined ? {} : { shape: options.imageShape }),
    ...(options.resize === undefined ? {} : { resize: options.resize }),
    ...(options.cropFraction === undefined ? {} : { cropFraction: options.cropFraction }),
    ...(options.classNames === undefined ? {} : { classes: options.classNames }),
    ...(options.classes === undefined ? {} : { classCount: options.classes }),
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
}
