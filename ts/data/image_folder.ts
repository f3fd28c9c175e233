/**
 * A folder of image files as an image set, decoded by sharp (libvips).
 *
 * Hidden files and files that are no images are passed over.
 *
 * Labels come from labels.csv (lines "file,label" or "file,label,target"), else from labels.json ({ "file": label }),
 * else from the class index that a sub-folder's name begins with (3/img.png, 3_cat/img.png), or, for files beside
 * each other, the one that the file's name begins with (3_img.png), or from the order of the sub-folders' names. Where
 * nothing tells any, the set is unlabelled.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { BlindspotError } from '../errors.ts';
import { classesByFolder, type FolderLabels, isUnlabelled, labelOf, readLabels } from './folder_labels.ts';
import { type ImageLayout, imageLayout } from './image_layout.ts';
import { checkSlice, type ImageSet, imageSize } from './image_set.ts';
import { DEFAULT_MAX_BYTES } from './npz.ts';
import { type PictureFit, type PictureFitOptions, pictureFit } from './picture_fit.ts';
import { fileError } from './read_file.ts';

export interface ImageFolderOptions extends PictureFitOptions {
  /** What the model takes: [n] (a square), [H, W], [C, H, W] or [H, W, C]. Default: as the first image, [C, H, W]. */
  shape?: readonly number[];
  /** Position of the first image in alphabetical order; default 0. */
  start?: number;
  /** How many images; default all from `start`. */
  count?: number;
  /** Class names: sub-folders may be called by them. */
  classes?: readonly string[];
  /** Classes of the model: as many sub-folders without numbers are its classes, in the order of their names. */
  classCount?: number;
  /** Most bytes that the pixels may take; default 4 GiB. */
  maxBytes?: number;
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

const EXTENSIONS = new Set(['.png', '.jpg', '.jpeg', '.webp', '.gif', '.tif', '.tiff', '.avif']);

/** Types of pixels whose black and white are known. */
const EIGHT_TO_SIXTEEN_BITS: ReadonlySet<string> = new Set(['uchar', 'ushort']);

/** img2 before img10. */
const BY_NAME = new Intl.Collator('en', { numeric: true });

/** Files decoded at once: sharp has threads of its own. */
const PARALLEL = 8;

/**
 * @throws INVALID_ARGUMENT; FILE_NOT_FOUND; FILE_UNREADABLE naming the image that cannot be decoded; INVALID_DATA for no images, a missing
 *   label or an unfit size, naming the file; OUT_OF_MEMORY.
 */
export async function loadImageFolder(folder: string, options: ImageFolderOptions = {}): Promise<ImageSet> {
  const fit = pictureFit(options);
  const { names, labels } = await labelledImages(folder);
  const first = names[0];
  if (first === undefined) {
    throw new BlindspotError('INVALID_DATA', `${folder} holds no images (${[...EXTENSIONS].join(', ')})`);
  }
  const begin = options.start ?? 0;
  checkSlice(options, names.length, folder);
  const count = options.count ?? names.length - begin;
  const chosen = names.slice(begin, begin + count);
  const unlabelled = isUnlabelled(names, labels);
  const classes = options.classes ?? classesByFolder(names, options.classCount);
  const known = unlabelled
    ? chosen.map(() => ({ label: 0, target: undefined }))
    : chosen.map((name) => labelOf(folder, name, labels, classes));

  const shape = options.shape ?? (await shapeOf(path.join(folder, first)));
  const layout = imageLayout(shape);
  if (layout === undefined) {
    throw new BlindspotError(
      'MODEL_DATA_MISMATCH',
      `The model takes inputs of shape [${shape.join(', ')}], which image files cannot fill: use an .npz`,
    );
  }
  const size = imageSize(shape);
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  if (count * size * 4 > maxBytes) {
    throw new BlindspotError(
      'OUT_OF_MEMORY',
      `${folder}: ${count} images take ${count * size * 4} bytes; the limit is ${maxBytes}`,
    );
  }
  const images = new Float32Array(count * size);
  for (let start = 0; start < count; start += PARALLEL) {
    options.signal?.throwIfAborted();
    const group = chosen.slice(start, start + PARALLEL);
    const decode = async (name: string, i: number) => {
      const row = images.subarray((start + i) * size, (start + i + 1) * size);
      await decodeInto(path.join(folder, name), layout, fit, row);
    };
    await Promise.all(group.map(decode));
    options.onProgress?.(start + group.length, count);
  }
  const unknown = unlabelled ? { unlabelled: true as const } : {};
  const indices = begin === 0 ? {} : { indices: Int32Array.from(chosen, (_, row) => begin + row) };
  return { images, shape: [...shape], count, ...columns(known), ...unknown, ...indices, names: chosen, source: folder };
}

/** What is in the folder, without decoding any of it. */
export interface FolderSurvey {
  readonly count: number;
  /** Of names, sizes and times of the images, and the labels: another one for another folder. */
  readonly digest: string;
}

