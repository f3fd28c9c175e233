/** Figure 6 in words and tables. */
import { type Block, type Claim, claimsBlock, paragraph, percent, percentCell, verdictOf } from './document.ts';
import { PAPER_FIGURE_5 } from './paper_values.ts';
import { purityTable } from './purity_table.ts';
import type { Quocnet } from './quocnet.ts';

type QuocnetMeasures = Pick<
  Quocnet,
  'attacked' | 'found' | 'distortion' | 'carDistortion' | 'otherDistortion' | 'noiseError'
> & { readonly units: Pick<Quocnet['units'], 'purity'> };

export interface QuocnetFigures {
  readonly filters: string;
  readonly mistakes: string;
  readonly units: string;
}

export function renderQuocnet(result: Quocnet, figures: QuocnetFigures): Block[] {
  const { recipe, unlabelled, labelled, stages, errors, units } = result;
  const sides = (shape: readonly number[]) => shape.join(' × ');
  const { stage } = recipe;
  return [
    paragraph(
      `QuocNet (Le et al. 2012) on CIFAR-10’s 32 × 32 pixels in place of 200 × 200: three stages, each of local filters with weights of their own at every place, L2 pooling, and local subtractive and divisive contrast normalisation. Stage by stage ‖W₂W₁ᵀx − x‖² + λ Σ √(ε + H(W₁ᵀx)²), λ = ${stage.sparsity}, is made small on ${unlabelled.toLocaleString('en-GB')} training images without labels, ${stage.epochs} epochs of Adam a stage. A logistic layer on the top features, below which nothing is tuned, then learns from ${labelled.toLocaleString('en-GB')} training images, half of them automobiles. What the papers leave open: images are contrast-normalised first; what a filter puts back (a column of W₂) has length 1, without which λ could be evaded; x enters the objective at ${stage.scale} of its size; a penalty of ${stage.decay}·ΣW₁². Sizes and recipe are the best of about ten, by errors on the last tenth of the training images, held out then.`,
    ),
    {
      kind: 'table',
      caption:
        'QuocNet’s stages: objective an image, and share of the squared input of 500 test images that is reconstructed (%).',
      columns: ['stage', 'reads', 'answers', 'objective, first epoch', 'last epoch', 'reconstructed'],
      rows: stages.map(({ inputShape, outputShape, firstLoss, lastLoss, explained }, i) => ({
        label: String(i + 1),
        cells: [
          { ours: sides(inputShape) },
          { ours: sides(outputShape) },
          { ours: firstLoss.toFixed(1) },
          { ours: lastLoss.toFixed(1) },
          { ours: percent(explained) },
        ],
      })),
    },
    {
      kind: 'table',
      caption:
        'Cars or not: errors (%) of a logistic layer on the top features, on those of random filters, and on the pixels; guessing: 50 %.',
      columns: ['features', 'training error', 'test error'],
      rows: errors.map(({ label, train, test }) => ({ label, cells: [percentCell(train), percentCell(test)] })),
    },
    claimsBlock(quocnetClaims(result)),
    {
      kind: 'figure',
      file: figures.mistakes,
      alt: 'Photographs, at the left of cars, the difference magnified ten times around mid-grey, and the changed photographs, which look the same.',
      caption:
        'Figure 6. Test images that the car classifier on QuocNet’s features answers rightly, the difference ten times magnified, and the nearest image that it answers wrongly.',
    },
    {
      kind: 'figure',
      file: figures.filters,
      alt: 'Rows of small patches: coloured blobs, and edges near the corners of the image.',
      caption:
        'QuocNet’s first stage: the filters of five places along the diagonal of the image, each stretched to its largest weight; mid-grey is 0.',
    },
    purityTable([{ ...units, label: 'QuocNet, top features' }]),
    {
      kind: 'figure',
      file: figures.units,
      alt: 'Eight rows of ten photographs: four units and four random directions of QuocNet’s top features.',
      caption:
        'QuocNet, top features: test images that move four units most (above) and four random directions (below).',
    },
  ];
}

const fine = (distortion: number | null) => distortion?.toFixed(4) ?? '–';

/** Below so much over images at random, the top images of a unit say little of its meaning. */
const MEANINGFUL = 0.05;

/** The paper's statements on figure 6, and of section 3 on these features. */
export function quocnetClaims(result: QuocnetMeasures): Claim[] {
  const { attacked, found, distortion, carDistortion, otherDistortion, noiseError, units } = result;
  const { natural, random, chance, distinguishable, difference } = units.purity;
  const isAlike = !distinguishable || difference < 0;
  const isMeaningful = natural - chance > MEANINGFUL;
  return [
    {
      claim: 'A classifier on features learnt without labels has adversarial examples near every image, too.',
      verdict: verdictOf(found, attacked),
      finding: `${found} of ${attacked} searches found one, at a mean distortion of ${fine(distortion)} (cars ${fine(carDistortion)}, others ${fine(otherDistortion)}); the paper prints none for figure 6, and ${PAPER_FIGURE_5} for its AlexNet. Under Gaussian noise of that size ${percent(noiseError.share)} % of the same images are answered wrongly.`,
    },
    {
      claim: 'Random directions of the top features look as meaningful as single units.',
      verdict: isAlike ? (isMeaningful ? 'holds' : 'holds in part') : 'does not hold',
      finding: `The top images of units have a purity of ${percent(natural)} %, those of directions ${percent(random)} %, images at random ${percent(chance)} %${distinguishable ? '' : ': no difference can be told'}${isMeaningful ? '' : '; but little meaning is there to compare, as CIFAR-10’s classes have it'}.`,
    },
  ];
}
