/** The CIFAR-10 part in words and tables. */
import type { Cifar, CifarTransfer } from './cifar.ts';
import {
  type Block,
  type Claim,
  claimsBlock,
  enumerate,
  paragraph,
  percent,
  percentCell,
  verdictOf,
} from './document.ts';
import { purityTable } from './purity_table.ts';
import { average } from './statistics.ts';

/** @param figure file of the units. */
export function renderCifar(result: Cifar, figure: string): Block[] {
  const { epochs, images, rows, transfer, units } = result;
  const first = rows[0];
  return [
    paragraph(
      `Not in the paper: an AlexNet of CIFAR-10’s size (five convolutions, response normalisation, overlapping pooling, dropout, three dense layers) trained on one half of the training images for ${epochs} epochs, without augmentation, which leaves it at ${percent(1 - (first?.testError.share ?? 0))} % test accuracy; networks that differ from it by seed, by width, by the half of the images, or altogether (a residual network). The first ${images} test images that a network answers rightly are distorted for it.`,
    ),
    {
      kind: 'table',
      caption: 'CIFAR-10, as tables 1 and 3: errors (%) and average minimum distortion.',
      columns: [
        'network',
        'trained on',
        'error there',
        'on the other half',
        'test error',
        'distortion, random class',
        'any class',
      ],
      rows: rows.map((row) => ({
        label: row.network,
        cells: [
          { ours: row.half },
          percentCell(row.trainError),
          percentCell(row.otherError),
          percentCell(row.testError),
          { ours: row.distortion.toFixed(4) },
          { ours: row.anyDistortion.toFixed(4) },
        ],
      })),
    },
    {
      kind: 'table',
      caption: 'CIFAR-10, as tables 2 and 4: error (%) of the column’s network on test images distorted for the row’s.',
      columns: ['test images', ...rows.map(({ network }) => network), 'av. distortion'],
      rows: transfer.map(({ label, kind, own, errors, distortion }, i) => ({
        label,
        ruled: i > 0 && transfer[i - 1]?.kind !== kind && kind !== 'clean',
        cells: [
          ...errors.map((error, column) => percentCell(error, undefined, column === own && kind !== 'noise')),
          { ours: distortion.toFixed(4) },
        ],
      })),
    },
    claimsBlock(cifarClaims(result)),
    purityTable([{ ...units, label: 'AlexNet, last convolution, pooled' }]),
    {
      kind: 'figure',
      file: figure,
      alt: 'Eight rows of ten photographs: four units and four random directions of AlexNet’s last convolution.',
      caption:
        'CIFAR-10’s AlexNet, last convolution, pooled: test images that move four units most (above) and four random directions (below).',
    },
  ];
}

export function cifarClaims({
  images,
  found,
  rows,
  transfer,
}: Pick<Cifar, 'images' | 'found' | 'rows' | 'transfer'>): Claim[] {
  const off = (kind: CifarTransfer['kind']) =>
    transfer
      .filter((row) => row.kind === kind)
      .flatMap((row) => row.errors.map((error, column) => ({ row, column, error })))
      .filter(({ row, column }) => column !== row.own);
  const loud = off('amplified');
  const noise = off('noise');
  const underNoise = ({ row, column }: (typeof loud)[number]) =>
    noise.find((cell) => cell.row.own === row.own && cell.column === column)?.error.share ?? 1;
  const mean = (cells: typeof loud) => average(cells.map(({ error }) => error.share));
  const overNoise = loud.filter((cell) => cell.error.share > underNoise(cell));
  const from = (column: number) => mean(loud.filter(({ row, column: at }) => row.own === 0 && at === column));
  const [seed, width, half, kind] = [1, 2, 3, 4].map(from) as [number, number, number, number];
  return [
    {
      claim: 'Every photograph of CIFAR-10 has an adversarial example for every network.',
      verdict: verdictOf(found, images * rows.length),
      finding: `${found} of ${images * rows.length} searches found one, at mean distortions of ${enumerate(rows.map(({ distortion }) => distortion.toFixed(4)))}.`,
    },
    {
      claim:
        'Amplified, examples fool networks of another seed, width, half of the data or kind more than noise of the same size does.',
      verdict: verdictOf(overNoise.length, loud.length),
      finding: `Off the diagonal ${percent(mean(off('made')))} % are answered wrongly as they are, ${percent(mean(loud))} % amplified, ${percent(mean(noise))} % of the same images under noise of that size; more than under noise in ${overNoise.length} of ${loud.length} cells.`,
    },
    {
      claim: 'They cross to another seed more than to another half of the data, and least to another kind of network.',
      verdict: verdictOf([seed > half, seed > kind, half > kind].filter(Boolean).length, 3),
      finding: `AlexNet’s, amplified: another seed ${percent(seed)} %, half as wide ${percent(width)} %, the other half ${percent(half)} %, the residual network ${percent(kind)} %.`,
    },
  ];
}
