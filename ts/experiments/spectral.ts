/**
 * Section 4.3: how much can a network amplify a change? The product of its layers' operator norms bounds its Lipschitz
 * constant L, and with it the distance to the nearest mistake from below: with margin m = z_y − max_{j≠y} z_j,
 *
 *     ‖r‖₂ ≥ m / (√2·L),     since ‖e_y − e_j‖₂ = √2.
 */
import { certify } from '../analysis/certificates/certify.ts';
import { spectralReport } from '../analysis/spectral/spectral_report.ts';
import { type ImageSet, imageSize, takeImages } from '../data/image_set.ts';
import { createSession } from '../runtime/node_session.ts';
import { type Block, type Claim, claimsBlock, paragraph, verdictOf } from './document.ts';
import type { Experiment } from './experiment.ts';
import { average } from './statistics.ts';

export interface LayerNorm {
  /** Such as fc1. */
  readonly layer: string;
  readonly kind: string;
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
  /** By the bounds of single pairs of classes, ‖w_k − w_j‖ of the last layer in place of √2·‖W‖. */
  readonly certifiedByPairs: number;
  readonly measured: number;
  /** Smallest, over the images, of measured to certified distance, by pairs. */
  readonly smallestRatio: number;
  readonly meanRatio: number;
  /** The same by linear relaxation, of the first images; null where it is not tried. */
  readonly relaxed: Relaxed | null;
}

interface Relaxed {
  readonly images: number;
  /** Means over them. */
  readonly certified: number;
  readonly meanRatio: number;
  readonly smallestRatio: number;
}

export interface Spectral {
  readonly images: number;
  readonly rows: readonly SpectralRow[];
}

const MODELS = ['FC10(1e-4)', 'FC10(1e-2)', 'FC10(1)', 'FC100-100-10', 'FC200-200-10', 'AE400-10', 'convnet'] as const;

/** A convolutional network takes a quarter of a minute an image. */
const RELAXED_MODELS: readonly string[] = MODELS.filter((name) => name !== 'convnet');
const RELAXED_IMAGES = { full: 50, quick: 2 } as const;

export const spectral: Experiment<Spectral> = {
  name: 'spectral',
  title: 'Spectral analysis (section 4.3): how far is certain',
  version: 3,
  models: MODELS,
  seconds: 150,
  async run(study, tell) {
    const rows: SpectralRow[] = [];
    for (const [i, name] of MODELS.entries()) {
      tell(i / MODELS.length, `norms of ${name}`);
      const model = await study.model(name);
      const { originals, distortions } = await study.distorted(name, 'train', 'none');
      const { layers, lipschitz, examples } = await spectralReport(model.bytes, { images: originals, createSession });
      const side = Math.sqrt(imageSize(originals.shape));
      const measured = distortions.map((distortion) => distortion * side);
      const certified = examples.map(({ l2 }) => l2);
      const byPairs = examples.map(({ l2, pairwiseL2 }) => pairwiseL2 ?? l2);
      const ratios = measured.map((distance, image) => distance / (byPairs[image] ?? 0));
      rows.push({
        model: model.label,
        layers: layers.map(({ name: layer, kind, norm }) => ({ layer, kind, norm })),
        lipschitz,
        images: originals.count,
        certified: average(certified),
        certifiedByPairs: average(byPairs),
        measured: average(measured),
        smallestRatio: Math.min(...ratios),
        meanRatio: average(ratios),
        relaxed: RELAXED_MODELS.includes(name)
          ? await relaxed(
              model.bytes,
              takeImages(originals, RELAXED_IMAGES[study.settings.profile]),
              measured,
              (done) => tell((i + done) / MODELS.length, `relaxations of ${name}`),
            )
          : null,
      });
    }
    return { result: { images: study.settings.images, rows } };
  },
  render: renderSpectral,
};

/** @throws when a mistake was found nearer than none can be: one of the two is wrong. */
async function relaxed(
  bytes: Uint8Array,
  images: ImageSet,
  measured: readonly number[],
  tell: (done: number) => void,
): Promise<Relaxed> {
  const certificates = await certify(bytes, images, { onProgress: ({ done, total }) => tell(done / total) });
  const ratios = certificates.map(({ index, distance }) => {
    const ratio = (measured[index] ?? 0) / distance;
    if (ratio < 1) throw new Error(`image ${index}: a mistake at ${measured[index]}, where ${distance} is certified`);
    return ratio;
  });
  return {
    images: images.count,
    certified: average(certificates.map(({ distance }) => distance)),
    meanRatio: average(ratios),
    smallestRatio: Math.min(...ratios),
  };
}

function renderSpectral({ images, rows }: Spectral): Block[] {
  return [
    paragraph(
      `The Lipschitz constant L of a network is at most the product of its layers' operator norms, with a quarter for each sigmoid. An image whose margin is m cannot be answered wrongly within ‖r‖₂ < m/(√2·L): a certificate. Where the last layer's rows differ by less than √2·‖W‖, the bounds of single pairs of classes give more. Beside it, the nearest mistake that the search found for any class, on ${images} training images. Distances are L2 norms; a distortion is a 28th of one.`,
    ),
    paragraph(
      `What the paper could not do: by linear relaxation of the activations (CROWN, Zhang et al. 2018) a radius is certified image by image, on the ball within the pixels’ box; of the first ${rows.find((row) => row.relaxed)?.relaxed?.images ?? 0} images, for the networks without convolutions.`,
    ),
    {
      kind: 'table',
      caption: 'Operator norms, the bound on L, and mean distances (L2): certified from below, measured from above.',
      columns: [
        'model',
        'layers’ norms',
        'L ≤',
        'certified',
        'by pairs of classes',
        'measured',
        'measured/certified, smallest',
        'mean',
        'by relaxation',
        'measured/that, smallest',
        'mean',
      ],
      rows: rows.map(
        ({
          model,
          layers,
          lipschitz,
          certified,
          certifiedByPairs,
          measured,
          smallestRatio,
          meanRatio,
          relaxed: near,
        }) => ({
          label: model,
          cells: [
            {
              ours: layers
                .filter(({ kind }) => kind === 'dense' || kind === 'convolution')
                .map(({ norm }) => norm.toPrecision(3))
                .join(' · '),
            },
            { ours: lipschitz.toPrecision(3) },
            { ours: certified.toPrecision(2) },
            { ours: certifiedByPairs.toPrecision(2) },
            { ours: measured.toPrecision(3) },
            { ours: smallestRatio.toPrecision(3) },
            { ours: meanRatio.toPrecision(3) },
            { ours: near?.certified.toPrecision(3) ?? '–' },
            { ours: near?.smallestRatio.toPrecision(3) ?? '–' },
            { ours: near?.meanRatio.toPrecision(3) ?? '–' },
          ],
        }),
      ),
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
