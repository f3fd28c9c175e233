/**
 * NumPy's archive (.npz): a zip of .npy files. Sizes are checked against the limit before memory is taken. Runs in
 * browsers too.
 */
import { unzipSync, zipSync } from 'fflate';
import { BlindspotError } from '../errors.ts';
import { crc32 } from './crc32.ts';
import type { ImageSet } from './image_set.ts';
import { formatNpy, type NpyArray, parseNpy } from './npy.ts';

/** Bytes that reading a file may take, unless told otherwise. */
export const DEFAULT_MAX_BYTES = 4 * 2 ** 30;

/** What an attack writes for an image without a target. */
const NO_TARGET = -1;

export interface NpzOptions {
  /** File name, for messages. */
  source?: string;
  /** Arrays to read; default all. */
  only?: readonly string[];
  /** Most bytes that the unpacked arrays may take; default 4 GiB. */
  maxBytes?: number;
}

/** @throws INVALID_DATA for a file that is no zip, an array that is no .npy, or sizes over the limit. */
export function parseNpz(bytes: Uint8Array, options: NpzOptions = {}): Map<string, NpyArray> {
  const source = options.source ?? 'The .npz';
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  let total = 0;
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, {
      filter: (file) => {
        if (!file.name.endsWith('.npy')) return false;
        if (options.only && !options.only.includes(arrayName(file.name))) return false;
        total += file.originalSize;
        if (total > maxBytes) throw tooLarge(source, total, maxBytes);
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof BlindspotError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindspotError(
      'INVALID_DATA',
      `${source} is not a readable .npz file (a zip of .npy arrays): ${reason}`,
      {
        cause,
      },
    );
  }
  checkSums(bytes, files, source);
  return new Map(
    Object.entries(files).map(([file, content]) => [
      arrayName(file),
      parseNpy(content, `${source}: ${arrayName(file)}`),
    ]),
  );
}

/** The sums that the archive's directory gives for its files: a damaged one is never read as data. */
function checkSums(bytes: Uint8Array, files: Readonly<Record<string, Uint8Array>>, source: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const DIRECTORY_ENTRY = 0x02014b50;
  const END = 0x06054b50;
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end -= 1;
  if (end < 0) return;
  let at = view.getUint32(end + 16, true);
  while (at + 46 <= end && view.getUint32(at, true) === DIRECTORY_ENTRY) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + (nameLength ?? 0)));
    const content = files[name];
    if (content && crc32(content) !== view.getUint32(at + 16, true)) {
      throw new BlindspotError(
        'INVALID_DATA',
        `${source}: ${arrayName(name)} is damaged (its checksum differs); download or save it again`,
      );
    }
    at += 46 + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0);
  }
}

/** Float32 pixels: the highest level saves 1 % more than the lowest, at 1.6 times its time. */
const COMPRESSION_LEVEL = 1;

/** The bytes of a .npz file that NumPy reads; compressed unless told otherwise. */
export function formatNpz(
  arrays: Readonly<Record<string, NpyArray>>,
  options: { compress?: boolean } = {},
): Uint8Array {
  const files = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, formatNpy(array)] as const);
  // A fixed date, the zip format's first, so that the same arrays give the same bytes.
  return zipSync(Object.fromEntries(files), {
    level: options.compress === false ? 0 : COMPRESSION_LEVEL,
    mtime: new Date(1980, 0, 1),
  });
}

/** Names that arrays of each kind go by, the first ones ours. */
const IMAGE_NAMES = ['images', 'x_test', 'x', 'X', 'data', 'test_images', 'x_train', 'arr_0'];
const LABEL_NAMES = ['labels', 'y_test', 'y', 'Y', 'label', 'targets_true', 'test_labels', 'y_train', 'arr_1'];

/**
 * Images from the array `images`, or what else they are called (uint8, divided by 255; half, single or double precision in
 * [0, 1], what rounding leaves beyond cut off; [N, n], [N, H, W], [N, H, W, C] with C of 1 or 3, [N, C, H, W]), `labels`
 * (any integer type or whole numbers, [N] or [N, 1], or one-hot [N, C]; without them the set is unlabelled) and, where
 * there, `targets` ([N]; all −1, as an untargeted attack writes them, is none).
 * @throws INVALID_DATA naming the array.
 */
