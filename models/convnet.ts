/**
 * A small convolutional network for MNIST: two 5×5 convolutions with ReLU and 2×2 max-pooling, and a dense layer.
 * Piecewise linear, unlike the sigmoid networks, which asks other things of a search for near mistakes.
 */
import { conv, dense, flatten, type ModelDefinition, maxPool, relu } from '../ts/nn/layers.ts';
import type { Recipe } from '../ts/nn/train_classifier.ts';
import { classifierEntry, type ModelEntry } from './model_entry.ts';

const RECIPE: Recipe = {
  epochs: 5,
  batchSize: 64,
  optimizer: { type: 'adam', learningRate: 2e-3 },
  schedule: 'cosine',
};

/** 1×28×28 → 16×24×24 → 16×12×12 → 32×8×8 → 32×4×4 → 10. */
export function convnet(): ModelEntry {
  const definition: ModelDefinition = {
    name: 'convnet',
    inputShape: [1, 28, 28],
    layers: [conv(16, 5), relu, maxPool(2), conv(32, 5), relu, maxPool(2), flatten, dense(10)],
  };
  return classifierEntry(definition, RECIPE);
}
