/**
 * Figure 5 on a network at hand: photos that it takes for "ostrich, Struthio camelus", saved as PNG files, read back and
 * asked about again; and how near the nearest mistake of any class is.
 */
import { openModel } from '../attack/attack.ts';
import { type ImageSet, imageAt, imageSize } from '../data/image_set.ts';
import { type GridRow, imageGridPng } from '../report/image_grid.ts';
import { imageLayout, perturbationPicture, toPicture } from '../report/picture.ts';
import { decodePng, encodePng } from '../report/pixels.ts';
import type { ImagenetNetwork, ImagenetSource } from './imagenet_source.ts';

/** Its class in ImageNet's order. */
const OSTRICH = 9;
/** Of the differences, as in the paper. */
const MAGNIFICATION = 10;

export interface Ostrich {
  readonly photo: string;
  /** What the network takes the photo for, and the PNG file of the changed one. */
  readonly answer: string;
  readonly changedAnswer: string;
  /** Whether the file read back is an ostrich. */
  readonly isOstrich: boolean;
  /** Of the 8-bit image; null when none was found. */
  readonly distortion: number | null;
  /** Of the nearest mistake of any class (float32), and the margin of logits that it overcomes. */
  readonly anyDistortion: number | null;
  readonly margin: number;
}

export async function findOstriches(
  network: ImagenetNetwork,
  source: ImagenetSource,
  photos: ImageSet,
  signal: AbortSignal,
): Promise<{ ostriches: Ostrich[]; png: Uint8Array }> {
  await using model = await openModel(network.bytes, source.classifier);
  const found = await model.attack(photos, { signal, target: OSTRICH, quantize: 8 });
  signal.throwIfAborted();
  const any = await model.attack(photos, { signal });
  signal.throwIfAborted();
  const clean = await model.predict(photos);
  const layout = imageLayout(photos.shape);
  const size = imageSize(photos.shape);
  const short = (index: number) => network.classNames[index]?.split(',')[0] ?? String(index);
  const ostriches: Ostrich[] = [];
  const rows: GridRow[] = [];
  for (const { index, cleanPrediction, distortion } of found.examples) {
    const original = imageAt(photos, index);
    const changed = found.adversarial.subarray(index * size, (index + 1) * size);
    const file = await encodePng(toPicture(changed, layout));
    const answer = (await model.predict(await decodePng(file, layout))).classes[0] ?? -1;
    const logits = clean.logits.subarray(index * model.classes, (index + 1) * model.classes);
    const rest = Float32Array.from(logits);
    rest[cleanPrediction] = Number.NEGATIVE_INFINITY;
    ostriches.push({
      photo: photos.names?.[index] ?? String(index),
      answer: short(cleanPrediction),
      changedAnswer: short(answer),
      isOstrich: answer === OSTRICH,
      distortion,
      anyDistortion: any.examples[index]?.distortion ?? null,
      margin: (logits[cleanPrediction] as number) - Math.max(...rest),
    });
    const difference = perturbationPicture(original, changed, layout, MAGNIFICATION);
    rows.push({
      cells: [
        { png: await encodePng(toPicture(original, layout)), caption: [short(cleanPrediction)] },
        { png: await encodePng(difference), caption: [`difference × ${MAGNIFICATION}`] },
        { png: file, caption: [short(answer), distortion === null ? '' : `distortion ${distortion.toFixed(4)}`] },
      ],
    });
  }
  return { ostriches, png: imageGridPng({ rows: inTwos(rows), cellSize: 168, pixelated: false }) };
}

/** Six pictures a row, as the paper has them, where there are more than three photos. */
function inTwos(rows: readonly GridRow[]): GridRow[] {
  if (rows.length <= 3) return [...rows];
  const half = Math.ceil(rows.length / 2);
  return rows.slice(0, half).map(({ cells }, i) => ({ cells: [...cells, ...(rows[i + half]?.cells ?? [])] }));
}
