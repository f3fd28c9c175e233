/** Figures 1 and 2 of Szegedy et al. 2013: a row of images for each unit, and for each random direction. */
import type { ImageSet } from '../../data/image_set.ts';
import { imageAt } from '../../data/image_set.ts';
import { type GridRow, type ImageGrid, imageGridPng, imageGridSvg } from '../../report/image_grid.ts';
import { imageLayout, toPicture } from '../../report/picture.ts';
import { encodePng } from '../../report/pixels.ts';
import type { Probe, UnitInspection } from './inspect_units.ts';

export interface UnitFigureOptions {
  /** Default: says which layer it is, and the mean purities. */
  title?: string;
  /** Side of an image in units of the SVG; default 56. */
  cellSize?: number;
}

/** Larger images are made smaller in the figure. */
const LARGEST_SIDE = 160;
const SMALL_SIDE = 64;

/**
 * The rows shown of an inspection, units first.
 * @param images the same that were inspected.
 */
export async function unitGrid(
  inspection: UnitInspection,
  images: ImageSet,
  options: UnitFigureOptions = {},
): Promise<ImageGrid> {
  const layout = imageLayout(images.shape);
  const row = async (kind: string, { probe, images: found, purity }: Probe): Promise<GridRow> => ({
    label: [`${kind} ${probe}`, `purity ${percent(purity)}`],
    cells: await Promise.all(
      found.map(async ({ index }) => ({
        png: await encodePng(toPicture(imageAt(images, index), layout), { maxSide: LARGEST_SIDE }),
      })),
    ),
  });
  const { natural, random } = inspection.shown;
  const rows = [
    ...(await Promise.all(natural.map((probe) => row('unit', probe)))),
    ...(await Promise.all(random.map((probe) => row('direction', probe)))),
  ];
  return {
    rows,
    title: options.title ?? defaultTitle(inspection),
    cellSize: options.cellSize ?? 56,
    pixelated: Math.max(layout.width, layout.height) <= SMALL_SIDE,
  };
}

/** As an SVG document. */
export async function unitFigureSvg(
  inspection: UnitInspection,
  images: ImageSet,
  options: UnitFigureOptions = {},
): Promise<string> {
  return imageGridSvg(await unitGrid(inspection, images, options));
}

/** As a PNG at print quality. */
export async function unitFigurePng(
  inspection: UnitInspection,
  images: ImageSet,
  options: UnitFigureOptions = {},
): Promise<Uint8Array> {
  return imageGridPng(await unitGrid(inspection, images, options));
}

function defaultTitle({ layer, purity }: UnitInspection): string {
  return `${layer}: label purity of units ${percent(purity.natural)}, of random directions ${percent(purity.random)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
