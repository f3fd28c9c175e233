/** Float32 values as the types that models take and give: a session's caller sees float32 alone. */
import { halfToNumber, numberToHalf } from '../base/half_precision.ts';

/** A typed array for a tensor of ONNX Runtime of this type; undefined for types that hold no numbers of ours. */
export function toElementType(values: Float32Array, type: string): ArrayBufferView | undefined {
  switch (type) {
    case 'float32':
      return values;
    case 'float64':
      return Float64Array.from(values);
    case 'float16':
      return asHalf(Uint16Array.from(values, numberToHalf));
    case 'uint8':
      return Uint8Array.from(values, Math.round);
    case 'int8':
      return Int8Array.from(values, Math.round);
    case 'int32':
      return Int32Array.from(values, Math.round);
    case 'int64':
      return BigInt64Array.from(values as unknown as ArrayLike<bigint>, (value) => BigInt(Math.round(Number(value))));
    default:
      return undefined;
  }
}

/** Types whose values `toFloat32` reads. */
export const NUMERIC_TYPES: ReadonlySet<string> = new Set([
  'float32',
  'float64',
  'float16',
  'uint8',
  'int8',
  'int32',
  'int64',
]);

/** The values of a tensor of that type, rounded to float32. */
export function toFloat32(data: ArrayBufferView, type: string): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Uint16Array && type === 'float16') return Float32Array.from(data, halfToNumber);
  return Float32Array.from(data as unknown as ArrayLike<number | bigint>, Number);
}

/** Where the platform has arrays of half precision, ONNX Runtime wants those. */
function asHalf(bits: Uint16Array<ArrayBuffer>): ArrayBufferView {
  const { Float16Array } = globalThis as { Float16Array?: new (buffer: ArrayBuffer) => ArrayBufferView };
  return Float16Array === undefined ? bits : new Float16Array(bits.buffer);
}
