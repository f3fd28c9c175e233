/** Runs an ONNX file in ONNX Runtime on one thread, for tests. */
import * as ort from 'onnxruntime-node';
import { readModel } from '../read_model.ts';
import type { ReferenceTensor } from './reference_tensor.ts';

/** Float inputs are rounded to the type that the model declares. */
export async function runInOrt(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, ReferenceTensor>>,
): Promise<Record<string, ReferenceTensor>> {
  const types = new Map(readModel(bytes).inputs.map(({ name, type }) => [name, type]));
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const inputs = Object.entries(feeds).map(([name, { shape, data }]) => {
    const isDouble = types.get(name) === 'float64';
    return [
      name,
      isDouble ? new ort.Tensor('float64', data, shape) : new ort.Tensor('float32', Float32Array.from(data), shape),
    ];
  });
  const outputs = await session.run(Object.fromEntries(inputs));
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [
      name,
      { shape: [...tensor.dims], data: Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number) },
    ]),
  );
}
