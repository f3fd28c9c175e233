/**
 * NumPy's archive (.npz): a zip of .npy files. Sizes are checked against the limit before memory is taken. Runs in
 * browsers too.
 */
import { unzipSync, zipSync } from 'fflate';
import { BlindspotError } from '../errors.ts';
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
  return new Map(
    Object.entries(files).map(([file, content]) => [
      arrayName(file),
      parseNpy(content, `${source}: ${arrayName(file)}`),
    ]),
  );
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

/**
 * Images from the arrays `images` (uint8, divided by 255; float32 or float64 in [0, 1]; [N, n], [N, H, W],
 * [N, H, W, C] with C of 1 or 3, [N, C, H, W]), `labels` and, where there, `targets` (any integer type, [N]; all −1,
 * as an untargeted attack writes them, is none).
 * @throws INVALID_DATA naming the array.
 */
export function imageSetFromNpz(bytes: Uint8Array, options: NpzOptions = {}): ImageSet {
  const source = options.source ?? 'The .npz';
  const arrays = parseNpz(bytes, { ...options, only: ['images', 'labels', 'targets'] });
  const images = required(arrays, 'images', source);
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
  const listed = arrays.get('targets');
  const targets = listed === undefined ? undefined : toClasses(listed, 'targets', count, source);
  return {
    images: toPixels(images, source),
    shape,
    count,
    labels: toClasses(required(arrays, 'labels', source), 'labels', count, source),
    ...(targets === undefined || targets.every((target) => target === NO_TARGET) ? {} : { targets }),
    source,
  };
}

/** @throws INVALID_DATA listing the arrays there are. */
function required(arrays: ReadonlyMap<string, NpyArray>, name: string, source: string): NpyArray {
  const array = arrays.get(name);
  if (array !== undefined) return array;
  const found = [...arrays.keys()].join(', ') || 'neither images, labels nor targets';
  throw new BlindspotError('INVALID_DATA', `${source}: expected an array called ${name} but found ${found}`);
}

function toPixels({ data }: NpyArray, source: string): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
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

function toClasses({ data, shape }: NpyArray, name: string, count: number, source: string): Int32Array {
  if (shape.length !== 1 || shape[0] !== count) {
    throw new BlindspotError(
      'INVALID_DATA',
      `${source}: expected ${name} of shape [${count}] but received [${shape.join(', ')}]`,
    );
  }
  if (data instanceof Float32Array || data instanceof Float64Array) {
    throw new BlindspotError(
      'INVALID_DATA',
      `${source}: expected ${name} of an integer type but received ${typeName(data)}`,
    );
  }
  const classes = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = Number(data[i]);
    if (value !== (value | 0))
      throw new BlindspotError('INVALID_DATA', `${source}: ${name} holds ${value}, not a class`);
    classes[i] = value;
  }
  return classes;
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
