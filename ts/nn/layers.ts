/**
 * Layers as plain data: a model is a list of them, the same list that training.json records. What a layer computes
 * is in network.ts.
 */
import { invalidArgument } from '../errors.ts';

/** How weights are drawn at first; biases begin at 0. */
export type Initializer =
  /** N(0, gain²·2/(fanIn + fanOut)), Glorot & Bengio 2010. */
  | { readonly kind: 'xavier-normal'; readonly gain: number }
  /** N(0, 2/fanIn), He et al. 2015. */
  | { readonly kind: 'he-normal' }
  | { readonly kind: 'zeros' };

export interface DenseLayer {
  readonly type: 'dense';
  readonly units: number;
  readonly initializer: Initializer;
  /** λ of the penalty λ·Σw²/units added to the mean cross-entropy; biases are left out. */
  readonly weightDecay: number;
}

export interface ConvLayer {
  readonly type: 'conv';
  /** Output maps. */
  readonly filters: number;
  /** Side of the square kernel. */
  readonly kernel: number;
  readonly stride: number;
  /** Zeros added on each side. */
  readonly padding: number;
  readonly initializer: Initializer;
  /** λ of the penalty λ·Σw²/filters. */
  readonly weightDecay: number;
}

export interface MaxPoolLayer {
  readonly type: 'max-pool';
  /** Side of the square window. */
  readonly size: number;
  /** Under the size, windows overlap (Krizhevsky et al. 2012); default the size. */
  readonly stride?: number;
}

export interface AveragePoolLayer {
  readonly type: 'average-pool';
  /** Side of the square window, and its stride. */
  readonly size: number;
}

/** [channels, height, width] to [channels]. */
export interface GlobalPoolLayer {
  readonly type: 'global-max-pool' | 'global-average-pool';
}

/**
 * Ioffe & Szegedy 2015, a mean and a variance for each channel, or for each unit of a flat layer: of the batch while
 * training; of the saved model, running means over the batches.
 */
export interface BatchNormLayer {
  readonly type: 'batch-norm';
}

/**
 * Dot-product attention between the places of an image (Vaswani et al. 2017, equation 1), one head, added to what came in:
 * x + softmax(QKᵀ/√width)·V with Q, K, V = x·W of the channels at a place.
 */
export interface AttentionLayer {
  readonly type: 'attention';
  /** Of queries and keys. */
  readonly width: number;
}

/** From skip-start to the skip-end that belongs to it the layers compute f(x), and skip-end answers x + f(x) (He et al. 2016). */
export interface SkipLayer {
  readonly type: 'skip-start' | 'skip-end';
}

/**
 * Local response normalisation (Krizhevsky et al. 2012, section 3.3): x/(bias + alpha/size·Σ x²)^beta, the sum over `size`
 * channels beside it at the same place. Their α = 1e-4 is not divided by their n = 5: alpha here is α·n, as in ONNX.
 */
export interface ResponseNormLayer {
  readonly type: 'response-norm';
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly bias: number;
}

/** Filters with weights of their own at every place (untied), without bias: Le et al. 2012. */
export interface LocalFilterLayer {
  readonly type: 'local-filter';
  /** Filters at a place. */
  readonly maps: number;
  /** Side of the square window, over all input maps. */
  readonly kernel: number;
  readonly stride: number;
}

/** √(ε + Σ x²) of the square windows of each map. */
export interface L2PoolLayer {
  readonly type: 'l2-pool';
  readonly size: number;
  readonly stride: number;
}

/** Local subtractive and divisive contrast normalisation over all maps (Jarrett et al. 2009, Le et al. 2012). */
export interface ContrastNormLayer {
  readonly type: 'contrast-norm';
  /** Side of the Gaussian window, odd. */
  readonly size: number;
  /** c of max(c, deviation): what varies less is not raised to the full contrast. */
  readonly floor: number;
}

export interface DropoutLayer {
  readonly type: 'dropout';
  /** Share of the values set to zero while training; the others grow by 1/(1 - rate). */
  readonly rate: number;
}

export interface ActivationLayer {
  /** leaky-relu has slope 0.1 under zero; relu6 is clipped at 6; gelu is x·Φ(x), by the error function. */
  readonly type: 'sigmoid' | 'relu' | 'tanh' | 'leaky-relu' | 'relu6' | 'gelu';
}

export interface FlattenLayer {
  readonly type: 'flatten';
}

export type Layer =
  | DenseLayer
  | ConvLayer
  | MaxPoolLayer
  | AveragePoolLayer
  | GlobalPoolLayer
  | BatchNormLayer
  | AttentionLayer
  | SkipLayer
  | ResponseNormLayer
  | LocalFilterLayer
  | L2PoolLayer
  | ContrastNormLayer
  | DropoutLayer
  | ActivationLayer
  | FlattenLayer;

/** A classifier: pixels in, logits out. The last layer is dense, one unit a class. */
export interface ModelDefinition {
  readonly name: string;
  /** Of one image: [784] or [1, 28, 28]. */
  readonly inputShape: readonly number[];
  readonly layers: readonly Layer[];
}

const XAVIER: Initializer = { kind: 'xavier-normal', gain: 1 };

