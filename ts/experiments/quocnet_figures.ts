/** Pictures of QuocNet: its first filters, and figure 6. */
import { quocnet, quocnetStages } from '../../models/quocnet.ts';
import { type ImageSet, imageAt } from '../data/image_set.ts';
import { windowsOf } from '../nn/local_graphs.ts';
import { readModel } from '../onnx/read_model.ts';
import { type GridRow, imageGridPng } from '../report/image_grid.ts';
import { imageLayout, type Picture, perturbationPicture, toPicture } from '../report/picture.ts';
import { encodePng } from '../report/pixels.ts';

/** Of the differences, as in the paper. */
const MAGNIFICATION = 10;
const ROWS = 4;
/** Where in the image the filters shown look: shares of its rows and columns of places. */
const SHOWN_PLACES = [0, 0.25, 0.5, 0.75, 1];

/** Filters of the first stage, a row for each of some places along the diagonal, each stretched to its largest weight. */
export async function filtersPng(bytes: Uint8Array): Promise<Uint8Array> {
  const [stage] = quocnetStages(quocnet());
  const weights = readModel(bytes).initializers.get('local1.weight')?.data as Float32Array | undefined;
  if (stage === undefined || weights === undefined) throw new TypeError('QuocNet has no first stage');
  const { rows, columns, size } = windowsOf(stage.filter, stage.inputShape);
  const { kernel, maps } = stage.filter;
  const pictures = SHOWN_PLACES.map(async (share): Promise<GridRow> => {
    const [row, column] = [Math.round(share * (rows - 1)), Math.round(share * (columns - 1))];
    const place = row * columns + column;
    const cells = Array.from({ length: maps }, async (_, map) => {
      const filter = Float32Array.from({ length: size }, (_, i) => weights[(place * size + i) * maps + map] as number);
      return { png: await encodePng(filterPicture(filter, kernel)) };
    });
    return { label: [`place ${row + 1}, ${column + 1}`], cells: await Promise.all(cells) };
  });
  return imageGridPng({ rows: await Promise.all(pictures), cellSize: 56 }, { scale: 1 });
}

/** @param filter [3, kernel, kernel]: 0 is mid-grey. */
function filterPicture(filter: Float32Array, kernel: number): Picture {
  const largest = filter.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  const levels = filter.map((weight) => 0.5 + weight / (2 * largest));
  return toPicture(levels, imageLayout([3, kernel, kernel]));
}

/**
 * As figure 6: image, difference, changed image; two such a row.
 * @param originals, adversarial the same images in the same order, labelled 0 and 1: cars are shown at the left.
 */
export async function figure6Png(
  originals: ImageSet,
  adversarial: ImageSet,
  distortions: readonly number[],
): Promise<Uint8Array> {
  const layout = imageLayout(originals.shape);
  const words = ['no car', 'car'];
  const triple = async (index: number): Promise<GridRow['cells']> => {
    const [original, changed] = [imageAt(originals, index), imageAt(adversarial, index)];
    const label = originals.labels[index] as number;
    return [
      { png: await encodePng(toPicture(original, layout)), caption: [words[label] ?? ''] },
      {
        png: await encodePng(perturbationPicture(original, changed, layout, MAGNIFICATION)),
        caption: [`difference × ${MAGNIFICATION}`],
      },
      {
        png: await encodePng(toPicture(changed, layout)),
        caption: [words[1 - label] ?? '', `distortion ${(distortions[index] ?? 0).toFixed(4)}`],
      },
    ];
  };
  const of = (label: number) => [...originals.labels.keys()].filter((index) => originals.labels[index] === label);
  const [cars, others] = [of(1), of(0)];
  const rows: GridRow[] = [];
  for (let row = 0; row < Math.min(ROWS, Math.max(cars.length, others.length)); row++) {
    const shown = [cars[row], others[row]].filter((index) => index !== undefined);
    rows.push({ cells: (await Promise.all(shown.map(triple))).flat() });
  }
  return imageGridPng({ rows, cellSize: 128 }, { scale: 1 });
}
