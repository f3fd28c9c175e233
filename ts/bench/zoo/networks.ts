/**
 * Networks chosen to differ, for judging a search on what it was not made with: losses, activations, widths from 5 to 500,
 * depths from 1 to 9, poolings, skips, normalisations. Half of them may be looked at while the search is changed ("tune");
 * the other half, of the same kinds but none the same, only tells afterwards how well it holds ("judge").
 */
import type { AdversarialStep } from '../../nn/adversarial.ts';
import {
  attention,
  averagePool,
  batchNorm,
  conv,
  dense,
  flatten,
  gelu,
  globalAveragePool,
  globalMaxPool,
  type Initializer,
  type Layer,
  leakyRelu,
  type ModelDefinition,
  maxPool,
  relu,
  relu6,
  residual,
  sigmoid,
  tanh,
} from '../../nn/layers.ts';
import type { LossSettings } from '../../nn/losses.ts';
import type { Recipe } from '../../nn/train_classifier.ts';

export const HALVES = ['tune', 'judge'] as const;
export type Half = (typeof HALVES)[number];

export interface ZooNetwork {
  readonly half: Half;
  readonly data: 'mnist' | 'cifar10';
  readonly definition: ModelDefinition;
  readonly recipe: Recipe;
  /** Training images. */
  readonly images: number;
  /** Trained on the answers of a network of its own kind at this temperature (Papernot et al. 2016). */
  readonly distilled?: number;
}

type Activation = Exclude<Layer, { readonly units: number } | { readonly filters: number }>;

const SQUARED: LossSettings = { type: 'squared-error' };
const SMOOTHED: LossSettings = { type: 'cross-entropy', smoothing: 0.1 };
const TEMPERATURE = 20;

const HE: Initializer = { kind: 'he-normal' };
const WIDE: Initializer = { kind: 'xavier-normal', gain: 2 };
const PLAIN: Initializer = { kind: 'xavier-normal', gain: 1 };

/** Sigmoids pass on a quarter of a change at most, tanh and the linear ones about all of it. */
function initializer(activation: Activation): Initializer {
  if (activation === sigmoid) return WIDE;
  return activation === tanh ? PLAIN : HE;
}

interface Training {
  readonly epochs?: number;
  readonly rate?: number;
  readonly loss?: LossSettings;
  readonly adversarial?: readonly AdversarialStep[];
  readonly images?: number;
  readonly distilled?: number;
}

/** Hidden layers of these widths, ten logits. */
function flat(half: Half, name: string, widths: readonly number[], activation: Activation, training: Training = {}) {
  const hidden = widths.flatMap((units): Layer[] => [
    dense(units, { initializer: initializer(activation) }),
    activation,
  ]);
  return network(half, 'mnist', name, [784], [...hidden, dense(10)], { images: 60_000, epochs: 4, ...training });
}

function picture(half: Half, name: string, layers: readonly Layer[], training: Training = {}): ZooNetwork {
  return network(half, 'mnist', name, [1, 28, 28], layers, { images: 12_000, epochs: 3, ...training });
}

function colour(half: Half, name: string, layers: readonly Layer[], training: Training = {}): ZooNetwork {
  return network(half, 'cifar10', name, [3, 32, 32], layers, { images: 10_000, epochs: 5, ...training });
}

function network(
  half: Half,
  data: ZooNetwork['data'],
  name: string,
  inputShape: readonly number[],
  layers: readonly Layer[],
  { epochs = 3, rate = 2e-3, loss, adversarial, images = 12_000, distilled }: Training,
): ZooNetwork {
  return {
    half,
    data,
    definition: { name, inputShape, layers },
    images,
    recipe: {
      epochs,
      batchSize: 64,
      optimizer: { type: 'adam', learningRate: rate },
      schedule: 'cosine',
      ...(loss === undefined ? {} : { loss }),
      ...(adversarial === undefined ? {} : { adversarial }),
    },
    ...(distilled === undefined ? {} : { distilled }),
  };
}

/** A residual block of two 3×3 convolutions, normalised. */
function block(maps: number): Layer[] {
  const layers = [conv(maps, 3, { padding: 1 }), batchNorm, relu, conv(maps, 3, { padding: 1 }), batchNorm];
  return [...residual(...layers), relu];
}