/** @throws as loadImageFolder does for a folder that cannot be listed. */
export async function surveyImageFolder(folder: string): Promise<FolderSurvey> {
  const { names, labels } = await labelledImages(folder);
  const hash = createHash('sha256').update(JSON.stringify([...(labels ?? [])]));
  for (const name of names) {
    const { size, mtimeMs } = await stat(path.join(folder, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  return { count: names.length, digest: hash.digest('hex') };
}

/** The images that have labels, or all where there is no file of labels. */
async function labelledImages(
  folder: string,
): Promise<{ names: string[]; labels: Awaited<ReturnType<typeof readLabels>> }> {
  const found = await listImages(folder);
  const labels = await readLabels(folder);
  const there = new Set(found);
  for (const name of labels?.keys() ?? []) {
    if (!there.has(name)) {
      throw new BlindspotError('FILE_NOT_FOUND', `The labels of ${folder} name ${name}, which is not there`);
    }
  }
  return { names: labels === undefined ? found : found.filter((name) => labels.has(name)), labels };
}

function columns(known: readonly FolderLabels[]): { labels: Int32Array; targets?: Int32Array } {
  const labels = Int32Array.from(known, (entry) => entry.label);
  const targets = known.map((entry) => entry.target);
  if (targets.some((target) => target === undefined)) return { labels };
  return { labels, targets: Int32Array.from(targets, (target) => target ?? 0) };
}

/** Image files in the folder and one level under it, relative, with forward slashes, in the order of their names. */
async function listImages(folder: string): Promise<string[]> {
  const names: string[] = [];
  const list = (place: string) => readdir(place, { withFileTypes: true });
  try {
    for (const entry of await list(folder)) {
      if (entry.isDirectory()) {
        const inner = await list(path.join(folder, entry.name));
        names.push(...inner.filter((file) => !file.isDirectory()).map((file) => `${entry.name}/${file.name}`));
      } else names.push(entry.name);
    }
  } catch (cause) {
    throw fileError(folder, 'image folder', cause);
  }
  const isHidden = (name: string) => name.split('/').some((part) => part.startsWith('.'));
  const isImage = (name: string) => !isHidden(name) && EXTENSIONS.has(path.extname(name).toLowerCase());
  return names.filter(isImage).sort(BY_NAME.compare);
}

async function shapeOf(file: string): Promise<number[]> {
  const { width, height, channels } = await readMetadata(file);
  return [channels < 3 ? 1 : 3, height, width];
}

async function readMetadata(file: string): Promise<{ width: number; height: number; channels: number }> {
  try {
    const { autoOrient, channels, depth } = await sharp(file).metadata();
    if (!EIGHT_TO_SIXTEEN_BITS.has(depth)) {
      throw new Error(
        `its pixels are of type ${depth}, which says nothing of black and white; save it with 8 or 16 bits`,
      );
    }
    return { width: autoOrient.width, height: autoOrient.height, channels };
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function decodeInto(
  file: string,
  layout: ImageLayout,
  fit: PictureFit | undefined,
  row: Float32Array,
): Promise<void> {
  const { width, height, channels } = layout;
  const actual = await readMetadata(file);
  const fits = actual.width === width && actual.height === height;
  if (!fits && fit === undefined) {
    throw new BlindspotError(
      'MODEL_DATA_MISMATCH',
      `${file}: expected an image of ${width}×${height} but received ${actual.width}×${actual.height}; resize it, or ask for resizing`,
    );
  }
  let image = sharp(file).autoOrient();
  if (!fits && fit !== undefined) image = fitted(image, layout, fit);
  image = image.flatten({ background: '#000000' }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
  let pixels: Buffer;
  try {
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== channels) throw new Error(`decoded to ${info.channels} channels instead of ${channels}`);
    pixels = data;
  } catch (cause) {
    throw unreadable(file, cause);
  }
  const area = width * height;
  for (let pixel = 0; pixel < area; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      const place = layout.order === 'planar' ? channel * area + pixel : pixel * channels + channel;
      row[place] = (pixels[pixel * channels + channel] as number) / 255;
    }
  }
}

/** picture_fit.ts by libvips. */
function fitted(image: Sharp, { width, height }: ImageLayout, { fit, cropFraction }: PictureFit): Sharp {
  if (fit === 'contain') return image.resize(width, height, { fit, background: '#000000' });
  const [wide, high] = [Math.round(width / cropFraction), Math.round(height / cropFraction)];
  const scaled = image.resize(wide, high, { fit: fit === 'exact' ? 'fill' : fit });
  if (wide === width && high === height) return scaled;
  const [left, top] = [Math.floor((wide - width) / 2), Math.floor((high - height) / 2)];
  return scaled.extract({ left, top, width, height });
}

function unreadable(file: string, cause: unknown): BlindspotError {
  const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
  return new BlindspotError('FILE_UNREADABLE', `Cannot read the image ${file}: ${reason}`, { cause });
}
