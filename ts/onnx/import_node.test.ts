import { describe, expect, test } from 'vitest';
import { GraphBuilder } from './graph_builder.ts';
import { importModel } from './import_model.ts';
import { SUPPORTED_OPS } from './import_node.ts';
import { readModel } from './read_model.ts';
import { expectClose } from './testing/gradient_check.ts';
import { runInOrt } from './testing/ort.ts';
import { randomSource, spacedTensor } from './testing/random.ts';
import { rawFloats, rawInts, rawModel, rawNode, rawValue } from './testing/raw_model.ts';

type Graph = Parameters<typeof rawModel>[1];
type Attributes = Parameters<typeof rawNode>[3];

interface OldModel {
  what: string;
  opset: number;
  op: string;
  shape: number[];
  attributes?: Attributes;
  initializer?: NonNullable<Graph['initializer']>;
  outputs?: string[];
}

const scalar = (name: string, value: number) => ({ name, dims: [], dataType: 1, floatData: [value] });
const channels = ['scale', 'bias', 'mean', 'var'].map((name, i) => rawFloats(name, [3], [0.5 + i, 1 + i, 2]));

/** Single nodes as exporters of each opset write them; ONNX Runtime runs the original and our opset 17 form. */
const MODELS: OldModel[] = [
  {
    what: 'Squeeze with axes as attribute',
    opset: 11,
    op: 'Squeeze',
    shape: [2, 1, 3, 1],
    attributes: { axes: [1n, -1n] },
  },
  {
    what: 'Unsqueeze with axes as attribute',
    opset: 11,
    op: 'Unsqueeze',
    shape: [2, 3],
    attributes: { axes: [0n, 2n] },
  },
  {
    what: 'ReduceSum with axes as attribute',
    opset: 11,
    op: 'ReduceSum',
    shape: [2, 3, 4],
    attributes: { axes: [1n], keepdims: 0n },
  },
  {
    what: 'ReduceSum with axes as input',
    opset: 13,
    op: 'ReduceSum',
    shape: [2, 3, 4],
    initializer: [rawInts('axes', [-1])],
  },
  {
    what: 'ReduceMean with axes as input',
    opset: 18,
    op: 'ReduceMean',
    shape: [2, 3, 4],
    initializer: [rawInts('axes', [1])],
    attributes: { keepdims: 0n },
  },
  {
    what: 'ReduceMean with no axes and noop',
    opset: 18,
    op: 'ReduceMean',
    shape: [2, 3],
    attributes: { noop_with_empty_axes: 1n },
  },
  { what: 'ReduceL1', opset: 13, op: 'ReduceL1', shape: [2, 3], attributes: { axes: [1n] } },
  { what: 'Clip with bounds as attributes', opset: 7, op: 'Clip', shape: [2, 5], attributes: { min: -0.5, max: 0.25 } },
  { what: 'Clip with an upper bound as attribute', opset: 7, op: 'Clip', shape: [2, 5], attributes: { max: 0.25 } },
  {
    what: 'Clip with bounds as inputs',
    opset: 12,
    op: 'Clip',
    shape: [2, 5],
    initializer: [scalar('lo', -0.5), scalar('hi', 0.25)],
  },
  { what: 'Dropout with ratio as attribute', opset: 10, op: 'Dropout', shape: [2, 5], attributes: { ratio: 0.3 } },
  { what: 'Dropout with ratio as input', opset: 13, op: 'Dropout', shape: [2, 5], initializer: [scalar('ratio', 0.3)] },
  {
    what: 'Slice with attributes',
    opset: 9,
    op: 'Slice',
    shape: [4, 5],
    attributes: { starts: [1n, 0n], ends: [3n, -1n] },
  },
  {
    what: 'Slice with attributes and axes',
    opset: 9,
    op: 'Slice',
    shape: [4, 5],
    attributes: { starts: [1n], ends: [3n], axes: [1n] },
  },
  {
    what: 'Pad with attributes',
    opset: 9,
    op: 'Pad',
    shape: [2, 3],
    attributes: { pads: [0n, 1n, 1n, 2n], value: 0.5 },
  },
  {
    what: 'Pad along given axes',
    opset: 18,
    op: 'Pad',
    shape: [2, 3],
    initializer: [rawInts('pads', [1, 2]), scalar('value', 0.5), rawInts('axes', [-1])],
  },
  {
    what: 'Split in equal parts',
    opset: 11,
    op: 'Split',
    shape: [2, 6],
    attributes: { axis: 1n },
    outputs: ['a', 'b', 'c'],
  },
  {
    what: 'Split with sizes as attribute',
    opset: 11,
    op: 'Split',
    shape: [2, 6],
    attributes: { axis: 1n, split: [2n, 4n] },
    outputs: ['a', 'b'],
  },
  {
    what: 'Split into a number of parts',
    opset: 18,
    op: 'Split',
    shape: [2, 7],
    attributes: { axis: 1n, num_outputs: 3n },
    outputs: ['a', 'b', 'c'],
  },
  { what: 'Softmax over the last axes as one', opset: 11, op: 'Softmax', shape: [2, 3, 4] },
  { what: 'Softmax along the last axis', opset: 11, op: 'Softmax', shape: [2, 3, 4], attributes: { axis: 2n } },
  {
    what: 'LogSoftmax over the last axes as one',
    opset: 9,
    op: 'LogSoftmax',
    shape: [2, 3, 4],
    attributes: { axis: 1n },
  },
  { what: 'Softmax along one axis', opset: 13, op: 'Softmax', shape: [2, 3, 4], attributes: { axis: 1n } },
  {
    what: 'BatchNormalization',
    opset: 7,
    op: 'BatchNormalization',
    shape: [2, 3, 4, 4],
    initializer: channels,
    attributes: { epsilon: 1e-3 },
  },
  {
    what: 'BatchNormalization with spatial',
    opset: 8,
    op: 'BatchNormalization',
    shape: [2, 3, 4, 4],
    initializer: channels,
  },
  {
    what: 'BatchNormalization',
    opset: 15,
    op: 'BatchNormalization',
    shape: [2, 3, 4, 4],
    initializer: channels,
    attributes: { training_mode: 0n },
  },
  {
    what: 'AveragePool without dilations',
    opset: 19,
    op: 'AveragePool',
    shape: [1, 2, 5, 5],
    attributes: { kernel_shape: [2n, 2n], dilations: [1n, 1n] },
  },
  {
    what: 'MaxPool',
    opset: 8,
    op: 'MaxPool',
    shape: [1, 2, 5, 5],
    attributes: { kernel_shape: [3n, 3n], strides: [2n, 2n] },
  },
  { what: 'GlobalMaxPool', opset: 9, op: 'GlobalMaxPool', shape: [1, 2, 5, 5] },
  {
    what: 'Sum of three',
    opset: 8,
    op: 'Sum',
    shape: [2, 3],
    initializer: [rawFloats('b', [3], [1, 2, 3]), scalar('c', 2)],
  },
  {
    what: 'Mean of three',
    opset: 8,
    op: 'Mean',
    shape: [2, 3],
    initializer: [rawFloats('b', [3], [1, 2, 3]), scalar('c', 2)],
  },
  {
    what: 'Max of three',
    opset: 12,
    op: 'Max',
    shape: [2, 3],
    initializer: [rawFloats('b', [3], [-1, 0, 3]), scalar('c', 0.1)],
  },
  { what: 'Min of one', opset: 12, op: 'Min', shape: [2, 3] },
  { what: 'Gelu', opset: 20, op: 'Gelu', shape: [2, 5] },
  { what: 'Gelu by tanh', opset: 20, op: 'Gelu', shape: [2, 5], attributes: { approximate: 'tanh' } },
  {
    what: 'LayerNormalization',
    opset: 17,
    op: 'LayerNormalization',
    shape: [2, 3, 4],
    attributes: { axis: -1n, epsilon: 1e-4 },
    initializer: [rawFloats('scale', [4], [1, 2, 3, 4]), rawFloats('bias', [4], [0, 1, 0, -1])],
  },
  {
    what: 'LayerNormalization over two axes, no bias',
    opset: 17,
    op: 'LayerNormalization',
    shape: [2, 3, 2],
    attributes: { axis: 1n },
    initializer: [rawFloats('scale', [3, 2], [1, 2, 3, 4, 5, 6])],
  },
  { what: 'Mish', opset: 18, op: 'Mish', shape: [2, 5] },
  { what: 'Selu', opset: 13, op: 'Selu', shape: [2, 5] },
  { what: 'Softsign', opset: 13, op: 'Softsign', shape: [2, 5] },
  { what: 'Flatten of a negative axis', opset: 11, op: 'Flatten', shape: [2, 3, 4], attributes: { axis: -1n } },
  { what: 'Cast of double', opset: 9, op: 'Cast', shape: [2, 3], attributes: { to: 1n } },
];

