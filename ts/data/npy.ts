/**
 * NumPy's array file (.npy, format 1.0 to 3.0): the magic "\x93NUMPY", a version, the header's length, a Python
 * dictionary { descr, fortran_order, shape }, then the values; read in either order of bytes and of axes, half precision as
 * float32; written little-endian, in C order.
 */
import { halfToNumber } from '../base/half_precision.ts';
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
  const half = descr.slice(1) === 'f2';
  const type = half ? Uint16Array : TYPES[descr.replace(/^[>=]/, '<')];
  if (type === undefined) {
    throw fail(`expected one of the types ${[...Object.keys(TYPES), '<f2'].join(', ')} but received ${descr}`);
  }

  const expected = shape.reduce((product, size) => product * size, 1) * type.BYTES_PER_ELEMENT;
  const received = bytes.length - start - length;
  if (received !== expected)
    throw fail(`expected ${expected} bytes for shape (${shape.join(', ')}) but received ${received}`);
  // A copy: values need not be aligned in the file.
  const raw = bytes.slice(start + length);
  if (descr.startsWith('>')) reverseBytes(raw, type.BYTES_PER_ELEMENT);
  const read = new type(raw.buffer as ArrayBuffer);
  const data = half ? Float32Array.from(read as Uint16Array, halfToNumber) : read;
  return { shape, data: order === 'True' ? inRows(data, shape) : data };
}

function reverseBytes(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
}

/** Values in the order of columns (Fortran's) brought to that of rows. */
function inRows(columns: NpyData, shape: readonly number[]): NpyData {
  const rows = columns.slice();
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  const index = new Array<number>(shape.length).fill(0);
  for (let to = 0; to < rows.length; to++) {
    const from = index.reduce((sum, at, axis) => sum + at * (strides[axis] as number), 0);
    rows[to] = columns[from] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return rows;
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
