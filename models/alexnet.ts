/**
 * An AlexNet of CIFAR's size (after Krizhevsky, Sutskever & Hinton 2012): five convolutions, local response normalisation,
 * overlapping max-pooling, and three dense layers with dropout, for images of 32×32 in colour. The network of Szegedy et
 * al. 2013 that was trained on ImageNet, a size smaller.
 */
import {
  conv,
  dense,
  dropout,
  flatten,
  type Initializer,
  localResponse,
  type ModelDefinition,
  maxPool,
  relu,
} from '../ts/nn/layers.ts';
import type { Recipe } from '../ts/nn/train_classifier.ts';
import { classifierEntry, type ModelEntry } from './model_entry.ts';

const HE: Initializer = { kind: 'he-normal' };

const RECIPE: Recipe = {
  epochs: 30,
  batchSize: 128,
  optimizer: { type: 'adam', learningRate: 1e-3 },
  schedule: 'cosine',
  weightDecay: 1e-4,
  mirror: true,
};

const pool = maxPool(3, { stride: 2 });

/**
 * 3×32×32 → 64×15×15 → 192×7×7 → 256×7×7 → 256×7×7 → 192×3×3 → 512 → 256 → 10.
 * @param width of every convolution, as a multiple of these.
 */
export function alexnet(width = 1): ModelEntry {
  const maps = (count: number): number => Math.max(1, Math.round(count * width));
  const definition: ModelDefinition = {
    name: width === 1 ? 'alexnet' : `alexnet ×${width}`,
    inputShape: [3, 32, 32],
    layers: [
      ...[conv(maps(64), 5, { padding: 2 }), relu, localResponse(), pool],
      ...[conv(maps(192), 5, { padding: 2 }), relu, localResponse(), pool],
      ...[conv(maps(256), 3, { padding: 1 }), relu, conv(maps(256), 3, { padding: 1 }), relu],
      ...[conv(maps(192), 3, { padding: 1 }), relu, pool, flatten],
      ...[dense(512, { initializer: HE }), relu, dropout(0.5), dense(256, { initializer: HE }), relu, dropout(0.5)],
      dense(10),
    ],
  };
  return classifierEntry(definition, RECIPE);
}
