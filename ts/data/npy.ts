/**
 * NumPy's array file (.npy, format 1.0 to 3.0): the magic "\x93NUMPY", a version, the header's length, a Python
 * dictionary { descr, fortran_order, shape }, then the values. Little-endian and C order only.
 */
import { BlindspotError } from '../errors.ts';

export type NpyData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: NpyData;
}

interface ArrayType {
  new (buffer: ArrayBuffer): NpyData;
  readonly BYTES_PER_ELEMENT: number;
}

const TYPES: Readonly<Record<string, ArrayType>> = {
  '|b1': Uint8Array,
  '|u1': Uint8Array,
  '|i1': Int8Array,
  '<u2': Uint16Array,
  '<i2': Int16Array,
  '<u4': Uint32Array,
  '<i4': Int32Array,
  '<u8': BigUint64Array,
  '<i8': BigInt64Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * @param source the array's name, for messages.
 * @throws INVALID_DATA saying what was expected and what came.
 */
export function parseNpy(bytes: Uint8Array, source: string): NpyArray {
  const fail = (problem: string) =>
    new BlindspotError('INVALID_DATA', `${source} is not a readable .npy array: ${problem}`);
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) throw fail('it does not begin with \\x93NUMPY');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw fail(`expected format 1.0 to 3.0 but received ${version}`);
  const [start, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (start + length > bytes.length) throw fail('it is truncated in its header');
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));

  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const shape = parseShape(/'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1]);
  if (descr === undefined || order === undefined || shape === undefined) throw fail(`its header is ${header.trim()}`);
  const type = TYPES[descr];
  if (type === undefined)
    throw fail(`expected one of the types ${Object.keys(TYPES).join(', ')} but received ${descr}`);
  if (order === 'True') throw fail('it is in Fortran order; save it with numpy.ascontiguousarray');

  const expected = shape.reduce((product, size) => product * size, 1) * type.BYTES_PER_ELEMENT;
  const received = bytes.length - start - length;
  if (received !== expected)
    throw fail(`expected ${expected} bytes for shape (${shape.join(', ')}) but received ${received}`);
  // A copy: values need not be aligned in the file.
  return { shape, data: new type(bytes.slice(start + length).buffer as ArrayBuffer) };
}

function parseShape(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const shape = text
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  return shape.every((size) => Number.isSafeInteger(size) && size >= 0) ? shape : undefined;
}

/** The bytes of a .npy file, format 1.0. */
export function formatNpy(array: NpyArray): Uint8Array {
  const descr = Object.keys(TYPES).find((key) => key !== '|b1' && array.data instanceof (TYPES[key] as ArrayType));
  const tuple = array.shape.length === 1 ? `(${array.shape[0]},)` : `(${array.shape.join(', ')})`;
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy wants the values to begin at a multiple of 64 and the header to end with a line feed.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const values = new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength);
  const bytes = new Uint8Array(10 + length + values.length);
  bytes.set([...MAGIC, 1, 0, length & 0xff, length >> 8]);
  bytes.set(new TextEncoder().encode(`${dictionary.padEnd(length - 1)}\n`), 10);
  bytes.set(values, 10 + length);
  return bytes;
}
