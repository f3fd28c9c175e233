/**
 * Fashion-MNIST (Xiao, Rasul & Vollgraf 2017): 60,000 training and 10,000 test images of clothes in ten classes, 28×28 grey, in
 * MNIST's own format.
 *
 * Looked for in the cache folder, downloaded there from two mirrors otherwise. Every download is checked against the MD5 sums of
 * the files as published, which are compressed.
 */
import { type IdxDataset, loadIdxDataset, type MnistOptions } from './idx_dataset.ts';
import type { ImageSet } from './image_set.ts';

const FASHION_MNIST: IdxDataset = {
  title: 'Fashion-MNIST',
  folder: 'fashion-mnist',
  md5: {
    'train-images-idx3-ubyte': '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
    'train-labels-idx1-ubyte': '25c81989df183df01b3e8a0aad5dffbe',
    't10k-images-idx3-ubyte': 'bef4ecab320f06d8554ea6380940ec79',
    't10k-labels-idx1-ubyte': 'bb300cfdad3c16e7a12a480ee83cd310',
  },
  compressed: true,
  mirrors: [
    'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    'https://storage.googleapis.com/tensorflow/tf-keras-datasets/',
  ],
};

/** @returns images [count, 28, 28]. @throws as loadMnist does. */
export async function loadFashionMnist(options: MnistOptions = {}): Promise<ImageSet> {
  return await loadIdxDataset(FASHION_MNIST, options);
}
