/**
 * Section 4.3: how much can a network amplify a change? The product of its layers' operator norms bounds its Lipschitz
 * constant L, and with it the distance to the nearest mistake from below: with margin m = z_y − max_{j≠y} z_j,
 *
 *     ‖r‖₂ ≥ m / (√2·L),     since ‖e_y − e_j‖₂ = √2.
 */
import { convolutionOperator, type PaddedConvolution } from '../analysis/spectral/convolution_operator.ts';
import { matrixOperator } from '../analysis/spectral/linear_operator.ts';
import { operatorNorm } from '../analysis/spectral/operator_norm.ts';
import { hardMargin } from '../attack/judge.ts';
import { UNTARGETED } from '../attack/targets.ts';
import { adaptImages } from '../data/image_layout.ts';
import { type ImageSet, imageSize } from '../data/image_set.ts';
import type { ConvLayer, ModelDefinition } from '../nn/layers.ts';
import { readModel } from '../onnx/read_model.ts';
import type { Tensor as Weights } from '../onnx/tensor.ts';
import { createSession } from '../runtime/node_session.ts';
import { type Block, type Claim, claimsBlock, paragraph, verdictOf } from './document.ts';
import type { Experiment } from './experiment.ts';
import { average } from './statistics.ts';
import type { TrainedStudyModel } from './study.ts';

export interface LayerNorm {
  /** Such as fc1. */
  readonly layer: string;
  readonly norm: number;
}

export interface SpectralRow {
  readonly model: string;
  readonly layers: readonly LayerNorm[];
  /** Product of the norms and of the activations' constants: sigmoid ¼, ReLU and max-pooling without overlap 1. */
  readonly lipschitz: number;
  readonly images: number;
  /** Means over the images. */
  readonly certified: number;
  readonly measured: number;
  /** Smallest, over the images, of measured to certified distance. */
  readonly smallestRatio: number;
  readonly meanRatio: number;
}

export interface Spectral {
  readonly images: number;
  readonly rows: readonly SpectralRow[];
}

const MODELS = ['FC10(1e-4)', 'FC10(1e-2)', 'FC10(1)', 'FC100-100-10', 'FC200-200-10', 'AE400-10', 'convnet'] as const;

export const spectral: Experiment<Spectral> = {
  name: 'spectral',
  title: 'Spectral analysis (section 4.3): how far is certain',
  version: 1,
  models: MODELS,
  seconds: 30,
  async run(study, tell) {
    const rows: SpectralRow[] = [];
    for (const [i, name] of MODELS.entries()) {
      tell(i / MODELS.length, `norms of ${name}`);
      const model = await study.model(name);
      const { layers, lipschitz } = lipschitzBound(model.record.model, readModel(model.bytes).initializers);
      const { originals, distortions } = await study.distorted(name, 'train', 'none');
      const side = Math.sqrt(imageSize(originals.shape));
      const measured = distortions.map((distortion) => distortion * side);
      const certified = (await marginsOf(model, originals)).map((margin) => margin / (Math.SQRT2 * lipschitz));
      const ratios = measured.map((distance, image) => distance / (certified[image] ?? 0));
      rows.push({
        model: model.label,
        layers,
        lipschitz,
        images: originals.count,
        certified: average(certified),
        measured: average(measured),
        smallestRatio: Math.min(...ratios),
        meanRatio: average(ratios),
      });
    }
    return { result: { images: study.settings.images, rows } };
  },
  render: renderSpectral,
};

/** Of a network of dense layers, convolutions, sigmoids, ReLUs and max-pooling without overlap. */
export function lipschitzBound(
  model: ModelDefinition,
  parameters: ReadonlyMap<string, Weights>,
): { layers: LayerNorm[]; lipschitz: number } {
  const weights = (layer: string): Weights => {
    const found = parameters.get(`${layer}.weight`);
    if (found === undefined) throw new TypeError(`${model.name} has no ${layer}.weight`);
    return found;
  };
  const layers: LayerNorm[] = [];
  let lipschitz = 1;
  let shape = model.inputShape;
  const counts = { fc: 0, conv: 0 };
  for (const layer of model.layers) {
    if (layer.type === 'dense') {
      const name = `fc${++counts.fc}`;
      // Stored [inputs, units]: the transposed matrix has the same norm.
      const { norm } = operatorNorm(matrixOperator(asFloats(weights(name)), imageSize(shape), layer.units));
      layers.push({ layer: name, norm });
      lipschitz *= norm;
      shape = [layer.units];
    } else if (layer.type === 'conv') {
      const name = `conv${++counts.conv}`;
      const convolution = placed(layer, shape, asFloats(weights(name)));
      const { norm } = operatorNorm(convolutionOperator(convolution));
      layers.push({ layer: name, norm });
      lipschitz *= norm;
      shape = [layer.filters, ...convolution.outputSize];
    } else if (layer.type === 'max-pool') {
      const [channels = 1, height = 1, width = 1] = shape;
      shape = [channels, Math.floor(height / layer.size), Math.floor(width / layer.size)];
    } else if (layer.type === 'flatten') {
      shape = [imageSize(shape)];
    } else if (layer.type === 'sigmoid') {
      lipschitz /= 4;
    }
  }
  return { layers, lipschitz };
}

