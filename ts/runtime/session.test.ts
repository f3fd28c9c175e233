import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type ValueInfoProtoSchema } from 'onnx-buf';
import { describe, expect, test } from 'vitest';
import { BlindspotError } from '../errors.ts';
import { createSession as createNodeSession, runtimeVersion } from './node_session.ts';
import { oneLine } from './ort_errors.ts';
import { parseProvider, type SessionFactory, type SessionOptions, type Tensor } from './session.ts';
import { useSoftwareGpu } from './testing/software_gpu.ts';
import { createSession as createWebSession } from './web_session.ts';

const FLOAT = 1;
const INT64 = 7;

function valueInfo(
  name: string,
  shape: (number | string)[],
  elemType = FLOAT,
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((size) => ({
    value:
      typeof size === 'string'
        ? { case: 'dimParam' as const, value: size }
        : { case: 'dimValue' as const, value: BigInt(size) },
  }));
  return { name, type: { value: { case: 'tensorType', value: { elemType, shape: { dim } } } } };
}

/** product = a·b and sum = a+b, [N, 3], with an int64 output beside them. */
const MODEL = toBinary(
  ModelProtoSchema,
  create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: {
      name: 'two outputs',
      node: [
        { opType: 'Mul', input: ['a', 'b'], output: ['product'] },
        { opType: 'Add', input: ['a', 'b'], output: ['sum'] },
        { opType: 'Shape', input: ['a'], output: ['size'] },
      ],
      input: [valueInfo('a', ['N', 3]), valueInfo('b', ['N', 3])],
      output: [valueInfo('product', ['N', 3]), valueInfo('sum', ['N', 3]), valueInfo('size', [2], INT64)],
    },
  }),
);

const tensor = (values: number[], dims = [values.length / 3, 3]): Tensor => ({ data: Float32Array.from(values), dims });

const gpuExpected = useSoftwareGpu();

const BACKENDS: { name: string; make: SessionFactory; options: SessionOptions; expected: boolean }[] = [
  { name: 'node cpu', make: createNodeSession, options: { provider: 'cpu' }, expected: true },
  { name: 'node webgpu', make: createNodeSession, options: { provider: 'webgpu' }, expected: gpuExpected },
  { name: 'node wasm', make: createNodeSession, options: { provider: 'wasm' }, expected: true },
  { name: 'web wasm', make: createWebSession, options: { provider: 'wasm' }, expected: true },
];

