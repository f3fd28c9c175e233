import { expect, test } from 'vitest';
import { toElementType, toFloat32 } from './tensor_values.ts';

test.each(['float64', 'float16', 'uint8', 'int8', 'int32', 'int64'])('%s there and back', (type) => {
  const values = Float32Array.of(0, 1, 2, 100);
  expect(toFloat32(toElementType(values, type) as ArrayBufferView, type)).toEqual(values);
});

test('whole numbers are rounded, words are not numbers', () => {
  expect(toElementType(Float32Array.of(0.5, 1.4, 254.6), 'uint8')).toEqual(Uint8Array.of(1, 1, 255));
  expect(toElementType(Float32Array.of(1), 'string')).toBeUndefined();
});
