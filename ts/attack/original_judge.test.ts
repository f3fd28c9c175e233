import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { numberToHalf } from '../base/half_precision.ts';
import { rawFloats, rawModel, rawNode, rawValue } from '../onnx/testing/raw_model.ts';
import { toElementType, toFloat32 } from '../runtime/tensor_values.ts';
import { attack } from './attack.ts';
import { CLASSES, linearImages, PIXELS } from './testing/linear_classifier.ts';

const weights = Array.from({ length: PIXELS * CLASSES }, (_, i) => Math.sin(5 * i + 2));
const images = linearImages(12).images;

/** Answers of plain ONNX Runtime on the file, one image at a time. */
async function answers(
  bytes: Uint8Array,
  type: 'float16' | 'float32',
  pixels: Float32Array,
  input = 'x',
): Promise<number[]> {
  const session = await InferenceSession.create(bytes);
  const found: number[] = [];
  for (let start = 0; start < pixels.length; start += PIXELS) {
    const data = toElementType(pixels.slice(start, start + PIXELS), type) as Float32Array;
    const { y } = await session.run({ [input]: new Tensor(type as 'float32', data, [1, PIXELS]) });
    const scores = toFloat32(y?.data as unknown as ArrayBufferView, type);
    found.push(scores.indexOf(Math.max(...scores)));
  }
  await session.release();
  return found;
}

/** Two layers in half precision, whose own rounding moves its boundary by more than a float32 search would cross it. */
function halfModel(): Uint8Array<ArrayBuffer> {
  const half = (name: string, dims: number[], values: number[]) => ({
    name,
    dims: dims.map(BigInt),
    dataType: 10,
    int32Data: values.map(numberToHalf),
  });
  return rawModel(13, {
    node: [rawNode('MatMul', ['x', 'w'], ['h']), rawNode('Tanh', ['h'], ['t']), rawNode('MatMul', ['t', 'v'], ['y'])],
    initializer: [
      half(
        'w',
        [PIXELS, 8],
        Array.from({ length: 8 * PIXELS }, (_, i) => Math.sin(3 * i)),
      ),
      half(
        'v',
        [8, CLASSES],
        Array.from({ length: 8 * CLASSES }, (_, i) => Math.cos(7 * i)),
      ),
    ],
    input: [rawValue('x', ['N', PIXELS], 10)],
    output: [rawValue('y', ['N', CLASSES], 10)],
  });
}

