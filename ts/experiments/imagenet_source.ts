/** The network and the photos of the ImageNet part: those shipped with the package, or the user's own. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type ImageSet, imageSize } from '../data/image_set.ts';
import { loadData } from '../data/load_data.ts';
import { invalidArgument } from '../errors.ts';
import { EXAMPLES, readClassNames } from '../model/class_names.ts';
import { readModelFile } from '../model/read_model_file.ts';
import { describeClassifier } from '../onnx/classifier.ts';
import type { Model } from '../onnx/model.ts';
import { type ClassifierOptions, readClassifier } from '../onnx/read_classifier.ts';

export interface ImagenetSource {
  /** ONNX file of 1,000 classes. */
  readonly model: string;
  /** Folder of image files. */
  readonly photos: string;
  /** What the model wants of its pixels. */
  readonly classifier: ClassifierOptions;
}

export const SHIPPED_IMAGENET: ImagenetSource = {
  model: path.join(EXAMPLES, 'mobilenet_v1_0.25_224.onnx'),
  photos: path.join(EXAMPLES, 'photos'),
  classifier: {},
};

const CLASSES = 1000;

export interface ImagenetNetwork {
  /** For the report. */
  readonly label: string;
  /** The file. */
  readonly bytes: Uint8Array;
  /** Of pixels in [0, 1]. */
  readonly model: Model;
  readonly imageShape: readonly number[];
  /** Whether channels come last. */
  readonly interleaved: boolean;
  readonly classNames: readonly string[];
}

/** @throws INVALID_ARGUMENT for a model of other than 1,000 classes; what reading a model throws. */
export async function readImagenetNetwork(source: ImagenetSource): Promise<ImagenetNetwork> {
  const bytes = await readModelFile(source.model);
  const { model } = readClassifier(bytes, source.classifier);
  const { imageShape, classes } = describeClassifier(model);
  if (classes !== CLASSES) throw invalidArgument('imagenet-model', `a model of ImageNet's ${CLASSES} classes`, classes);
  const isShipped = source.model === SHIPPED_IMAGENET.model;
  return {
    label: isShipped ? 'MobileNet v1 0.25' : path.basename(source.model).replace(/\.onnx(\.gz)?$/, ''),
    bytes,
    model,
    imageShape,
    interleaved: imageShape[0] !== 3,
    classNames: (await readClassNames('imagenet', source.model, CLASSES)) ?? [],
  };
}

/** @param count the first so many; default all. */
export function loadPhotos(
  source: ImagenetSource,
  { imageShape }: ImagenetNetwork,
  signal: AbortSignal,
  count?: number,
): Promise<ImageSet> {
  const limit = count === undefined ? {} : { count };
  return loadData(source.photos, { imageShape, classes: CLASSES, resize: true, signal, ...limit });
}

/** What decides the results of a source: the bytes of the model, names and sizes of the photos. */
export async function sourceDigest({ model, photos, classifier }: ImagenetSource): Promise<unknown> {
  const bytes = await readFile(model).catch(() => new Uint8Array());
  const names = await readdir(photos, { recursive: true }).catch(() => []);
  const files = await Promise.all(names.sort().map(async (name) => [name, await sizeOf(path.join(photos, name))]));
  return { model: createHash('sha256').update(bytes).digest('hex').slice(0, 16), files, classifier };
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}

/**
 * Images of 32×32 in colour, enlarged to what the network takes (nearest pixel): photos by the hundred for a network of
 * which only a few are at hand.
 * @param set [count, 32, 32, 3].
 */
export function enlarged(set: ImageSet, { imageShape, interleaved }: ImagenetNetwork): ImageSet {
  const [height = 0, width = 0] = interleaved ? imageShape : imageShape.slice(1);
  const [rows = 0, columns = 0, channels = 3] = set.shape;
  const size = imageSize(imageShape);
  const images = new Float32Array(set.count * size);
  let at = 0;
  const value = (image: number, y: number, x: number, channel: number) => {
    const row = Math.floor((y * rows) / height);
    const column = Math.floor((x * columns) / width);
    return set.images[((image * rows + row) * columns + column) * channels + channel] as number;
  };
  for (let image = 0; image < set.count; image++) {
    if (interleaved) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) for (let c = 0; c < channels; c++) images[at++] = value(image, y, x, c);
      }
    } else {
      for (let c = 0; c < channels; c++) {
        for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) images[at++] = value(image, y, x, c);
      }
    }
  }
  return { ...set, images, shape: [...imageShape], source: `${set.source}, enlarged` };
}
