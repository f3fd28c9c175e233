/**
 * AlexNet (Krizhevsky et al. 2012) at CIFAR-10's size: five convolutions with ReLU, overlapping pooling and local response
 * normalisation after the first two, pooling after the fifth, dropout, three dense layers. The constants of the
 * normalisation are theirs; kernels and maps are smaller, as images of 32×32 ask, and pooling comes before normalisation
 * (as in Caffe's reference network, Jia et al. 2014), which makes a quarter of the work of it. He et al.'s first weights
 * (2015) and Adam in place of N(0, 0.01²) and their steps, with which a few epochs learn nothing.
 */
import { conv, dense, dropout, flatten, type Layer, maxPool, relu, responseNorm } from '../ts/nn/layers.ts';
import type { Recipe } from '../ts/nn/train_classifier.ts';
import { classifierEntry, type ModelEntry } from './model_entry.ts';

const RECIPE: Recipe = {
  epochs: 12,
  batchSize: 64,
  optimizer: { type: 'adam', learningRate: 1e-3 },
  schedule: 'cosine',
  weightDecay: 1e-4,
};

const HE = { kind: 'he-normal' } as const;

/**
 * 3×32×32 → 32×32×32 → 32×15×15 → 48×15×15 → 48×7×7 → 64×7×7 → 48×7×7 → 48×7×7 → 48×3×3 → 256 → 128 → 10, for width 1.
 * @param width multiplies the maps and hidden units.
 */
export function alexnet(width = 1, recipe: Partial<Recipe> = {}): ModelEntry {
  const wide = (count: number) => Math.round(count * width);
  const layers: Layer[] = [
    conv(wide(32), 5, { padding: 2 }),
    relu,
    maxPool(3, 2),
    responseNorm(),
    conv(wide(48), 3, { padding: 1 }),
    relu,
    maxPool(3, 2),
    responseNorm(),
    conv(wide(64), 3, { padding: 1 }),
    relu,
    conv(wide(48), 3, { padding: 1 }),
    relu,
    conv(wide(48), 3, { padding: 1 }),
    relu,
    maxPool(3, 2),
    flatten,
    dropout(0.3),
    dense(wide(256), { initializer: HE }),
    relu,
    dropout(0.3),
    dense(wide(128), { initializer: HE }),
    relu,
    dense(10),
  ];
  const name = width === 1 ? 'alexnet' : `alexnet-${width}`;
  return classifierEntry({ name, inputShape: [3, 32, 32], layers }, { ...RECIPE, ...recipe });
}

const WIDE_RECIPE: Recipe = {
  epochs: 21,
  batchSize: 128,
  optimizer: { type: 'adam', learningRate: 1e-3 },
  schedule: 'cosine',
  weightDecay: 1e-4,
  mirror: true,
};

/**
 * Nearer to the original, and for a GPU: 3×32×32 → 64×15×15 → 192×7×7 → 256×7×7 → 256×7×7 → 192×3×3 → 512 → 256 → 10, with
 * normalisation before pooling, as there, and images mirrored.
 */
export function alexnetWide(): ModelEntry {
  const layers: Layer[] = [
    ...[conv(64, 5, { padding: 2 }), relu, responseNorm(), maxPool(3, 2)],
    ...[conv(192, 5, { padding: 2 }), relu, responseNorm(), maxPool(3, 2)],
    ...[conv(256, 3, { padding: 1 }), relu, conv(256, 3, { padding: 1 }), relu],
    ...[conv(192, 3, { padding: 1 }), relu, maxPool(3, 2), flatten],
    ...[dense(512, { initializer: HE }), relu, dropout(0.5), dense(256, { initializer: HE }), relu, dropout(0.5)],
    dense(10),
  ];
  return classifierEntry({ name: 'alexnet-wide', inputShape: [3, 32, 32], layers }, WIDE_RECIPE);
}
