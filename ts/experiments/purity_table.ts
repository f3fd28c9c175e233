/** Units against random directions in numbers: figures 1 to 4 and 6. */
import type { UnitInspection } from '../analysis/units/inspect_units.ts';
import { percent, type TableBlock } from './document.ts';

export type ComparedLayer = Pick<UnitInspection, 'units' | 'constantUnits' | 'purity' | 'area' | 'sparsity'> & {
  readonly label: string;
};

export function purityTable(layers: readonly ComparedLayer[]): TableBlock {
  return {
    kind: 'table',
    caption:
      'Label purity (%) of the top images, and area under its curve (%): units, random directions, images at random.',
    columns: [
      'layer',
      'units',
      'purity of units',
      'of directions',
      'difference, points',
      'by chance',
      'area of units',
      'of directions',
      'difference, points',
      'sparsity',
    ],
    rows: layers.map(({ label, units, constantUnits, purity, area, sparsity }) => ({
      label,
      cells: [
        { ours: constantUnits === 0 ? String(units) : `${units}, ${constantUnits} dead` },
        ...[purity, area].flatMap((compared) => [
          { ours: percent(compared.natural) },
          { ours: percent(compared.random) },
          { ours: points(compared.difference), interval: compared.interval.map(points).join(' to ') },
          ...(compared === purity ? [{ ours: percent(compared.chance) }] : []),
        ]),
        { ours: sparsity.toFixed(2) },
      ],
    })),
  };
}

function points(difference: number): string {
  return `${difference < 0 ? '−' : '+'}${(100 * Math.abs(difference)).toFixed(1)}`;
}
