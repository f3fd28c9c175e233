import { describe, expect, test } from 'vitest';
import { readModel } from '../read_model.ts';
import { checkImport, type ImportCase, node, wave } from '../testing/import_check.ts';
import { rawFloats, rawInts, rawModel, rawNode, rawValue } from '../testing/raw_model.ts';

type Graph = Parameters<typeof rawModel>[1];
type Nodes = NonNullable<Graph['node']>;
type Initializers = NonNullable<Graph['initializer']>;

const scalar = (name: string, value: number) => ({ name, dims: [], dataType: 1, floatData: [value] });
const bytes = (name: string, values: number[], dims = [values.length], dataType = 2) => ({
  name,
  dims: dims.map(BigInt),
  dataType,
  int32Data: values,
});
const microsoft = (made: ReturnType<typeof rawNode>) => ({ ...made, domain: 'com.microsoft' });
/** From -60 to 60: products of larger ones saturate in 16 bits on processors without instructions for them. */
const weights = (count: number) => wave(count, 2).map((value) => Math.round(60 * value));

const NORMALIZATIONS: ImportCase[] = [
  {
    what: 'InstanceNormalization',
    opset: 13,
    shape: [2, 3, 4, 5],
    nodes: [node('InstanceNormalization', ['x', 's', 'b'], { epsilon: 1e-3 })],
    constants: [rawFloats('s', [3], [1, 2, 3]), rawFloats('b', [3], [0, 1, -1])],
  },
  {
    what: 'BatchNormalization in training mode, of weights',
    opset: 15,
    shape: [2, 3],
    nodes: [
      rawNode('BatchNormalization', ['w', 's', 'b', 'm', 'v'], ['standardised', 'mean', 'variance'], {
        training_mode: 1n,
        epsilon: 1e-3,
      }),
      node('MatMul', ['x', 'standardised']),
    ],
    constants: [
      rawFloats('w', [1, 3, 4], wave(12)),
      ...['s', 'b', 'm', 'v'].map((name, i) => rawFloats(name, [3], [1 + i, 2 + i, 3 + i])),
    ],
  },
  {
    what: 'GroupNormalization, scale for each channel',
    opset: 21,
    shape: [2, 4, 3, 3],
    nodes: [node('GroupNormalization', ['x', 's', 'b'], { num_groups: 2n })],
    constants: [rawFloats('s', [4], [1, 2, 3, 4]), rawFloats('b', [4], [0, 1, -1, 2])],
  },
  {
    what: 'LpNormalization, p 2',
    opset: 13,
    shape: [2, 5],
    nodes: [node('LpNormalization', ['x'], { axis: 1n, p: 2n })],
  },
  { what: 'LpNormalization, p 1', opset: 13, shape: [2, 5], nodes: [node('LpNormalization', ['x'], { p: 1n })] },
  {
    what: 'MeanVarianceNormalization of each image',
    opset: 13,
    shape: [2, 3, 4, 4],
    nodes: [node('MeanVarianceNormalization', ['x'], { axes: [2n, 3n] })],
  },
  {
    what: 'SkipLayerNormalization',
    opset: 17,
    shape: [2, 3, 4],
    nodes: [microsoft(node('SkipLayerNormalization', ['x', 'skip', 'g', 'b', 'c'], { epsilon: 1e-3 }))],
    constants: [
      rawFloats('skip', [2, 3, 4], wave(24)),
      rawFloats('g', [4], [1, 2, 3, 4]),
      rawFloats('b', [4], [0, 1, 2, 3]),
      rawFloats('c', [4], [1, 0, 1, 0]),
    ],
  },
];