describe('every claim is about the file itself', () => {
  test('half precision: judged as it computes, and found all the same', async () => {
    const bytes = halfModel();
    const labels = await answers(bytes, 'float16', images);
    const { summary, examples, adversarial } = await attack(bytes, { images, labels });
    expect(summary).toMatchObject({ judgedBy: 'original', alreadyMisclassified: 0, successRate: 1 });
    const after = await answers(bytes, 'float16', adversarial);
    for (const [row, { prediction, success }] of examples.entries()) {
      expect(after[row]).toBe(prediction);
      expect(success).toBe(after[row] !== labels[row]);
    }
  });

  test('a batch that is fixed in the file is run at that batch', async () => {
    const bytes = rawModel(13, {
      node: [rawNode('MatMul', ['x', 'w'], ['y'])],
      initializer: [rawFloats('w', [PIXELS, CLASSES], weights)],
      input: [rawValue('x', [5, PIXELS])],
      output: [rawValue('y', [5, CLASSES])],
    });
    const open = rawModel(13, {
      node: [rawNode('MatMul', ['x', 'w'], ['y'])],
      initializer: [rawFloats('w', [PIXELS, CLASSES], weights)],
      input: [rawValue('x', ['N', PIXELS])],
      output: [rawValue('y', ['N', CLASSES])],
    });
    const labels = await answers(open, 'float32', images);
    const fixed = await attack(bytes, { images, labels });
    const variable = await attack(open, { images, labels });
    expect(fixed.summary.judgedBy).toBe('original');
    expect(fixed.examples.map(({ prediction, l2 }) => [prediction, l2])).toEqual(
      variable.examples.map(({ prediction, l2 }) => [prediction, l2]),
    );
  });

  test('probabilities, and one of them, are judged on the scale of logits', async () => {
    const ending = async (nodes: ReturnType<typeof rawNode>[], classes: number) => {
      const bytes = rawModel(13, {
        node: [rawNode('MatMul', ['x', 'w'], ['z']), ...nodes],
        initializer: [rawFloats('w', [PIXELS, classes], weights.slice(0, PIXELS * classes))],
        input: [rawValue('x', ['N', PIXELS])],
        output: [rawValue('y', ['N', classes])],
      });
      const guess = await attack(bytes, { images, labels: new Int32Array(12) }, { maxEvaluations: 1 });
      const labels = guess.examples.map(({ cleanPrediction }) => cleanPrediction);
      return await attack(bytes, { images, labels });
    };
    const close = (a: Awaited<ReturnType<typeof ending>>, b: typeof a) => {
      for (const [row, { margin, l2 }] of a.examples.entries()) {
        expect(margin).toBeCloseTo(b.examples[row]?.margin ?? Number.NaN, 4);
        expect(l2).toBeCloseTo(b.examples[row]?.l2 ?? Number.NaN, 4);
      }
    };
    const identity = rawNode('Identity', ['z'], ['y']);
    close(await ending([rawNode('Softmax', ['z'], ['y'], { axis: -1n })], 3), await ending([identity], 3));
    close(await ending([rawNode('Sigmoid', ['z'], ['y'])], 1), await ending([identity], 1));
  });

  test.each<[string, number, ReturnType<typeof rawNode>[]]>([
    ['doubles', 11, [rawNode('MatMul', ['x', 'd'], ['y'])]],
    ['bytes', 2, [rawNode('Cast', ['x'], ['f'], { to: 1n }), rawNode('MatMul', ['f', 'w'], ['y'])]],
    [
      'products of eight bits whose range is that of all images together',
      1,
      [
        rawNode('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
        rawNode('MatMulInteger', ['q', 'b', 'z', 'bz'], ['i']),
        rawNode('Cast', ['i'], ['f'], { to: 1n }),
        rawNode('Mul', ['f', 's'], ['y']),
      ],
    ],
  ])('%s: judged as the file takes them', async (what, type, nodes) => {
    const scaled = weights.map((value) => Math.round(60 * value));
    const bytes = rawModel(13, {
      node: nodes,
      initializer: [
        rawFloats('w', [PIXELS, CLASSES], weights),
        { name: 'd', dims: [BigInt(PIXELS), BigInt(CLASSES)], dataType: 11, doubleData: weights },
        {
          name: 'b',
          dims: [BigInt(PIXELS), BigInt(CLASSES)],
          dataType: 2,
          int32Data: scaled.map((value) => value + 128),
        },
        { name: 'bz', dims: [], dataType: 2, int32Data: [128] },
      ],
      input: [rawValue('x', ['N', PIXELS], type)],
      output: [rawValue('y', ['N', CLASSES], type === 11 ? 11 : 1)],
    });
    const own = async (pixels: Float32Array): Promise<number[]> => {
      const session = await InferenceSession.create(bytes);
      const found: number[] = [];
      for (let start = 0; start < pixels.length; start += PIXELS) {
        const image = pixels.slice(start, start + PIXELS);
        const name = type === 11 ? 'float64' : type === 2 ? 'uint8' : 'float32';
        const data = toElementType(type === 2 ? image.map((value) => 255 * value) : image, name) as Float32Array;
        const { y } = await session.run({ x: new Tensor(name as 'float32', data, [1, PIXELS]) });
        const scores = [...((y?.data ?? []) as Float32Array)];
        found.push(scores.indexOf(Math.max(...scores)));
      }
      await session.release();
      return found;
    };
    const onLattice = images.map((value) => Math.round(255 * value) / 255);
    const labels = await own(onLattice);
    const { summary, examples, adversarial } = await attack(bytes, { images: onLattice, labels });
    expect(summary).toMatchObject({ judgedBy: 'original', alreadyMisclassified: 0 });
    expect(summary.succeeded).toBeGreaterThanOrEqual(10);
    const after = await own(adversarial);
    for (const [row, { prediction, success }] of examples.entries()) {
      expect(after[row]).toBe(prediction);
      if (success) expect(after[row]).not.toBe(labels[row]);
    }
    if (what === 'bytes') expect(adversarial.every((value) => Number.isInteger(Math.fround(255 * value)))).toBe(true);
  });

  test('a file that cannot be run as it is says so', async () => {
    const bytes = rawModel(13, {
      node: [rawNode('MatMul', ['x', 'w'], ['y']), rawNode('Identity', ['mode'], ['echo'])],
      initializer: [rawFloats('w', [PIXELS, CLASSES], weights)],
      input: [rawValue('x', ['N', PIXELS]), rawValue('mode', [1])],
      output: [rawValue('y', ['N', CLASSES])],
    });
    const { summary } = await attack(bytes, { images, labels: new Int32Array(12) });
    expect(summary).toMatchObject({ judgedBy: 'copy', notOriginal: 'it has other inputs, "mode"' });
  });
});
