/**
 * Which examples of an attack are shown, and their pictures: original, magnified perturbation, adversarial image.
 * All perturbations share one magnification, so that they may be compared.
 */
import {
  evenlySpaced,
  type FoundExample,
  foundExamples,
  landmarks,
  niceMagnification,
  quantile,
} from './outcome_statistics.ts';
import {
  type ImageLayout,
  imageLayout,
  type PngEncoder,
  perturbationPicture,
  perturbationRange,
  toPicture,
} from './picture.ts';
import type { ImagePair, ReportedAttack } from './reported_attack.ts';

export interface Triple {
  example: FoundExample;
  original: Uint8Array;
  perturbation: Uint8Array;
  adversarial: Uint8Array;
}

export interface AttackPictures {
  layout: ImageLayout;
  /** Factor of all perturbations shown. */
  magnification: number;
  /** Smallest, median and largest distortion; null when nothing was found. */
  landmarks: { first: Triple; middle: Triple; last: Triple } | null;
  /** From the smallest to the largest distortion, at evenly spaced ranks when there are more than fit. */
  gallery: Triple[];
  /** Fewer, for a printed figure. */
  figure: Triple[];
}

const GALLERY_IMAGES = 60;
/** Larger images get fewer places, so that the page stays a few megabytes. */
const GALLERY_PIXELS = 1_500_000;
const LARGEST_SIDE = 160;
const FIGURE_IMAGES = 10;
const FIGURE_LARGE_IMAGES = 6;

export async function attackPictures(attack: ReportedAttack, encode: PngEncoder): Promise<AttackPictures> {
  const layout = imageLayout(attack.imageShape);
  const found = foundExamples(attack.examples);
  const shown = Math.min(LARGEST_SIDE, Math.max(layout.width, layout.height)) ** 2;
  const gallery = evenlySpaced(found, Math.min(GALLERY_IMAGES, Math.max(12, Math.floor(GALLERY_PIXELS / (3 * shown)))));
  const figure = evenlySpaced(found, isSmall(layout) ? FIGURE_IMAGES : FIGURE_LARGE_IMAGES);
  const marks = landmarks(found);

  const chosen = [
    ...new Set([...gallery, ...figure, ...(marks === null ? [] : [marks.first, marks.middle, marks.last])]),
  ];
  const pairs = await attack.pixels(chosen);
  const magnification = niceMagnification(pairs.map(strongChange), perturbationRange(layout));
  const triples = new Map<FoundExample, Triple>();
  for (const [i, example] of chosen.entries()) {
    triples.set(example, await encodeTriple(example, pairs[i] as ImagePair, layout, magnification, encode));
  }
  const triple = (example: FoundExample): Triple => {
    const made = triples.get(example);
    if (made === undefined) throw new Error(`example ${example.index} has no pictures`);
    return made;
  };
  return {
    layout,
    magnification,
    landmarks: marks && { first: triple(marks.first), middle: triple(marks.middle), last: triple(marks.last) },
    gallery: gallery.map(triple),
    figure: figure.map(triple),
  };
}

/** Small images are shown enlarged, with their pixels visible. */
export function isSmall(layout: ImageLayout): boolean {
  return Math.max(layout.width, layout.height) <= 64;
}

/** The change that all but one in 200 values stay under: a few outliers should not make the rest invisible. */
function strongChange({ original, adversarial }: ImagePair): number {
  const changes = adversarial.map((value, i) => Math.abs(value - (original[i] ?? 0))).sort();
  return quantile(changes, 0.995) ?? 0;
}

async function encodeTriple(
  example: FoundExample,
  { original, adversarial }: ImagePair,
  layout: ImageLayout,
  magnification: number,
  encode: PngEncoder,
): Promise<Triple> {
  const photo = { maxSide: LARGEST_SIDE } as const;
  const change = perturbationPicture(original, adversarial, layout, magnification);
  const [before, difference, after] = await Promise.all([
    encode(toPicture(original, layout), photo),
    encode(change, { ...photo, kernel: 'nearest' }),
    encode(toPicture(adversarial, layout), photo),
  ]);
  return { example, original: before, perturbation: difference, adversarial: after };
}