const RESIZES: ImportCase[] = [];
for (const coordinates of ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel']) {
  for (const mode of ['linear', 'nearest', 'cubic']) {
    for (const scales of [
      [1, 1, 2, 2],
      [1, 1, 1.5, 0.6],
    ]) {
      RESIZES.push({
        what: `Resize ${mode}, ${coordinates}, by ${scales.slice(2).join(' and ')}`,
        opset: 13,
        shape: [1, 2, 5, 6],
        nodes: [node('Resize', ['x', '', 's'], { mode, coordinate_transformation_mode: coordinates })],
        constants: [rawFloats('s', [4], scales)],
      });
    }
  }
}
RESIZES.push(
  {
    what: 'Resize to sizes',
    opset: 19,
    shape: [2, 2, 4, 5],
    nodes: [node('Resize', ['x', '', '', 's'], { mode: 'linear' })],
    constants: [rawInts('s', [2, 2, 7, 3])],
  },
  {
    what: 'Resize to sizes of the last axes alone',
    opset: 18,
    shape: [2, 2, 4, 5],
    nodes: [node('Resize', ['x', '', '', 's'], { mode: 'nearest', nearest_mode: 'floor', axes: [2n, 3n] })],
    constants: [rawInts('s', [8, 10])],
  },
  {
    what: 'Upsample',
    opset: 9,
    shape: [1, 2, 3, 3],
    nodes: [node('Upsample', ['x', 's'], { mode: 'nearest' })],
    constants: [rawFloats('s', [4], [1, 1, 2, 3])],
  },
  {
    what: 'Upsample with scales as attribute',
    opset: 7,
    shape: [1, 2, 3, 3],
    nodes: [node('Upsample', ['x'], { mode: 'nearest', scales: [1, 1, 2, 2] })],
  },
  {
    what: 'Resize before opset 11',
    opset: 10,
    shape: [1, 1, 3, 4],
    nodes: [node('Resize', ['x', 's'], { mode: 'linear' })],
    constants: [rawFloats('s', [4], [1, 1, 2, 2])],
  },
);

const REARRANGEMENTS: ImportCase[] = [
  { what: 'DepthToSpace', opset: 13, shape: [2, 8, 2, 3], nodes: [node('DepthToSpace', ['x'], { blocksize: 2n })] },
  {
    what: 'DepthToSpace, columns first',
    opset: 13,
    shape: [2, 8, 2, 3],
    nodes: [node('DepthToSpace', ['x'], { blocksize: 2n, mode: 'CRD' })],
  },
  { what: 'SpaceToDepth', opset: 13, shape: [2, 3, 4, 6], nodes: [node('SpaceToDepth', ['x'], { blocksize: 2n })] },
  {
    what: 'Tile',
    opset: 13,
    shape: [1, 2, 3],
    nodes: [node('Tile', ['x', 'r'])],
    constants: [rawInts('r', [1, 3, 2])],
  },
  {
    what: 'Trilu, upper',
    opset: 14,
    shape: [2, 3, 4],
    nodes: [node('Trilu', ['x', 'k'])],
    constants: [{ name: 'k', dims: [], dataType: 7, int64Data: [1n] }],
  },
  { what: 'Trilu, lower', opset: 14, shape: [3, 4], nodes: [node('Trilu', ['x'], { upper: 0n })] },
  {
    what: 'CumSum',
    opset: 14,
    shape: [2, 3, 4],
    nodes: [node('CumSum', ['x', 'a'])],
    constants: [{ name: 'a', dims: [], dataType: 6, int32Data: [1] }],
  },
  {
    what: 'CumSum, exclusive and reversed',
    opset: 14,
    shape: [2, 4],
    nodes: [node('CumSum', ['x', 'a'], { exclusive: 1n, reverse: 1n })],
    constants: [{ name: 'a', dims: [], dataType: 6, int32Data: [1] }],
  },
  {
    what: 'a range that is added',
    opset: 13,
    shape: [2, 4],
    nodes: [node('Range', ['a', 'b', 'c'], {}, 'r'), node('Add', ['x', 'r'])],
    constants: [scalar('a', 1), scalar('b', 9), scalar('c', 2)],
  },
  {
    what: 'a mask from a range of int64',
    opset: 13,
    shape: [2, 4],
    nodes: [
      node('Range', ['a', 'b', 'c'], {}, 'r'),
      node('Less', ['r', 'two'], {}, 'm'),
      node('Where', ['m', 'x', 'zero']),
    ],
    constants: [0n, 4n, 1n, 2n]
      .map((value, i) => ({
        name: ['a', 'b', 'c', 'two'][i] as string,
        dims: [],
        dataType: 7,
        int64Data: [value],
      }))
      .concat([scalar('zero', 0) as never]),
  },
  {
    what: 'CastLike and Size',
    opset: 15,
    shape: [2, 4],
    nodes: [node('Size', ['x'], {}, 'n'), node('CastLike', ['n', 'x'], {}, 'f'), node('Div', ['x', 'f'])],
  },
  {
    what: 'OneHot of ArgMin',
    opset: 13,
    shape: [3, 4],
    nodes: [
      node('ArgMin', ['x'], { axis: 1n, keepdims: 0n }, 'i'),
      node('OneHot', ['i', 'd', 'v'], {}, 'h'),
      node('Mul', ['x', 'h']),
    ],
    constants: [rawInts('d', [4]), rawFloats('v', [2], [0.5, 2])],
  },
];