export function imageSetFromNpz(bytes: Uint8Array, options: NpzOptions = {}): ImageSet {
  const source = options.source ?? 'The .npz';
  const arrays = parseNpz(bytes, { ...options, only: [...IMAGE_NAMES, ...LABEL_NAMES, 'targets'] });
  const images = find(arrays, IMAGE_NAMES);
  if (images === undefined) {
    throw new BlindspotError(
      'INVALID_DATA',
      `${source}: expected an array called ${IMAGE_NAMES.join(', ')} but found ${listed(parseNpz(bytes, options))}`,
    );
  }
  const [count = 0, ...shape] = images.shape;
  if (shape.length < 1 || shape.length > 3) {
    throw new BlindspotError(
      'INVALID_DATA',
      `${source}: expected images of shape [N, n], [N, H, W], [N, H, W, C] or [N, C, H, W] but received [${images.shape.join(', ')}]`,
    );
  }
  const bytesNeeded = images.data.length * 4;
  if (bytesNeeded > (options.maxBytes ?? DEFAULT_MAX_BYTES)) {
    throw tooLarge(source, bytesNeeded, options.maxBytes ?? DEFAULT_MAX_BYTES);
  }
  const labels = find(arrays, LABEL_NAMES);
  const wanted = arrays.get('targets');
  const targets = wanted === undefined ? undefined : toClasses(wanted, 'targets', count, source);
  return {
    images: toPixels(images, source),
    shape,
    count,
    ...(labels === undefined
      ? { labels: new Int32Array(count), unlabelled: true as const }
      : { labels: toClasses(labels, 'labels', count, source) }),
    ...(targets === undefined || targets.every((target) => target === NO_TARGET) ? {} : { targets }),
    source,
  };
}

function find(arrays: ReadonlyMap<string, NpyArray>, names: readonly string[]): NpyArray | undefined {
  const name = names.find((known) => arrays.has(known));
  return name === undefined ? undefined : arrays.get(name);
}

function listed(arrays: ReadonlyMap<string, NpyArray>): string {
  const found = [...arrays].map(([name, { shape, data }]) => `${name} (${typeName(data)} [${shape.join(', ')}])`);
  return found.join(', ') || 'no array';
}

/** What resizing and float32 sums may leave beyond black and white. */
const ROUNDING = 1e-6;

/** In place. */
function withoutRounding(pixels: Float32Array): Float32Array {
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i] as number;
    if (value > 1 && value <= 1 + ROUNDING) pixels[i] = 1;
    else if (value < 0 && value >= -ROUNDING) pixels[i] = 0;
  }
  return pixels;
}

function toPixels({ data }: NpyArray, source: string): Float32Array {
  if (data instanceof Float32Array) return withoutRounding(data);
  if (data instanceof Float64Array) return withoutRounding(Float32Array.from(data));
  if (data instanceof Uint8Array) {
    const pixels = new Float32Array(data.length);
    for (let i = 0; i < pixels.length; i++) pixels[i] = (data[i] as number) / 255;
    return pixels;
  }
  throw new BlindspotError(
    'INVALID_DATA',
    `${source}: expected images of type uint8, float32 or float64 but received ${typeName(data)}`,
  );
}

function toClasses(array: NpyArray, name: string, count: number, source: string): Int32Array {
  const { data, shape } = array;
  const [rows, columns = 1, ...others] = shape;
  if (shape.length === 0 || rows !== count || others.length > 0) {
    throw new BlindspotError(
      'INVALID_DATA',
      `${source}: expected ${name} of shape [${count}], [${count}, 1] or one-hot [${count}, C] but received [${shape.join(', ')}]`,
    );
  }
  if (columns > 1) return oneHotClasses(array, name, columns, source);
  const classes = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = Number(data[i]);
    if (value !== (value | 0))
      throw new BlindspotError('INVALID_DATA', `${source}: ${name} holds ${value}, not a class`);
    classes[i] = value;
  }
  return classes;
}

function oneHotClasses({ data }: NpyArray, name: string, columns: number, source: string): Int32Array {
  return Int32Array.from({ length: data.length / columns }, (_, row) => {
    const own = Array.from({ length: columns }, (_value, k) => Number(data[row * columns + k]));
    const at = own.indexOf(1);
    if (at >= 0 && own.every((value, k) => value === (k === at ? 1 : 0))) return at;
    throw new BlindspotError('INVALID_DATA', `${source}: row ${row} of ${name} is not one-hot`);
  });
}

function typeName(data: NpyArray['data']): string {
  return data.constructor.name.replace(/^Big|Array$/g, '').toLowerCase();
}

function arrayName(file: string): string {
  return file.replace(/\.npy$/, '');
}

function tooLarge(source: string, bytes: number, maxBytes: number): BlindspotError {
  return new BlindspotError('OUT_OF_MEMORY', `${source} would take ${bytes} bytes in memory; the limit is ${maxBytes}`);
}