function placed(layer: ConvLayer, shape: readonly number[], weights: ArrayLike<number>): PaddedConvolution {
  const [inputChannels = 1, height = 1, width = 1] = shape;
  const { filters, kernel, stride, padding } = layer;
  const side = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
  return {
    weights,
    outputChannels: filters,
    inputChannels,
    kernel: [kernel, kernel],
    inputSize: [height, width],
    strides: [stride, stride],
    padsBegin: [padding, padding],
    outputSize: [side(height), side(width)],
  };
}

function asFloats({ data }: Weights): Float32Array {
  if (!(data instanceof Float32Array)) throw new TypeError('weights are float32');
  return data;
}

/** z_y − max_{j≠y} z_j of each image. */
async function marginsOf(model: TrainedStudyModel, images: ImageSet): Promise<number[]> {
  await using session = await createSession(model.bytes);
  const adapted = adaptImages(images, model.record.model.inputShape);
  const { logits } = await session.run({ image: { data: adapted.images, dims: [images.count, ...adapted.shape] } });
  if (logits === undefined) throw new TypeError(`${model.name} gives no logits`);
  const classes = logits.data.length / images.count;
  return Array.from(images.labels, (label, row) => hardMargin(logits.data, row * classes, classes, label, UNTARGETED));
}

function renderSpectral({ images, rows }: Spectral): Block[] {
  return [
    paragraph(
      `The Lipschitz constant L of a network is at most the product of its layers' operator norms, with a quarter for each sigmoid. An image whose margin is m cannot be answered wrongly within ‖r‖₂ < m/(√2·L): a certificate, beside the nearest mistake that the search found for any class, on up to ${images} training images. Distances are L2 norms; a distortion is a 28th of one.`,
    ),
    {
      kind: 'table',
      caption: 'Operator norms, the bound on L, and mean distances (L2): certified from below, measured from above.',
      columns: ['model', 'layers’ norms', 'L ≤', 'certified', 'measured', 'measured/certified, smallest', 'mean'],
      rows: rows.map(({ model, layers, lipschitz, certified, measured, smallestRatio, meanRatio }) => ({
        label: model,
        cells: [
          { ours: layers.map(({ norm }) => norm.toPrecision(3)).join(' · ') },
          { ours: lipschitz.toPrecision(3) },
          { ours: certified.toPrecision(2) },
          { ours: measured.toPrecision(3) },
          { ours: smallestRatio.toPrecision(3) },
          { ours: meanRatio.toPrecision(3) },
        ],
      })),
    },
    claimsBlock(spectralClaims(rows)),
  ];
}

export function spectralClaims(rows: readonly SpectralRow[]): Claim[] {
  const sound = rows.filter(({ smallestRatio }) => smallestRatio >= 1);
  const loose = rows.filter(({ meanRatio }) => meanRatio > 10);
  const ratios = rows.map(({ meanRatio }) => meanRatio);
  return [
    {
      claim: 'The bound holds: no mistake lies nearer than is certified.',
      verdict: verdictOf(sound.length, rows.length),
      finding: `The nearest mistake found is at least ${Math.min(...rows.map(({ smallestRatio }) => smallestRatio)).toPrecision(3)} times as far as the certificate for every image.`,
    },
    {
      claim: 'Large bounds do not prove that adversarial examples exist; small ones would exclude them.',
      verdict: loose.length < rows.length ? 'holds' : 'holds in part',
      finding: `Measured distances are ${Math.min(...ratios).toPrecision(2)} to ${Math.max(...ratios).toPrecision(2)} times the certified ones on average: nearest to them for networks without hidden layers, where L is exact but for the classes’ directions.`,
    },
  ];
}