const ACTIVATIONS: ImportCase[] = [
  { what: 'Celu', opset: 12, shape: [2, 5], nodes: [node('Celu', ['x'], { alpha: 0.5 })] },
  { what: 'ThresholdedRelu', opset: 10, shape: [2, 5], nodes: [node('ThresholdedRelu', ['x'], { alpha: 0.2 })] },
  { what: 'Shrink', opset: 9, shape: [2, 5], nodes: [node('Shrink', ['x'], { lambd: 0.3, bias: 0.1 })] },
  {
    what: 'Mod by truncation',
    opset: 13,
    shape: [2, 5],
    nodes: [node('Mod', ['x', 'd'], { fmod: 1n })],
    constants: [scalar('d', 0.3)],
  },
  { what: 'Gelu of com.microsoft', opset: 17, shape: [2, 5], nodes: [microsoft(node('Gelu', ['x']))] },
  {
    what: 'BiasGelu',
    opset: 17,
    shape: [2, 5],
    nodes: [microsoft(node('BiasGelu', ['x', 'b']))],
    constants: [rawFloats('b', [5], wave(5))],
  },
  { what: 'FastGelu', opset: 17, shape: [2, 5], nodes: [microsoft(node('FastGelu', ['x']))], tolerance: 1e-4 },
  { what: 'QuickGelu', opset: 17, shape: [2, 5], nodes: [microsoft(node('QuickGelu', ['x'], { alpha: 1.702 }))] },
  {
    what: 'FusedConv',
    opset: 17,
    shape: [1, 2, 5, 5],
    nodes: [
      microsoft(
        node('FusedConv', ['x', 'w', 'b'], {
          activation: 'LeakyRelu',
          activation_params: [0.1],
          kernel_shape: [3n, 3n],
        }),
      ),
    ],
    constants: [rawFloats('w', [3, 2, 3, 3], wave(54)), rawFloats('b', [3], wave(3))],
  },
  {
    what: 'FusedGemm',
    opset: 17,
    shape: [2, 4],
    nodes: [microsoft(node('FusedGemm', ['x', 'w', 'b'], { activation: 'Relu', transB: 1n }))],
    constants: [rawFloats('w', [3, 4], wave(12)), rawFloats('b', [3], wave(3))],
  },
  {
    what: 'FusedMatMul',
    opset: 17,
    shape: [2, 3, 4],
    nodes: [microsoft(node('FusedMatMul', ['x', 'w'], { alpha: 0.5, transB: 1n }))],
    constants: [rawFloats('w', [2, 5, 4], wave(40))],
  },
];