/** 1×28×28 → 8×12×12 → 16×4×4 → 10 with 5×5 kernels. */
function small(activation: Layer, pool: (size: number) => Layer, normalised = false): Layer[] {
  const norm: Layer[] = normalised ? [batchNorm] : [];
  return [conv(8, 5), ...norm, activation, pool(2), conv(16, 5), ...norm, activation, pool(2), flatten, dense(10)];
}

const repeat = (times: number, width: number): number[] => Array.from({ length: times }, () => width);

export const ZOO: readonly ZooNetwork[] = [
  flat('tune', 'linear', [], relu),
  flat('tune', 'sigmoid 5-5', [5, 5], sigmoid, { rate: 2e-2, epochs: 8 }),
  flat('tune', 'sigmoid 60 ×4', repeat(4, 60), sigmoid, { rate: 5e-3 }),
  flat('tune', 'relu 256-256, squared error', [256, 256], relu, { loss: SQUARED, rate: 1e-3 }),
  flat('tune', 'relu 32 ×9', repeat(9, 32), relu),
  flat('tune', 'relu 100, label smoothing', [100], relu, { loss: SMOOTHED }),
  flat('tune', 'tanh 64-64-64, distilled', repeat(3, 64), tanh, { distilled: TEMPERATURE }),
  flat('tune', 'gelu 64-64', [64, 64], gelu),
  flat('tune', 'leaky relu 500', [500], leakyRelu, { epochs: 2 }),
  picture('tune', 'conv, relu, max-pool', small(relu, maxPool)),
  picture('tune', 'conv, relu6, global max', [
    conv(16, 5, { stride: 2 }),
    relu6,
    conv(32, 3),
    relu6,
    globalMaxPool,
    dense(10),
  ]),
  picture('tune', 'residual, batch norm', [
    conv(8, 3, { stride: 2, padding: 1 }),
    relu,
    ...block(8),
    averagePool(2),
    flatten,
    dense(10),
  ]),
  colour('tune', 'CIFAR conv, relu, average', [
    conv(16, 3, { padding: 1 }),
    relu,
    averagePool(2),
    conv(32, 3, { padding: 1 }),
    relu,
    averagePool(2),
    flatten,
    dense(64),
    relu,
    dense(10),
  ]),
  colour('tune', 'CIFAR attention', [
    conv(24, 4, { stride: 4 }),
    gelu,
    attention(12),
    attention(12),
    flatten,
    dense(10),
  ]),

  flat('judge', 'relu 5', [5], relu, { rate: 1e-2 }),
  flat('judge', 'tanh 8-8-8', [8, 8, 8], tanh, { rate: 1e-2 }),
  flat('judge', 'sigmoid 10-10-10', [10, 10, 10], sigmoid, { rate: 1e-2, epochs: 8 }),
  flat('judge', 'sigmoid 200 ×5', repeat(5, 200), sigmoid, { epochs: 3, rate: 3e-3 }),
  flat('judge', 'tanh 100-100, squared error', [100, 100], tanh, { loss: SQUARED }),
  flat('judge', 'leaky relu 40 ×8', repeat(8, 40), leakyRelu),
  flat('judge', 'sigmoid 128, label smoothing', [128], sigmoid, { loss: SMOOTHED }),
  flat('judge', 'relu 100-100, distilled', [100, 100], relu, { distilled: TEMPERATURE }),
  flat('judge', 'relu6 300-100', [300, 100], relu6, { epochs: 2 }),
  picture('judge', 'conv, gelu, average', small(gelu, averagePool)),
  picture('judge', 'conv, relu, batch norm, adversarial', small(relu, maxPool, true), {
    adversarial: [{ norm: 'linf', radius: 0.15 }],
  }),
  picture('judge', 'conv, relu, max-pool, squared error', small(relu, maxPool), { loss: SQUARED, rate: 1e-3 }),
  picture('judge', 'conv, leaky relu, global average', [
    conv(16, 5, { stride: 2 }),
    leakyRelu,
    conv(32, 3, { stride: 2 }),
    leakyRelu,
    globalAveragePool,
    dense(10),
  ]),
  colour('judge', 'CIFAR residual, batch norm', [
    conv(16, 3, { stride: 2, padding: 1 }),
    batchNorm,
    relu,
    ...block(16),
    globalAveragePool,
    dense(10),
  ]),
  colour('judge', 'CIFAR conv, relu, max-pool', [
    conv(16, 5),
    relu,
    maxPool(2),
    conv(24, 3),
    relu,
    maxPool(2),
    flatten,
    dense(10),
  ]),
];