for (const { name, make, options, expected } of BACKENDS) {
  describe.skipIf(!expected)(name, () => {
    test('says what it is and what the model takes', async () => {
      await using session = await make(MODEL, options);
      expect(session.provider).toBe(options.provider);
      expect(session.threads).toBe(1);
      expect(session.inputs[0]).toEqual({ name: 'a', type: 'float32', shape: ['N', 3] });
      expect(session.outputs.map((output) => output.type)).toEqual(['float32', 'float32', 'int64']);
    });

    test('computes every float32 output when none is named', async () => {
      await using session = await make(MODEL, options);
      const results = await session.run({ a: tensor([1, 2, 3]), b: tensor([4, 5, 6]) });
      expect(Object.keys(results).sort()).toEqual(['product', 'sum']);
      expect([...(results['product']?.data ?? [])]).toEqual([4, 10, 18]);
      expect(results['sum']?.dims).toEqual([1, 3]);
    });

    test('writes into the outputs it is given, again after the inputs changed', async () => {
      await using session = await make(MODEL, options);
      const a = tensor([1, 2, 3]);
      const b = tensor([4, 5, 6]);
      const product = tensor([0, 0, 0]);
      const results = await session.run({ a, b }, { product, sum: null });
      expect(results['product']).toBe(product);
      expect([...product.data]).toEqual([4, 10, 18]);
      expect([...(results['sum']?.data ?? [])]).toEqual([5, 7, 9]);
      a.data.set([10, 20, 30]);
      await session.run({ a, b }, { product });
      expect([...product.data]).toEqual([40, 100, 180]);
    });

    test('reads a view at an offset', async () => {
      await using session = await make(MODEL, options);
      const memory = Float32Array.from([9, 9, 1, 2, 3]);
      const a = { data: memory.subarray(2), dims: [1, 3] };
      const results = await session.run({ a, b: tensor([1, 1, 1]) });
      expect([...(results['product']?.data ?? [])]).toEqual([1, 2, 3]);
    });

    test('refuses one array as input and output', async () => {
      await using session = await make(MODEL, options);
      const a = tensor([1, 2, 3]);
      await expect(session.run({ a, b: a }, { sum: a })).rejects.toThrow(/memory for "sum" apart/);
    });

    test('prints both shapes when they differ', async () => {
      await using session = await make(MODEL, options);
      const wide = tensor([1, 2, 3, 4], [1, 4]);
      await expect(session.run({ a: wide, b: wide })).rejects.toMatchObject({
        code: 'MODEL_DATA_MISMATCH',
        message: 'The model\'s input "a" has shape [N, 3] but received [1, 4]',
      });
    });

    test('names a missing input and an unknown output, gives an int64 one as float32 in memory of its own alone', async () => {
      await using session = await make(MODEL, options);
      const a = tensor([1, 2, 3]);
      await expect(session.run({ a })).rejects.toThrow('input "b" was not given; it takes "a", "b"');
      await expect(session.run({ a, b: a }, { nothing: null })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      const { size } = await session.run({ a, b: a }, { size: null });
      expect(size?.data).toBeInstanceOf(Float32Array);
      await expect(session.run({ a, b: a }, { size: tensor([0]) })).rejects.toThrow('"size" is int64');
    });

    test('refuses memory of another size than the output', async () => {
      await using session = await make(MODEL, options);
      const a = tensor([1, 2, 3]);
      const error = await session.run({ a, b: tensor([1, 1, 1]) }, { sum: tensor([0, 0, 0, 0, 0, 0]) }).catch(String);
      expect(error).toMatch(/BlindspotError.*(shape|size)/);
      expect(error).not.toContain('\n');
    });

    test('is over after release', async () => {
      const session = await make(MODEL, options);
      await session.release();
      await session.release();
      const a = tensor([1, 2, 3]);
      await expect(session.run({ a, b: a })).rejects.toMatchObject({ code: 'DISPOSED' });
      const other = await make(MODEL, options);
      const running = session.provider === 'cpu' ? other.run({ a, b: a }) : undefined;
      await other.release();
      // Node's runs begin a turn later, when the session is gone.
      if (running) await expect(running).rejects.toMatchObject({ code: 'DISPOSED' });
    });

    test('rejects bytes that are no model, in one line', async () => {
      for (const bytes of [new Uint8Array(), Uint8Array.from([1, 2, 3, 250]), MODEL.slice(0, MODEL.length - 7)]) {
        const error: unknown = await make(bytes, options).catch((cause: unknown) => cause);
        expect(error).toBeInstanceOf(BlindspotError);
        expect(error).toMatchObject({ code: 'INVALID_MODEL' });
        expect(String(error)).not.toContain('\n');
      }
    });
  });
}

describe('providers', () => {
  test('an unknown name lists those there are', () => {
    expect(() => parseProvider('tpu')).toThrow('Expected one of cpu, cuda, webgpu, wasm for provider');
  });

  test('an absent one is an error with advice, never another provider', async () => {
    const cuda = await createNodeSession(MODEL, { provider: 'cuda' }).then((session) => session.provider, String);
    expect(cuda).toMatch(/^cuda$|^BlindspotError: The cuda provider is not available here \(.*NVIDIA driver/);
    await expect(createWebSession(MODEL, { provider: 'cpu' })).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await expect(createWebSession(MODEL, { provider: 'webgpu' })).rejects.toThrow('no navigator.gpu');
  });

  test('threads must be a small whole number', async () => {
    await expect(createNodeSession(MODEL, { threads: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(createNodeSession(MODEL, { threads: 1.5 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('the version is known', async () => {
    expect(await runtimeVersion()).toMatch(/^1\.\d+\.\d+$/);
  });
});

test('a message keeps its sentence and loses the paths', () => {
  const raw =
    '\u001b[1;31mNon-zero status code returned while running Mul node.\n Status Message: ' +
    '/onnxruntime_src/onnxruntime/core/framework/op_kernel.cc:83 virtual OrtValue* f(int) [ONNXRuntimeError] : 2 : ' +
    'INVALID_ARGUMENT : The output has shape {2,4}.\n\u001b[m';
  expect(oneLine(new Error(raw))).toBe(
    'Non-zero status code returned while running Mul node. Status Message: The output has shape {2,4}',
  );
});