function bytesOf({
  op,
  opset,
  shape,
  attributes,
  initializer = [],
  outputs = ['y'],
}: OldModel): Uint8Array<ArrayBuffer> {
  return rawModel(opset, {
    node: [rawNode(op, ['x', ...initializer.map(({ name }) => name ?? '')], outputs, attributes)],
    initializer,
    input: [rawValue('x', shape)],
    output: outputs.map((name) => ({ name, type: { value: { case: 'tensorType', value: { elemType: 1 } } } })),
  });
}

describe('nodes of other opsets mean the same at opset 17', () => {
  test.each(MODELS)('opset $opset: $what', async (old) => {
    const bytes = bytesOf(old);
    const model = readModel(bytes);
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', old.shape);
    const values = importModel(graph, model, new Map([['x', x]]));
    for (const { name } of model.outputs) {
      const value = values.get(name);
      if (value) graph.output(value, name);
    }
    const feeds = { x: spacedTensor(old.shape, randomSource(2), -1, 1) };
    const expected = await runInOrt(bytes, feeds);
    const actual = await runInOrt(graph.toBytes(), feeds);
    expect(Object.keys(actual)).toEqual(old.outputs ?? ['y']);
    for (const [name, tensor] of Object.entries(expected)) {
      expectClose(actual[name], tensor, 1e-6, name);
      expect(model.values.get(name)?.shape).toEqual(tensor.shape);
    }
  });

  test('Constant in its forms', () => {
    const constants: [string, Attributes, unknown][] = [
      ['value', { value: rawFloats('', [2], [1, 2]) }, [1, 2]],
      ['value_float', { value_float: 0.5 }, [0.5]],
      ['value_floats', { value_floats: [1, 2] }, [1, 2]],
    ];
    for (const [, attributes, expected] of constants) {
      const bytes = rawModel(13, {
        node: [rawNode('Constant', [], ['c'], attributes), rawNode('Add', ['x', 'c'], ['y'])],
        input: [rawValue('x', [1])],
        output: [rawValue('y', [1])],
      });
      const graph = new GraphBuilder();
      const values = importModel(graph, readModel(bytes), new Map([['x', graph.input('x', 'float32', [1])]]));
      expect([...(values.get('c')?.constant?.data ?? [])]).toEqual(expected);
    }
  });

  test.each([
    [
      {
        what: '',
        opset: 8,
        op: 'BatchNormalization',
        shape: [2, 3, 4],
        initializer: channels,
        attributes: { spatial: 0n },
      },
      /spatial = 0 is not supported/,
    ],
  ] as [OldModel, RegExp][])('refused: %o', (old, message) => {
    expect(() => readModel(bytesOf(old))).toThrow(message);
  });

  test('the operators of common image classifiers are supported', () => {
    expect(SUPPORTED_OPS).toEqual(
      expect.arrayContaining(
        (
          'Gemm MatMul Add Sub Mul Div Neg Pow Sqrt Exp Log Sigmoid Tanh Relu LeakyRelu Softmax LogSoftmax ReduceSum ReduceMean ' +
          'ReduceMax Reshape Flatten Transpose Squeeze Unsqueeze Concat Slice Clip Identity Dropout Conv MaxPool AveragePool ' +
          'GlobalAveragePool BatchNormalization Constant'
        ).split(' '),
      ),
    );
  });
});