export function dense(units: number, options: { initializer?: Initializer; weightDecay?: number } = {}): DenseLayer {
  checkWhole('units', units, 1);
  const { initializer = XAVIER, weightDecay = 0 } = options;
  return { type: 'dense', units, initializer, weightDecay: checkDecay(weightDecay) };
}

export function conv(
  filters: number,
  kernel: number,
  options: { stride?: number; padding?: number; initializer?: Initializer; weightDecay?: number } = {},
): ConvLayer {
  checkWhole('filters', filters, 1);
  checkWhole('kernel', kernel, 1);
  const { stride = 1, padding = 0, initializer = { kind: 'he-normal' }, weightDecay = 0 } = options;
  checkWhole('stride', stride, 1);
  checkWhole('padding', padding, 0);
  return { type: 'conv', filters, kernel, stride, padding, initializer, weightDecay: checkDecay(weightDecay) };
}

/** @param stride default: the size, windows side by side. */
export function maxPool(size: number, stride?: number): MaxPoolLayer {
  checkWhole('size', size, 2);
  if (stride === undefined) return { type: 'max-pool', size };
  checkWhole('stride', stride, 1);
  return { type: 'max-pool', size, stride };
}

export function averagePool(size: number): AveragePoolLayer {
  checkWhole('size', size, 2);
  return { type: 'average-pool', size };
}

/** With the constants of AlexNet by default. */
export function responseNorm(options: Partial<Omit<ResponseNormLayer, 'type'>> = {}): ResponseNormLayer {
  const { size = 5, alpha = 5e-4, beta = 0.75, bias = 2 } = options;
  checkWhole('size', size, 1);
  return { type: 'response-norm', size, alpha, beta, bias };
}

export function localFilter(maps: number, kernel: number, stride = 1): LocalFilterLayer {
  for (const [name, value] of Object.entries({ maps, kernel, stride })) checkWhole(name, value, 1);
  return { type: 'local-filter', maps, kernel, stride };
}

/** Overlapping by default. */
export function l2Pool(size: number, stride = 1): L2PoolLayer {
  checkWhole('size', size, 2);
  checkWhole('stride', stride, 1);
  return { type: 'l2-pool', size, stride };
}

/** @param floor default 0.01, as in Le et al. */
export function contrastNorm(size: number, floor = 0.01): ContrastNormLayer {
  if (!Number.isInteger(size) || size < 3 || size % 2 === 0)
    throw invalidArgument('size', 'an odd number from 3', size);
  if (!(floor > 0 && Number.isFinite(floor))) throw invalidArgument('floor', 'a positive number', floor);
  return { type: 'contrast-norm', size, floor };
}

export function attention(width: number): AttentionLayer {
  checkWhole('width', width, 1);
  return { type: 'attention', width };
}

/** x + layers(x), which must keep the shape. */
export function residual(...layers: readonly Layer[]): Layer[] {
  return [{ type: 'skip-start' }, ...layers, { type: 'skip-end' }];
}

export function dropout(rate: number): DropoutLayer {
  if (!(rate >= 0 && rate < 1)) throw invalidArgument('rate', 'a number in [0, 1)', rate);
  return { type: 'dropout', rate };
}

export const sigmoid: ActivationLayer = { type: 'sigmoid' };
export const relu: ActivationLayer = { type: 'relu' };
export const tanh: ActivationLayer = { type: 'tanh' };
export const leakyRelu: ActivationLayer = { type: 'leaky-relu' };
export const relu6: ActivationLayer = { type: 'relu6' };
export const gelu: ActivationLayer = { type: 'gelu' };
export const batchNorm: BatchNormLayer = { type: 'batch-norm' };
export const globalMaxPool: GlobalPoolLayer = { type: 'global-max-pool' };
export const globalAveragePool: GlobalPoolLayer = { type: 'global-average-pool' };
export const flatten: FlattenLayer = { type: 'flatten' };

/** Classes that a model tells apart: the units of its last layer. @throws INVALID_ARGUMENT when that is not dense. */
export function classCount(model: ModelDefinition): number {
  const last = model.layers.at(-1);
  if (last?.type !== 'dense') throw invalidArgument(`the last layer of ${model.name}`, 'a dense layer', last?.type);
  return last.units;
}

/**
 * The model with the penalty ½λ·Σw² on the weights of every layer.
 * @throws INVALID_ARGUMENT unless λ is a number from 0.
 */
export function withWeightDecay(model: ModelDefinition, lambda: number): ModelDefinition {
  checkDecay(lambda);
  const layers = model.layers.map((layer): Layer => {
    if (layer.type === 'dense') return { ...layer, weightDecay: (lambda * layer.units) / 2 };
    return layer.type === 'conv' ? { ...layer, weightDecay: (lambda * layer.filters) / 2 } : layer;
  });
  return { ...model, layers };
}

function checkWhole(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) throw invalidArgument(name, `a whole number from ${least}`, value);
}

function checkDecay(value: number): number {
  if (!(value >= 0 && Number.isFinite(value))) throw invalidArgument('weightDecay', 'a number from 0', value);
  return value;
}