const QUANTIZED: ImportCase[] = [
  {
    what: 'QuantizeLinear and DequantizeLinear',
    opset: 13,
    shape: [2, 50],
    nodes: [node('QuantizeLinear', ['x', 's', 'z'], {}, 'q'), node('DequantizeLinear', ['q', 's', 'z'])],
    constants: [scalar('s', 0.01), bytes('z', [100], [])],
  },
  {
    what: 'int8, for each channel',
    opset: 13,
    shape: [2, 3, 8],
    nodes: [
      node('QuantizeLinear', ['x', 's', 'z'], { axis: 1n }, 'q'),
      node('DequantizeLinear', ['q', 's', 'z'], { axis: 1n }),
    ],
    constants: [rawFloats('s', [3], [0.01, 0.02, 0.005]), bytes('z', [0, 3, -5], [3], 3)],
  },
  {
    what: 'weights of int8 behind DequantizeLinear',
    opset: 13,
    shape: [2, 4],
    nodes: [node('DequantizeLinear', ['w', 's', 'z'], { axis: 1n }, 'd'), node('MatMul', ['x', 'd'])],
    constants: [
      bytes('w', weights(12), [4, 3], 3),
      rawFloats('s', [3], [0.1, 0.2, 0.3]),
      bytes('z', [0, 1, 2], [3], 3),
    ],
    // ONNX Runtime computes such products with eight bits itself.
    tolerance: 0.02,
  },
  {
    what: 'QLinearConv with a bias, for each channel',
    opset: 13,
    shape: [1, 2, 5, 5],
    nodes: [
      node('QuantizeLinear', ['x', 's', 'z'], {}, 'q'),
      rawNode('QLinearConv', ['q', 's', 'z', 'w', 'ws', 'wz', 'ys', 'yz', 'b'], ['c'], { pads: [1n, 1n, 1n, 1n] }),
      node('DequantizeLinear', ['c', 'ys', 'yz']),
    ],
    constants: [
      scalar('s', 0.01),
      bytes('z', [128], []),
      bytes('w', weights(54), [3, 2, 3, 3], 3),
      rawFloats('ws', [3], [0.01, 0.02, 0.015]),
      bytes('wz', [0, 0, 0], [3], 3),
      scalar('ys', 0.05),
      bytes('yz', [120], []),
      { name: 'b', dims: [3n], dataType: 6, int32Data: [100, -2000, 3000] },
    ],
    tolerance: 0.0501,
  },
  {
    what: 'QLinearMatMul',
    opset: 13,
    shape: [2, 4],
    nodes: [
      node('QuantizeLinear', ['x', 's', 'z'], {}, 'q'),
      rawNode('QLinearMatMul', ['q', 's', 'z', 'w', 'ws', 'wz', 'ys', 'yz'], ['c']),
      node('DequantizeLinear', ['c', 'ys', 'yz']),
    ],
    constants: [
      scalar('s', 0.01),
      bytes('z', [128], []),
      bytes(
        'w',
        weights(12).map((value) => value + 128),
        [4, 3],
      ),
      scalar('ws', 0.02),
      bytes('wz', [128], []),
      scalar('ys', 0.04),
      bytes('yz', [110], []),
    ],
    tolerance: 0.0401,
  },
  {
    what: 'DynamicQuantizeLinear and MatMulInteger, one image',
    opset: 13,
    shape: [1, 4],
    nodes: [
      rawNode('DynamicQuantizeLinear', ['x'], ['q', 's', 'z']),
      node('MatMulInteger', ['q', 'w', 'z', 'wz'], {}, 'i'),
      node('Cast', ['i'], { to: 1n }, 'f'),
      node('Mul', ['s', 'ws'], {}, 't'),
      node('Mul', ['f', 't']),
    ],
    constants: [
      bytes(
        'w',
        weights(12).map((value) => value + 128),
        [4, 3],
      ),
      bytes('wz', [128], []),
      scalar('ws', 0.02),
    ],
    tolerance: 0.03,
  },
  {
    what: 'QLinearAdd, QLinearSigmoid and QLinearGlobalAveragePool',
    opset: 13,
    shape: [1, 3, 4, 4],
    nodes: [
      node('QuantizeLinear', ['x', 's', 'z'], {}, 'q'),
      microsoft(rawNode('QLinearAdd', ['q', 's', 'z', 'q', 's', 'z', 'ys', 'yz'], ['a'])),
      microsoft(rawNode('QLinearSigmoid', ['a', 'ys', 'yz', 'ps', 'pz'], ['g'])),
      microsoft(rawNode('QLinearGlobalAveragePool', ['g', 'ps', 'pz', 'ps', 'pz'], ['p'])),
      node('DequantizeLinear', ['p', 'ps', 'pz']),
    ],
    constants: [
      scalar('s', 0.01),
      bytes('z', [128], []),
      scalar('ys', 0.02),
      bytes('yz', [128], []),
      scalar('ps', 1 / 256),
      bytes('pz', [0], []),
    ],
    tolerance: 0.0041,
  },
];

