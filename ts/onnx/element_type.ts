/** Element types of tensors, their typed arrays, and their numbers in the ONNX format (TensorProto.DataType). */

export type FloatType = 'float32' | 'float64';
export type ElementType = FloatType | 'int64' | 'int32' | 'uint8' | 'int8' | 'bool';

/** bool is held as bytes of 0 and 1. */
export type TensorData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | Int8Array;

/** TensorProto.DataType of each type we write. */
export const ONNX_DATA_TYPE = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
} as const satisfies Record<ElementType, number>;

const ONNX_FLOAT16 = 10;
const ONNX_BFLOAT16 = 16;

const ONNX_DATA_TYPE_NAMES = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
];

export function onnxTypeName(dataType: number): string {
  return ONNX_DATA_TYPE_NAMES[dataType] ?? `type ${dataType}`;
}

/**
 * The type in which an ONNX type is computed here: half precision (float16, bfloat16) is widened to float32;
 * undefined for types that no supported operator takes.
 */
export function elementTypeOf(dataType: number): ElementType | undefined {
  if (dataType === ONNX_FLOAT16 || dataType === ONNX_BFLOAT16) return 'float32';
  for (const [name, number] of Object.entries(ONNX_DATA_TYPE)) {
    if (number === dataType) return name as ElementType;
  }
  return undefined;
}

export function isFloat(type: ElementType): type is FloatType {
  return type === 'float32' || type === 'float64';
}

/** The type of an array handed in without one; bytes are uint8, never bool. */
export function typeOfData(data: TensorData): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Int8Array) return 'int8';
  return 'uint8';
}

const LARGEST_INT64 = 2n ** 63n - 1n;

/** Saturated: exporters write the largest int64 for "to the end", which is no number of JavaScript's. */
export function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return LARGEST_INT64;
  return value <= -(2 ** 63) ? -(2n ** 63n) : BigInt(Math.trunc(value));
}

/** A typed array of `type` holding `values`; integers are truncated, bool is 0 or 1. */
export function dataFromNumbers(type: ElementType, values: ArrayLike<number>): TensorData {
  switch (type) {
    case 'float32':
      return Float32Array.from(values);
    case 'float64':
      return Float64Array.from(values);
    case 'int64':
      return BigInt64Array.from(Array.from(values, toInt64));
    case 'int32':
      return Int32Array.from(values);
    case 'int8':
      return Int8Array.from(values);
    case 'uint8':
      return Uint8Array.from(values);
    case 'bool':
      return Uint8Array.from(values, (value) => (value === 0 ? 0 : 1));
  }
}
