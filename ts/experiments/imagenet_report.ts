/** The ImageNet part in words, tables and figures. */
import { ALEXNET_TABLE5 } from '../analysis/spectral/alexnet_table5.ts';
import { type Block, type Claim, claimsBlock, enumerate, paragraph, percent, type Row, verdictOf } from './document.ts';
import type { Imagenet } from './imagenet.ts';
import { PAPER_FIGURE_5 } from './paper_values.ts';
import { purityTable } from './purity_table.ts';
import { average } from './statistics.ts';

export function renderImagenet(result: Imagenet): Block[] {
  return [
    paragraph(
      `The paper’s AlexNet of ImageNet is not to be had; ${result.network} stands in for it, of which nothing was tuned here. (Another network and other photos: --imagenet-model and --photos.)`,
    ),
    ...ostrichBlocks(result),
    ...unitBlocks(result),
    ...normBlocks(result),
    claimsBlock(imagenetClaims(result)),
  ];
}

const fine = (distortion: number | null) => (distortion === null ? '–' : distortion.toFixed(5));

function ostrichBlocks({ network, ostriches }: Imagenet): Block[] {
  return [
    paragraph(
      'Figure 5: photos, each changed as little as can be found among 8-bit images so that the network takes it for an “ostrich, Struthio camelus”; saved as PNG, read back, and asked about again. Beside it the nearest mistake of any class.',
    ),
    {
      kind: 'figure',
      file: 'figure5.png',
      alt: `Photos, the difference magnified ten times around mid-grey, and the changed photos, which look the same: ${enumerate(ostriches.map(({ answer, changedAnswer }) => `${answer} becomes ${changedAnswer}`))}.`,
      caption: `Figure 5. Left: photos that ${network} answers as is written beneath; middle: the difference, ten times magnified; right: the changed photo as the file holds it.`,
    },
    {
      kind: 'table',
      caption: 'Figure 5. Distortions of photos.',
      columns: ['photo', 'answer', 'of the changed file', 'distortion', 'any class'],
      rows: [
        ...ostriches.map(({ photo, answer, changedAnswer, distortion, anyDistortion }) => ({
          label: photo,
          cells: [{ ours: answer }, { ours: changedAnswer }, { ours: fine(distortion) }, { ours: fine(anyDistortion) }],
        })),
        {
          label: 'mean',
          ruled: true,
          cells: [
            { ours: '' },
            { ours: '' },
            { ours: fine(meanOf(ostriches.map(({ distortion }) => distortion))), paper: String(PAPER_FIGURE_5) },
            { ours: fine(meanOf(ostriches.map(({ anyDistortion }) => anyDistortion))) },
          ],
        },
      ],
    },
    paragraph('The paper’s 0.006508 is a mean over 64 photos of its AlexNet.'),
  ];
}

function meanOf(values: readonly (number | null)[]): number | null {
  const found = values.filter((value) => value !== null);
  return found.length === 0 ? null : average(found);
}

function unitBlocks({ network, layers }: Imagenet): Block[] {
  const [first] = layers;
  if (first === undefined) return [];
  return [
    paragraph(
      `Figures 3 and 4: units against random directions, as in figures 1 and 2, on ${first.images.toLocaleString('en-GB')} images (${first.source}), the ${first.top} that move each most; a channel responds where it does so most.`,
    ),
    purityTable(layers.map((layer) => ({ ...layer, label: layer.layer }))),
    ...layers.map(
      ({ layer, figure, top }): Block => ({
        kind: 'figure',
        file: figure,
        alt: `Eight rows of ${top} images: four units and four random directions of ${network}, ${layer}.`,
        caption: `Figures 3 and 4. ${network}, ${layer}: images that move four units most (above) and four random directions (below).`,
      }),
    ),
  ];
}

function normBlocks({ network, norms, product }: Imagenet): Block[] {
  const rows: Row[] = norms.map(({ layer, size, stride, norm, printed, folded }) => ({
    label: folded ? `${layer} *` : layer,
    cells: [
      { ours: size },
      { ours: stride === null ? '–' : String(stride) },
      { ours: norm.toPrecision(3) },
      { ours: printed === null ? '–' : printed.toPrecision(3) },
    ],
  }));
  const alexnet: Row[] = ALEXNET_TABLE5.map(({ layer, paper, ...entry }, i) => ({
    label: `AlexNet, ${layer}`,
    ruled: i === 0,
    cells: [
      { ours: '' },
      { ours: 'stride' in entry ? String(entry.stride) : '–' },
      { ours: '', paper: String(paper) },
      { ours: '' },
    ],
  }));
  return [
    paragraph(
      `Table 5 of a trained network: every convolution by the formula in the frequency domain, every dense layer by its largest singular value. * with the batch normalisation behind it folded in. ${product === null ? `${network} branches, so that there is no product of norms.` : `The product of the norms and of the other layers’ constants is ${product.toExponential(1)}.`}`,
    ),
    {
      kind: 'table',
      caption: `Table 5 for ${network}, trained; beneath, the paper’s AlexNet (the paper’s).`,
      columns: ['layer', 'size', 'stride', 'norm', 'by the printed formula'],
      rows: [...rows, ...alexnet],
    },
  ];
}

export function imagenetClaims({ ostriches, layers, norms, product, pixels }: Imagenet): Claim[] {
  const right = ostriches.filter(({ isOstrich }) => isOstrich);
  const alike = layers.filter(({ purity }) => !purity.distinguishable || purity.difference < 0);
  const nearest = [...ostriches]
    .filter(({ anyDistortion }) => anyDistortion !== null)
    .sort((a, b) => (a.anyDistortion ?? 0) - (b.anyDistortion ?? 0))[0];
  const claims: Claim[] = [
    {
      claim: 'A network of ImageNet takes photos for ostriches after changes that nobody sees.',
      verdict: verdictOf(right.length, ostriches.length),
      finding: `${right.length} of ${ostriches.length} files are ostriches when they are read back, at distortions of ${enumerate(ostriches.map(({ distortion }) => fine(distortion)))} (the paper: ${PAPER_FIGURE_5} on average).`,
    },
    {
      claim: 'On photos, too, random directions look as meaningful as single units.',
      verdict: verdictOf(alike.length, layers.length),
      finding: `Purity of units and of directions: ${enumerate(layers.map(({ layer, purity }) => `${layer} ${percent(purity.natural)} and ${percent(purity.random)} %`))}.`,
    },
  ];
  const above = norms.filter(({ norm }) => norm > 1);
  if (nearest && norms.length > 0) {
    const found = nearest.anyDistortion ?? 0;
    const certified = product === null ? null : nearest.margin / (Math.SQRT2 * product) / Math.sqrt(pixels);
    claims.push({
      claim: 'Instability can be expected already of the first layers: norms are above 1.',
      verdict: verdictOf(above.length, norms.length),
      finding: `${above.length} of ${norms.length} norms are, from ${Math.min(...norms.map(({ norm }) => norm)).toPrecision(3)} to ${Math.max(...norms.map(({ norm }) => norm)).toPrecision(3)}. The smallest distortion found is ${fine(found)}${certified === null ? '' : `; the product certifies ${certified.toExponential(1)} for that photo`}.`,
    });
  }
  return claims;
}
