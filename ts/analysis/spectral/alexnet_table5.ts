/**
 * Table 5 of Szegedy et al. 2013: operator norms of AlexNet's rectified layers, on weights of the same shapes. The
 * shapes are the paper's, ungrouped, whereas AlexNet of 2012 had conv2, 4 and 5 in two groups. Convolutions have circular
 * boundary, on AlexNet's sizes (conv1 on 224 × 224, a multiple of its stride).
 */
import { Random } from '../../base/random.ts';
import { invalidArgument } from '../../errors.ts';
import type { Convolution, Pair2 } from './convolution_geometry.ts';
import { circularConvolutionNorm } from './convolution_symbol.ts';
import { matrixOperator } from './linear_operator.ts';
import { operatorNorm } from './operator_norm.ts';

interface ConvolutionEntry {
  readonly layer: string;
  /** [D, C, kernel height, kernel width], as in ONNX; the paper writes C×k×k×D. */
  readonly shape: readonly [number, number, number, number];
  readonly inputSize: Pair2;
  readonly stride: number;
  /** The paper's figure. */
  readonly paper: number;
}

interface DenseEntry {
  readonly layer: string;
  /** [inputs, outputs] */
  readonly shape: readonly [number, number];
  readonly paper: number;
}

export const ALEXNET_TABLE5: readonly (ConvolutionEntry | DenseEntry)[] = [
  { layer: 'Conv. 1', shape: [96, 3, 11, 11], inputSize: [224, 224], stride: 4, paper: 2.75 },
  { layer: 'Conv. 2', shape: [256, 96, 5, 5], inputSize: [27, 27], stride: 1, paper: 10 },
  { layer: 'Conv. 3', shape: [384, 256, 3, 3], inputSize: [13, 13], stride: 1, paper: 7 },
  { layer: 'Conv. 4', shape: [384, 384, 3, 3], inputSize: [13, 13], stride: 1, paper: 7.5 },
  { layer: 'Conv. 5', shape: [256, 384, 3, 3], inputSize: [13, 13], stride: 1, paper: 11 },
  { layer: 'FC. 1', shape: [9216, 4096], paper: 3.12 },
  { layer: 'FC. 2', shape: [4096, 4096], paper: 4 },
  { layer: 'FC. 3', shape: [4096, 1000], paper: 4 },
];

export interface Table5Row {
  layer: string;
  /** As the paper writes it: "3 × 11 × 11 × 96", "9216 × 4096". */
  size: string;
  /** Null for dense layers. */
  stride: number | null;
  /** ‖W‖ of the weights given: Δ⁻¹ and N for convolutions. */
  norm: number;
  /** Δ⁻² and N², as the paper prints the formula; null where there is no stride. */
  printed: number | null;
  /** The paper's figure, for its trained AlexNet. */
  paper: number;
}

export interface Table5Options {
  /** Relative; default 1e-6. */
  tolerance?: number;
  /** Called after each layer. */
  onRow?: (row: Table5Row) => void;
}

/** Weights of a layer by its name in the table, row-major in its `shape`; undefined to leave the layer out. */
export type Table5Weights = (layer: string, shape: readonly number[]) => ArrayLike<number> | undefined;

/**
 * The rows of table 5 for any weights, beside the paper's numbers. With all eight layers, 60 million weights, it takes
 * about a minute and 600 MB: layers are asked for one after the other.
 * @throws INVALID_ARGUMENT when weights have another length than their shape; NOT_FINITE.
 */
export function alexnetTable5Layout(weights: Table5Weights, options: Table5Options = {}): Table5Row[] {
  const rows: Table5Row[] = [];
  for (const entry of ALEXNET_TABLE5) {
    const data = weights(entry.layer, entry.shape);
    if (!data) continue;
    const expected = entry.shape.reduce((product: number, size) => product * size, 1);
    if (data.length !== expected) throw invalidArgument(`weights of ${entry.layer}`, `${expected} values`, data.length);
    const row = 'stride' in entry ? convolutionRow(entry, data, options) : denseRow(entry, data, options);
    options.onRow?.(row);
    rows.push(row);
  }
  return rows;
}

/** AlexNet's first weights: N(0, 0.01²) (Krizhevsky et al. 2012), each layer from a stream of its own. */
export function alexnetInitialWeights(seed = 0): Table5Weights {
  return (layer, shape) => {
    const stream = ALEXNET_TABLE5.findIndex((entry) => entry.layer === layer);
    const random = new Random(seed, stream);
    const count = shape.reduce((product, size) => product * size, 1);
    return Float32Array.from({ length: count }, () => 0.01 * random.normal());
  };
}

function convolutionRow(
  entry: ConvolutionEntry,
  data: ArrayLike<number>,
  { tolerance = 1e-6 }: Table5Options,
): Table5Row {
  const { layer, shape, inputSize, stride, paper } = entry;
  const [outputChannels, inputChannels, height, width] = shape;
  const convolution: Convolution = {
    weights: data,
    outputChannels,
    inputChannels,
    kernel: [height, width],
    inputSize,
    strides: [stride, stride],
  };
  return {
    layer,
    size: [inputChannels, height, width, outputChannels].join(' × '),
    stride,
    norm: circularConvolutionNorm(convolution, { tolerance }).norm,
    printed: stride > 1 ? circularConvolutionNorm(convolution, { tolerance, reading: 'printed' }).norm : null,
    paper,
  };
}

function denseRow(
  { layer, shape, paper }: DenseEntry,
  data: ArrayLike<number>,
  { tolerance = 1e-6 }: Table5Options,
): Table5Row {
  const { norm } = operatorNorm(matrixOperator(data, shape[0], shape[1]), { tolerance });
  return { layer, size: shape.join(' × '), stride: null, norm, printed: null, paper };
}