const CASES = [...NORMALIZATIONS, ...RESIZES, ...REARRANGEMENTS, ...ACTIVATIONS, ...QUANTIZED];

describe('written out in operators of opset 17, they compute what ONNX Runtime does', () => {
  test.each(CASES)('opset $opset: $what', checkImport);
});

describe('what couples images, or is not known, is refused by name', () => {
  const read =
    (nodes: Nodes, constants: Initializers = []) =>
    () =>
      readModel(
        rawModel(17, {
          node: nodes,
          initializer: constants,
          input: [rawValue('x', ['N', 2, 4, 4])],
          output: [rawValue('y', ['N', 2, 4, 4])],
        }),
      );

  test('what is the same for all images may be repeated as often as there are', () => {
    const model = read(
      [
        node('Shape', ['x'], { end: 1n }, 'images'),
        node('Concat', ['images', 'one', 'one', 'one'], { axis: 0n }, 'repeats'),
        node('Tile', ['mask', 'repeats'], {}, 'masks'),
        node('Mul', ['x', 'masks']),
      ],
      [rawInts('one', [1]), rawFloats('mask', [1, 1, 4, 4], wave(16))],
    )();
    expect(model.values.get('masks')?.shape).toEqual(['N', 1, 4, 4]);
  });

  test.each<[string, () => unknown, RegExp]>([
    ['a mean over the batch', read([node('MeanVarianceNormalization', ['x'])]), /couples the images of a batch/],
    [
      'a repeated batch',
      read([node('Tile', ['x', 'r'])], [rawInts('r', [2, 1, 1, 1])]),
      /the batch cannot be repeated/,
    ],
    [
      'images repeated by their number',
      read(
        [
          node('Shape', ['x'], { end: 1n }, 'n'),
          node('Concat', ['n', 'one', 'one', 'one'], { axis: 0n }, 'r'),
          node('Tile', ['x', 'r']),
        ],
        [rawInts('one', [1])],
      ),
      /axis 0 of size N is repeated N times/,
    ],
    [
      'images normalised by their batch',
      read(
        [node('BatchNormalization', ['x', 's', 's', 's', 's'], { training_mode: 1n })],
        [rawFloats('s', [2], [1, 1])],
      ),
      /training mode is not supported/,
    ],
    [
      'a repetition out of all proportion',
      read([node('Tile', ['x', 'r'])], [rawInts('r', [1, 2 ** 40, 1, 1])]),
      /asks for 1099511627776 numbers, where at most 65536 are written out/,
    ],
    [
      'a range out of all proportion',
      read(
        [node('Range', ['a', 'b', 'c'], {}, 'r'), node('Add', ['x', 'r'])],
        [rawFloats('a', [], [0]), rawFloats('b', [], [1e30]), rawFloats('c', [], [1])],
      ),
      /asks for 1\.\d+e\+30 numbers/,
    ],
    [
      'cropping',
      read(
        [node('Resize', ['x', 'r', 's'], { coordinate_transformation_mode: 'tf_crop_and_resize' })],
        [rawFloats('r', [8], wave(8)), rawFloats('s', [4], [1, 1, 2, 2])],
      ),
      /cropping is not supported/,
    ],
    [
      'groups that do not fit',
      read([node('GroupNormalization', ['x', 's', 's'], { num_groups: 3n })], [rawFloats('s', [2], [1, 1])]),
      /2 channels make no 3 groups/,
    ],
  ])('%s', (_what, reading, message) => {
    expect(reading).toThrow(message);
  });
});
