import { describe, expect, test } from 'vitest';
import type { BlindspotError } from '../errors.ts';
import { GraphBuilder } from './graph_builder.ts';
import { readModel } from './read_model.ts';
import { mlpClassifier } from './testing/classifiers.ts';
import { rawFloats, rawInts, rawModel, rawNode, rawValue } from './testing/raw_model.ts';

function errorOf(bytes: Uint8Array): BlindspotError {
  try {
    readModel(bytes);
  } catch (error) {
    return error as BlindspotError;
  }
  throw new Error('was read without an error');
}

const valid = mlpClassifier({ batch: 'N' });
const x = rawValue('x', ['N', 2]);
const y = rawValue('y', ['N', 2]);

describe('what cannot be read is refused in one line', () => {
  const cases: [string, Uint8Array, string, RegExp][] = [
    ['an empty file', new Uint8Array(), 'INVALID_MODEL', /^Not an ONNX model: the file is empty$/],
    [
      'a text file',
      new TextEncoder().encode('{"hello": "world"}'),
      'INVALID_MODEL',
      /^Not an ONNX model: the file is in another format$/,
    ],
    [
      'a PNG',
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13),
      'INVALID_MODEL',
      /^Not an ONNX model: the file is in another format$/,
    ],
    [
      'a truncated file',
      valid.slice(0, valid.length / 2),
      'INVALID_MODEL',
      /^The ONNX file is truncated or damaged; export or download it again$/,
    ],
    ['a file of the header alone', valid.slice(0, 2), 'INVALID_MODEL', /^Not an ONNX model: the file holds no graph$/],
    [
      'external data',
      rawModel(17, {
        node: [rawNode('Add', ['x', 'w'], ['y'])],
        initializer: [
          { name: 'w', dims: [2n], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: 'w.bin' }] },
        ],
        input: [x],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Weights "w": stored in another file \(external data\); save the model as one file$/,
    ],
    [
      'weights that are not finite',
      rawModel(17, {
        node: [rawNode('Add', ['x', 'w'], ['y'])],
        initializer: [rawFloats('w', [2], [1, Number.NaN])],
        input: [x],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Weights "w": element 1 is NaN; all weights must be finite$/,
    ],
    [
      'infinite weights in a Constant node',
      rawModel(17, {
        node: [
          rawNode('Constant', [], ['w'], { value: rawFloats('', [2], [Number.POSITIVE_INFINITY, 0]) }, 'bias'),
          rawNode('Add', ['x', 'w'], ['y']),
        ],
        input: [x],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Weights "bias": element 0 is Infinity; all weights must be finite$/,
    ],
    [
      'weights of the wrong length',
      rawModel(17, {
        node: [rawNode('Add', ['x', 'w'], ['y'])],
        initializer: [rawFloats('w', [3], [1, 2])],
        input: [x],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Weights "w": shape \[3\] needs 3 elements but the file holds 2$/,
    ],
    [
      'weights of strings',
      rawModel(17, {
        node: [rawNode('Add', ['x', 'w'], ['y'])],
        initializer: [{ name: 'w', dims: [1n], dataType: 8 }],
        input: [x],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Weights "w": element type string is not supported$/,
    ],
    [
      'an unsupported operator',
      rawModel(17, { node: [rawNode('DeformConv', ['x', 'x'], ['y'], {}, 'warp')], input: [x], output: [y] }),
      'UNSUPPORTED_OP',
      /^Operator DeformConv \(node "warp"\) is not supported: like it, Conv, ConvInteger, QLinearConv, ConvTranspose are; if the scores come before it, name them with --output \(option output\)$/,
    ],
    [
      'trees',
      rawModel(17, {
        node: [
          {
            ...rawNode('TreeEnsembleClassifier', ['x'], ['l', 'y'], { post_transform: 'NONE' }, 'tree'),
            domain: 'ai.onnx.ml',
          },
        ],
        input: [x],
        output: [y],
      }),
      'UNSUPPORTED_OP',
      /\(node "tree"\) is not supported: trees answer by steps, which have no gradient to follow/,
    ],
    [
      'an operator of another domain',
      rawModel(17, {
        node: [{ ...rawNode('Inverse', ['x'], ['y'], {}, 'fc'), domain: 'com.microsoft' }],
        input: [x],
        output: [y],
      }),
      'UNSUPPORTED_OP',
      /^Operator com.microsoft.Inverse \(node "fc"\) is not supported; if the scores come before it, name them with --output \(option output\)$/,
    ],
    [
      'an opset too old',
      rawModel(6, { node: [rawNode('Identity', ['x'], ['y'])], input: [x], output: [y] }),
      'UNSUPPORTED_OP',
      /^Expected a model of ONNX opset 7 to 26 but received opset 6; export it again with opset 17$/,
    ],
    [
      'no standard opset',
      rawModel(3, { node: [rawNode('Identity', ['x'], ['y'])], input: [x], output: [y] }, 'ai.onnx.ml'),
      'UNSUPPORTED_OP',
      /^Expected a model of ONNX opset 7 to 26 but received opset none; export it again with opset 17$/,
    ],
    [
      'shapes that do not fit',
      rawModel(17, {
        node: [rawNode('Gemm', ['x', 'w'], ['y'], {}, 'fc')],
        initializer: [rawFloats('w', [3, 2], [1, 2, 3, 4, 5, 6])],
        input: [x],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Gemm "fc": inner dimensions differ: 2 and 3 \(inputs \[N, 2\], \[3, 2\]\)$/,
    ],
    [
      'a value that nothing makes',
      rawModel(17, { node: [rawNode('Neg', ['h'], ['y'], {}, 'second')], input: [x], output: [y] }),
      'INVALID_MODEL',
      /^Neg "second" reads "h", which nothing before it makes$/,
    ],
    [
      'nodes in a circle',
      rawModel(17, {
        node: [rawNode('Neg', ['h'], ['y'], {}, 'second'), rawNode('Add', ['y', 'x'], ['h'])],
        input: [x],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Add "h" reads "y", which is made from its own output; is the file damaged\?$/,
    ],
    [
      'an output that nothing makes',
      rawModel(17, { node: [rawNode('Neg', ['x'], ['h'])], input: [x], output: [y] }),
      'INVALID_MODEL',
      /^No node makes the output "y"; is the file damaged\?$/,
    ],
    [
      'an input without a shape',
      rawModel(17, {
        node: [rawNode('Neg', ['x'], ['y'])],
        input: [{ name: 'x', type: { value: { case: 'tensorType', value: { elemType: 1 } } } }],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Input "x" has no shape; export the model with its input shape$/,
    ],
    [
      'a variable image size that the model cannot take',
      rawModel(17, {
        node: [rawNode('Flatten', ['x'], ['f']), rawNode('MatMul', ['f', 'w'], ['y'], {}, 'fc')],
        initializer: [rawFloats('w', [4, 2], [1, 2, 3, 4, 5, 6, 7, 8])],
        input: [rawValue('x', ['N', 1, 'H', undefined])],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Input "x" is \[N, 1, H, x\.3\], but only its batch may vary; give height and width \(--size, or the option input\.size\)\. \(MatMul "fc": .*\)$/,
    ],
    [
      'dropout in training mode',
      rawModel(17, {
        node: [rawNode('Dropout', ['x', '', 't'], ['y'], {}, 'drop')],
        initializer: [{ name: 't', dims: [], dataType: 9, int32Data: [1] }],
        input: [x],
        output: [y],
      }),
      'INVALID_MODEL',
      /^Dropout "drop": training mode is not supported; export the model for inference/,
    ],
  ];

  test.each(cases)('%s', (_, bytes, code, message) => {
    const error = errorOf(bytes);
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('\n');
  });

  test('every truncation of a file', () => {
    for (let length = 0; length < valid.length; length += 7) {
      expect(errorOf(valid.slice(0, length)).code).toBe('INVALID_MODEL');
    }
  });
});

describe('weights', () => {
  const readWeights = (initializer: NonNullable<Parameters<typeof rawModel>[1]>['initializer']): unknown => {
    const model = readModel(
      rawModel(17, { node: [rawNode('Neg', ['x'], ['y'])], initializer: initializer ?? [], input: [x], output: [y] }),
    );
    const { data, type } = model.initializers.get('w') ?? {};
    return [type, [...(data ?? [])]];
  };

  test('float16 is widened, from raw_data and from int32_data', () => {
    // 1, -2, 65504 (the largest), 2⁻²⁴ (the smallest)
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001);
    const numbers = [1, -2, 65504, 2 ** -24];
    const rawData = new Uint8Array(halves.buffer);
    expect(readWeights([{ name: 'w', dims: [4n], dataType: 10, rawData }])).toEqual(['float32', numbers]);
    expect(readWeights([{ name: 'w', dims: [4n], dataType: 10, int32Data: [...halves] }])).toEqual([
      'float32',
      numbers,
    ]);
    expect(readWeights([{ name: 'w', dims: [2n], dataType: 16, int32Data: [0x3f80, 0xc000] }])).toEqual([
      'float32',
      [1, -2],
    ]);
  });

  test('raw_data and typed fields', () => {
    const raw = (data: { buffer: ArrayBufferLike }): Uint8Array<ArrayBuffer> =>
      Uint8Array.from(new Uint8Array(data.buffer));
    expect(readWeights([{ name: 'w', dims: [2n], dataType: 1, rawData: raw(Float32Array.of(1.5, -2)) }])).toEqual([
      'float32',
      [1.5, -2],
    ]);
    expect(readWeights([{ name: 'w', dims: [2n], dataType: 11, doubleData: [0.1, 2] }])).toEqual(['float64', [0.1, 2]]);
    expect(readWeights([{ name: 'w', dims: [1n], dataType: 7, rawData: raw(BigInt64Array.of(-5n)) }])).toEqual([
      'int64',
      [-5n],
    ]);
    expect(readWeights([{ name: 'w', dims: [2n], dataType: 9, int32Data: [1, 0] }])).toEqual(['bool', [1, 0]]);
    expect(readWeights([rawInts('w', [3, 4])])).toEqual(['int64', [3n, 4n]]);
  });

  test('from a Buffer in the middle of another, wherever its weights lie', () => {
    const bytes = rawModel(17, {
      node: [rawNode('Add', ['x', 'w'], ['y'])],
      initializer: [{ name: 'w', dims: [2n], dataType: 1, rawData: new Uint8Array(Float32Array.of(1.5, -2).buffer) }],
      input: [x],
      output: [y],
    });
    for (let shift = 0; shift < 4; shift++) {
      const buffer = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift);
      expect([...(readModel(buffer).initializers.get('w')?.data ?? [])]).toEqual([1.5, -2]);
    }
  });

  test('a single infinity is a bound, not a weight', () => {
    const bound = { name: 'w', dims: [], dataType: 1, floatData: [Number.POSITIVE_INFINITY] };
    expect(readWeights([bound])).toEqual(['float32', [Number.POSITIVE_INFINITY]]);
  });

  test('listed as inputs too (IR 3) are not inputs', () => {
    const bytes = rawModel(7, {
      node: [rawNode('Add', ['x', 'w'], ['y'])],
      initializer: [rawFloats('w', [2], [1, 2])],
      input: [rawValue('w', [2]), x],
      output: [y],
    });
    expect(readModel(bytes).inputs).toEqual([{ name: 'x', type: 'float32', shape: ['N', 2] }]);
  });
});

test('what the builder writes is read back', () => {
  const graph = new GraphBuilder({ precision: 'float64' });
  const input = graph.input('x', 'float64', ['N', 3, 'H']);
  graph.output(graph.op('Elu', [graph.transpose(input, [0, 2, 1])], { alpha: 0.5 }, { outputs: ['h'] }), 'y');
  const model = readModel(graph.toBytes());
  expect(model.opset).toBe(17);
  expect(model.inputs).toEqual([{ name: 'x', type: 'float64', shape: ['N', 3, 'H'] }]);
  expect(model.outputs).toEqual([{ name: 'y', type: 'float64', shape: ['N', 'H', 3] }]);
  expect(model.nodes.map(({ op, attributes }) => [op, attributes])).toEqual([
    ['Transpose', { perm: [0, 2, 1] }],
    ['Elu', { alpha: 0.5 }],
  ]);
});

describe('what only the outputs do not need, or what stands in another order, does no harm', () => {
  const [a, b] = [rawNode('Neg', ['x'], ['h']), rawNode('Abs', ['h'], ['y'])];

  test('nodes out of order', () => {
    const model = readModel(rawModel(17, { node: [b, a], input: [x], output: [y] }));
    expect(model.nodes.map(({ op }) => op)).toEqual(['Neg', 'Abs']);
  });

  test('an output of unsupported operators beside the scores', () => {
    const label = rawNode('StringNormalizer', ['x'], ['label']);
    const model = readModel(rawModel(17, { node: [label, a, b], input: [x], output: [rawValue('label', ['N']), y] }));
    expect(model.outputs.map(({ name }) => name)).toEqual(['y']);
    expect(model.nodes.map(({ op }) => op)).toEqual(['Neg', 'Abs']);
  });

  test('one output, or a value inside, by name', () => {
    const bytes = rawModel(17, { node: [a, b], input: [x], output: [y] });
    expect(readModel(bytes, { output: 'h' }).nodes.map(({ op }) => op)).toEqual(['Neg']);
    expect(() => readModel(bytes, { output: 'z' })).toThrow(
      'Expected the name of an output but the model has no "z"; its outputs are "y"',
    );
  });

  test('inputs and weights that nothing reads', () => {
    const unread = { name: 'words', dims: [1n], dataType: 8 };
    const bytes = rawModel(17, { node: [a, b], input: [x, rawValue('mode', [])], initializer: [unread], output: [y] });
    expect(readModel(bytes).inputs.map(({ name }) => name)).toEqual(['x']);
  });

  test.each([9, 13])('a slice to the largest int64, opset %d', (opset) => {
    const most = 2n ** 63n - 1n;
    const old = rawNode('Slice', ['x'], ['y'], { starts: [1n], ends: [most], axes: [1n] });
    const slice = opset < 10 ? old : rawNode('Slice', ['x', 'from', 'to', 'axes'], ['y']);
    const initializer =
      opset < 10 ? [] : [rawInts('from', [1]), { ...rawInts('to', [0]), int64Data: [most] }, rawInts('axes', [1])];
    const model = readModel(
      rawModel(opset, { node: [slice], initializer, input: [x], output: [rawValue('y', ['N', 1])] }),
    );
    expect(model.outputs[0]?.shape).toEqual(['N', 1]);
  });

  test('a shape that no memory holds is one error', () => {
    const fill = rawNode('ConstantOfShape', ['sizes'], ['big']);
    const initializer = [{ ...rawInts('sizes', [0, 0]), int64Data: [2n ** 40n, 2n ** 22n] }];
    const bytes = rawModel(17, {
      node: [fill, rawNode('Add', ['x', 'big'], ['y'])],
      initializer,
      input: [x],
      output: [y],
    });
    expect(errorOf(bytes)).toMatchObject({ code: 'INVALID_MODEL' });
  });
});
