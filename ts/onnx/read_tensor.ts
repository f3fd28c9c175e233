/** Decodes TensorProto: raw_data or the typed fields; half precision is widened to float32. */
import { type TensorProto, TensorProto_DataLocation } from 'onnx-buf';
import { halfToNumber } from '../base/half_precision.ts';
import { BlindspotError } from '../errors.ts';
import { type ElementType, elementTypeOf, isFloat, onnxTypeName, type TensorData } from './element_type.ts';
import { elementCount, formatShape } from './shape.ts';
import type { Tensor } from './tensor.ts';

const FLOAT16 = 10;
const BFLOAT16 = 16;

/**
 * @param name shown in errors.
 * @throws INVALID_MODEL: external data, an element type no operator takes, a wrong length, weights that are not finite.
 */
export function readTensor(proto: TensorProto, name: string): Tensor {
  const fail = (message: string): BlindspotError =>
    new BlindspotError('INVALID_MODEL', `Weights "${name}": ${message}`);
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL || proto.externalData.length > 0) {
    throw fail('stored in another file (external data); save the model as one file');
  }
  const type = elementTypeOf(proto.dataType);
  if (!type) throw fail(`element type ${onnxTypeName(proto.dataType)} is not supported`);
  const shape = proto.dims.map(Number);
  const data = proto.rawData.length > 0 ? fromRaw(proto, type) : fromFields(proto, type);
  const expected = elementCount(shape);
  if (data.length !== expected) {
    throw fail(`shape ${formatShape(shape)} needs ${expected} elements but the file holds ${data.length}`);
  }
  if (isFloat(type)) {
    const at = firstNotFinite(data as Float32Array);
    // A single infinity is a bound (Clip), and 0 and -Infinity are a mask of attention: neither is a weight.
    const isBound = data.length === 1 && !Number.isNaN(data[0]);
    if (at >= 0 && !isBound && !(data as Float32Array).every((value) => value === 0 || value === -Infinity)) {
      throw fail(`element ${at} is ${String(data[at])}; all weights must be finite`);
    }
  }
  return { type, shape, data };
}

function firstNotFinite(data: Float32Array | Float64Array): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

const BYTES: Record<ElementType, number> = { float32: 4, float64: 8, int64: 8, int32: 4, uint8: 1, int8: 1, bool: 1 };

function fromRaw(proto: TensorProto, type: ElementType): TensorData {
  const raw = proto.rawData;
  const isHalf = proto.dataType === FLOAT16 || proto.dataType === BFLOAT16;
  const width = isHalf ? 2 : BYTES[type];
  // A copy: the bytes in the file are not aligned. A ragged end shows as a wrong number of elements.
  const bytes = raw.slice(0, raw.length - (raw.length % width)).buffer;
  if (isHalf) return widen(new Uint16Array(bytes), proto.dataType);
  switch (type) {
    case 'float32':
      return new Float32Array(bytes);
    case 'float64':
      return new Float64Array(bytes);
    case 'int64':
      return new BigInt64Array(bytes);
    case 'int32':
      return new Int32Array(bytes);
    case 'int8':
      return new Int8Array(bytes);
    case 'uint8':
    case 'bool':
      return new Uint8Array(bytes);
  }
}

function fromFields(proto: TensorProto, type: ElementType): TensorData {
  if (proto.dataType === FLOAT16 || proto.dataType === BFLOAT16) {
    return widen(Uint16Array.from(proto.int32Data), proto.dataType);
  }
  switch (type) {
    case 'float32':
      return Float32Array.from(proto.floatData);
    case 'float64':
      return Float64Array.from(proto.doubleData);
    case 'int64':
      return BigInt64Array.from(proto.int64Data);
    case 'int32':
      return Int32Array.from(proto.int32Data);
    case 'int8':
      return Int8Array.from(proto.int32Data);
    case 'uint8':
    case 'bool':
      return Uint8Array.from(proto.int32Data);
  }
}

function widen(bits: Uint16Array, dataType: number): Float32Array {
  if (dataType === FLOAT16) return Float32Array.from(bits, halfToNumber);
  const words = Uint32Array.from(bits, (half) => half << 16);
  return new Float32Array(words.buffer);
}
