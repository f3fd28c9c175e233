/**
 * A small residual network for CIFAR-10 (He et al. 2016): a convolution, two residual blocks of two convolutions each with
 * batch normalisation, pooling between, the mean over places, a dense layer. Unlike AlexNet in all that the paper's networks
 * have in common.
 */
import {
  batchNorm,
  conv,
  dense,
  globalAveragePool,
  type Layer,
  type ModelDefinition,
  maxPool,
  relu,
  residual,
} from '../ts/nn/layers.ts';
import type { Recipe } from '../ts/nn/train_classifier.ts';
import { classifierEntry, type ModelEntry } from './model_entry.ts';

const RECIPE: Recipe = {
  epochs: 12,
  batchSize: 64,
  optimizer: { type: 'adam', learningRate: 3e-3 },
  schedule: 'cosine',
  weightDecay: 1e-4,
};

function block(maps: number): Layer[] {
  const one = [conv(maps, 3, { padding: 1 }), batchNorm];
  return [...residual(...one, relu, ...one), relu];
}

/** 3×32×32 → 24×32×32 → 24×16×16, a block, 48×16×16 → 48×8×8, a block, 48 → 10. */
export function resnet8(recipe: Partial<Recipe> = {}): ModelEntry {
  const layers: Layer[] = [
    conv(24, 3, { padding: 1 }),
    batchNorm,
    relu,
    maxPool(2),
    ...block(24),
    conv(48, 3, { padding: 1 }),
    batchNorm,
    relu,
    maxPool(2),
    ...block(48),
    globalAveragePool,
    dense(10),
  ];
  const definition: ModelDefinition = { name: 'resnet8', inputShape: [3, 32, 32], layers };
  return classifierEntry(definition, { ...RECIPE, ...recipe });
}
