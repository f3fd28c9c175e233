/** The images of an attack, from whatever the caller has. */
import { adaptImages } from '../data/image_layout.ts';
import { type ImageSet, imageSize, type Slice, takeImages, validateImages } from '../data/image_set.ts';
import { BlindspotError, invalidArgument } from '../errors.ts';

/** Images without a file: pixels in [0, 1], row-major. */
export interface RawImages {
  /** [N, …shape] */
  images: Float32Array;
  /** [N]; without them the model's own answers count as right. */
  labels?: ArrayLike<number | bigint>;
  /** [N], for target 'labels'. */
  targets?: ArrayLike<number | bigint>;
  /** Of one image; default: as the model takes it. */
  shape?: readonly number[];
}

export type AttackData = ImageSet | RawImages;

/**
 * In the model's shape, validated.
 * @throws INVALID_ARGUMENT, INVALID_DATA, MODEL_DATA_MISMATCH.
 */
export function prepareData(
  data: AttackData,
  model: { imageShape: readonly number[]; classes: number },
  { start = 0, count }: Slice = {},
): ImageSet {
  const set = isImageSet(data) ? data : fromRaw(data, model.imageShape);
  if (set.count === 0) throw new BlindspotError('INVALID_DATA', `${set.source} holds no images`);
  const slice =
    start === 0 && count === undefined ? set : takeImages(set, count ?? Math.max(1, set.count - start), start);
  const adapted = adaptImages(slice, model.imageShape);
  validateImages(adapted, { classes: model.classes });
  return adapted;
}

function isImageSet(data: AttackData): data is ImageSet {
  return typeof data === 'object' && data !== null && 'source' in data && 'count' in data;
}

function fromRaw(data: RawImages, imageShape: readonly number[]): ImageSet {
  if (typeof data !== 'object' || data === null)
    throw invalidArgument('data', 'an ImageSet or { images, labels }', data);
  const { images, shape = imageShape } = data;
  if (!(images instanceof Float32Array)) throw invalidArgument('images', 'a Float32Array', images);
  const count = images.length / imageSize(shape);
  if (!Number.isInteger(count)) {
    throw new BlindspotError(
      'MODEL_DATA_MISMATCH',
      `Expected images of shape [${shape.join(', ')}], ${imageSize(shape)} pixels each, but received ${images.length} pixels`,
    );
  }
  return {
    images,
    shape,
    count,
    ...(data.labels === undefined
      ? { labels: new Int32Array(count), unlabelled: true as const }
      : { labels: classIndices('labels', data.labels) }),
    ...(data.targets === undefined ? {} : { targets: classIndices('targets', data.targets) }),
    source: 'The data',
  };
}

function classIndices(name: string, values: ArrayLike<number | bigint>): Int32Array {
  if (typeof values !== 'object' || values === null || typeof values.length !== 'number') {
    throw invalidArgument(name, 'an array of class indices', values);
  }
  return Int32Array.from({ length: values.length }, (_, index) => {
    const value = Number(values[index]);
    // What does not fit would wrap round to another class.
    if (value !== (value | 0)) throw invalidArgument(`${name}[${index}]`, 'a class index', values[index]);
    return value;
  });
}
