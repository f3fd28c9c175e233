import { describe, expect, test } from 'vitest';
import { readModel } from '../read_model.ts';
import { checkImport, checkImportGradient, type ImportCase, node, wave, weights } from '../testing/import_check.ts';
import { rawFloats, rawInts, rawModel, rawNode, rawValue } from '../testing/raw_model.ts';

type Attributes = Parameters<typeof rawNode>[3];

const of = (domain: string, made: ReturnType<typeof rawNode>) => ({ ...made, domain });
const microsoft = (made: ReturnType<typeof rawNode>) => of('com.microsoft', made);
const learn = (made: ReturnType<typeof rawNode>) => of('ai.onnx.ml', made);
const bools = (name: string, dims: number[], values: number[]) => ({
  ...{ name, dims: dims.map(BigInt), dataType: 9 },
  int32Data: values,
});

const ATTENTION: ImportCase[] = [
  {
    what: 'Attention, heads apart',
    opset: 23,
    shape: [2, 3, 4, 5],
    nodes: [node('Attention', ['x', 'k', 'v'])],
    constants: [weights('k', [2, 3, 6, 5]), weights('v', [2, 3, 6, 5], 2)],
  },
  {
    what: 'Attention, side by side, causal, fewer heads of keys, scaled',
    opset: 23,
    shape: [2, 4, 12],
    nodes: [node('Attention', ['x', 'k', 'v'], { q_num_heads: 4n, kv_num_heads: 2n, is_causal: 1n, scale: 0.3 })],
    constants: [weights('k', [2, 4, 6]), weights('v', [2, 4, 6], 2)],
  },
  {
    what: 'Attention, masked, softly capped',
    opset: 23,
    shape: [1, 2, 3, 4],
    nodes: [node('Attention', ['x', 'x', 'x', 'm'], { softcap: 2 })],
    constants: [weights('m', [3, 3])],
  },
  {
    what: 'a mask of 0 and -Infinity',
    opset: 17,
    shape: [1, 3, 3],
    nodes: [node('Add', ['x', 'm'], {}, 'masked'), node('Softmax', ['masked'], { axis: -1n })],
    constants: [rawFloats('m', [3, 3], [0, -Infinity, -Infinity, 0, 0, -Infinity, 0, 0, 0])],
  },
  {
    what: 'Attention of com.microsoft',
    opset: 17,
    shape: [2, 3, 8],
    nodes: [microsoft(node('Attention', ['x', 'w', 'b'], { num_heads: 2n }))],
    constants: [weights('w', [8, 24]), weights('b', [24], 2)],
  },
  {
    what: 'MultiHeadAttention of com.microsoft',
    opset: 17,
    shape: [2, 3, 8],
    nodes: [microsoft(node('MultiHeadAttention', ['x', 'k', 'v', 'b'], { num_heads: 2n }))],
    constants: [weights('k', [2, 5, 8]), weights('v', [2, 5, 8], 2), weights('b', [24], 3)],
  },
  {
    what: 'RotaryEmbedding',
    opset: 23,
    shape: [2, 3, 4, 8],
    nodes: [node('RotaryEmbedding', ['x', 'c', 's'])],
    constants: [weights('c', [2, 4, 4]), weights('s', [2, 4, 4], 2)],
  },
];

const equation = (text: string, shape: number[], ...others: number[][]): ImportCase => ({
  what: `Einsum ${text}`,
  opset: 13,
  shape,
  nodes: [node('Einsum', ['x', ...others.map((_, i) => `w${i}`)], { equation: text })],
  constants: others.map((dims, i) => weights(`w${i}`, dims, i + 1)),
});

const EINSUMS: ImportCase[] = [
  equation('ij,jk->ik', [2, 3], [3, 4]),
  equation('bij,bjk->bik', [2, 3, 4], [2, 4, 3]),
  equation('bhid,bhjd->bhij', [2, 2, 3, 4], [2, 2, 5, 4]),
  equation('...ij,...jk->...ik', [2, 3, 4], [2, 4, 3]),
  equation('ij->ji', [2, 3]),
  equation('ijk->i', [2, 3, 4]),
  equation('bi , bj , ij -> b', [2, 3], [2, 4], [3, 4]),
  equation('i,j->ij', [3], [4]),
  equation('bij,ij', [2, 3, 4], [3, 4]),
];

const recurrent = (
  op: string,
  gates: number,
  directions: number,
  attributes: NonNullable<Attributes>,
  at: number,
): ImportCase => {
  const [steps, batch, size, hidden] = [4, 2, 3, 5];
  const outputs = ['', '', ''].slice(0, at + 1);
  outputs[at] = 'y';
  const { peepholes, ...own } = attributes;
  return {
    what: `${op} ${JSON.stringify(own, (_key, value) => (typeof value === 'bigint' ? Number(value) : value))}, output ${at}${peepholes ? ', peepholes' : ''}`,
    opset: 14,
    shape: [steps, batch, size],
    nodes: [
      rawNode(
        op,
        ['x', 'w', 'r', 'b', '', 'h', ...(op === 'LSTM' ? ['c', ...(peepholes ? ['p'] : [])] : [])],
        outputs,
        { hidden_size: BigInt(hidden), ...own },
      ),
    ],
    constants: [
      weights('w', [directions, gates * hidden, size]),
      weights('r', [directions, gates * hidden, hidden], 2),
      weights('b', [directions, 2 * gates * hidden], 3),
      weights('h', [directions, batch, hidden], 4),
      ...(op === 'LSTM' ? [weights('c', [directions, batch, hidden], 5)] : []),
      ...(peepholes ? [weights('p', [directions, 3 * hidden], 6)] : []),
    ],
    tolerance: 1e-5,
  };
};

const RECURRENT: ImportCase[] = [
  recurrent('LSTM', 4, 1, {}, 0),
  recurrent('LSTM', 4, 2, { direction: 'bidirectional' }, 0),
  recurrent('LSTM', 4, 1, { direction: 'reverse' }, 1),
  recurrent('LSTM', 4, 1, { peepholes: 1n }, 2),
  recurrent('GRU', 3, 1, {}, 0),
  recurrent('GRU', 3, 2, { direction: 'bidirectional', linear_before_reset: 1n }, 1),
  recurrent('RNN', 1, 1, {}, 0),
  recurrent('RNN', 1, 1, { activations: ['Sigmoid'] }, 1),
];

const CLASSICAL: ImportCase[] = [
  ...['NONE', 'SOFTMAX', 'LOGISTIC'].map(
    (post_transform): ImportCase => ({
      what: `LinearClassifier of three, ${post_transform}`,
      opset: 15,
      shape: [2, 4],
      nodes: [
        learn(
          rawNode('LinearClassifier', ['x'], ['label', 'y'], {
            ...{ coefficients: wave(12), intercepts: wave(3), classlabels_ints: [0n, 1n, 2n], post_transform },
          }),
        ),
      ],
    }),
  ),
  {
    what: 'LinearClassifier of two, LOGISTIC',
    opset: 15,
    shape: [2, 4],
    nodes: [
      learn(
        rawNode('LinearClassifier', ['x'], ['label', 'y'], {
          ...{ coefficients: [...wave(4).map((v) => -v), ...wave(4)], intercepts: [-0.5, 0.5] },
          ...{ classlabels_ints: [0n, 1n], post_transform: 'LOGISTIC', multi_class: 1n },
        }),
      ),
    ],
  },
  {
    what: 'LinearRegressor',
    opset: 15,
    shape: [2, 4],
    nodes: [learn(node('LinearRegressor', ['x'], { coefficients: wave(8), intercepts: [1, 2], targets: 2n }))],
  },
  {
    what: 'Scaler',
    opset: 15,
    shape: [2, 3],
    nodes: [learn(node('Scaler', ['x'], { offset: [1, 2, 3], scale: [0.5, 2, 1] }))],
  },
  ...['MAX', 'L1', 'L2'].map(
    (norm): ImportCase => ({
      what: `Normalizer ${norm}`,
      opset: 15,
      shape: [2, 3],
      nodes: [learn(node('Normalizer', ['x'], { norm }))],
      range: [0.2, 2],
    }),
  ),
  {
    what: 'ArrayFeatureExtractor',
    opset: 15,
    shape: [2, 4],
    nodes: [learn(node('ArrayFeatureExtractor', ['x', 'i']))],
    constants: [rawInts('i', [2, 0])],
  },
];

const branch = (name: string, op: string, inputs: string[]) => ({
  ...{ name, node: [rawNode(op, inputs, [`${name}_out`])] },
  output: [rawValue(`${name}_out`, [2, 3])],
});
const choice = (condition: string): ReturnType<typeof rawNode> => ({
  ...{ opType: 'If', input: [condition], output: ['y'] },
  attribute: [
    { name: 'then_branch', type: 5, g: branch('then', 'Neg', ['x']) },
    { name: 'else_branch', type: 5, g: branch('else', 'Mul', ['x', 'w']) },
  ],
});
const SHAPES: ImportCase[] = [
  ...[0, 1].map(
    (value): ImportCase => ({
      what: `If ${value}`,
      opset: 16,
      shape: [2, 3],
      nodes: [choice('c')],
      constants: [bools('c', [], [value]), weights('w', [3])],
    }),
  ),
  {
    what: 'If a dimension is 3',
    opset: 16,
    shape: [2, 3],
    nodes: [
      node('Shape', ['x'], {}, 's'),
      node('Gather', ['s', 'one'], { axis: 0n }, 'd'),
      node('Equal', ['d', 'three'], {}, 'c'),
      choice('c'),
    ],
    constants: [
      { name: 'one', dims: [], dataType: 7, int64Data: [1n] },
      { name: 'three', dims: [], dataType: 7, int64Data: [3n] },
      weights('w', [3]),
    ],
  },
  {
    what: 'pads computed as PyTorch writes them',
    opset: 13,
    shape: [1, 2, 3, 4],
    nodes: [
      node('Reshape', ['p', 'two'], {}, 'pairs'),
      node('Slice', ['pairs', 'last', 'first', 'zero', 'last'], {}, 'reversed'),
      node('Transpose', ['reversed'], { perm: [1n, 0n] }, 'turned'),
      node('Reshape', ['turned', 'all'], {}, 'flat'),
      node('Cast', ['flat'], { to: 7n }, 'pads'),
      node('Pad', ['x', 'pads']),
    ],
    constants: [
      rawInts('p', [1, 2, 0, 1, 0, 0, 0, 0]),
      rawInts('two', [-1, 2]),
      rawInts('last', [-1]),
      rawInts('first', [-9_007_199_254_740_991]),
      rawInts('zero', [0]),
      rawInts('all', [-1]),
    ],
  },
  {
    what: 'a shape of which nothing is taken, joined to another',
    opset: 13,
    shape: [2, 6],
    nodes: [
      node('Shape', ['x'], {}, 's'),
      node('Slice', ['s', 'two', 'far', 'zero'], {}, 'none'),
      node('Slice', ['s', 'zero', 'one', 'zero'], {}, 'first'),
      node('Concat', ['first', 'pair', 'none'], { axis: 0n }, 'target'),
      node('Reshape', ['x', 'target'], {}, 'r'),
      node('Mul', ['r', 'r']),
    ],
    constants: [
      ...[rawInts('zero', [0]), rawInts('one', [1]), rawInts('two', [2]), rawInts('far', [9]), rawInts('pair', [3, 2])],
    ],
  },
  {
    what: 'Scatter',
    opset: 9,
    shape: [2, 4],
    nodes: [node('Scatter', ['x', 'i', 'u'], { axis: 1n })],
    constants: [{ name: 'i', dims: [2n, 1n], dataType: 7, int64Data: [1n, 3n] }, weights('u', [2, 1])],
  },
  {
    what: 'Mod of integers',
    opset: 13,
    shape: [2, 6],
    nodes: [node('Mod', ['a', 'b'], {}, 'm'), node('Cast', ['m'], { to: 1n }, 'f'), node('Add', ['x', 'f'])],
    constants: [rawInts('a', [-7, -3, 0, 5, 6, 7]), rawInts('b', [3, -2, 4, -3, 3, 2])],
  },
];

const SMOOTH = [...ATTENTION, ...EINSUMS, ...RECURRENT, ...CLASSICAL, ...SHAPES];

describe('written out in operators of opset 17, they compute what ONNX Runtime does', () => {
  test.each(SMOOTH)('opset $opset: $what', checkImport);
});

describe('and their gradients are those of the file', () => {
  test.each(SMOOTH)('opset $opset: $what', checkImportGradient);
});

test('an If whose condition depends on data is refused', () => {
  const file = rawModel(16, {
    node: [
      node('ReduceMax', ['x'], { keepdims: 0n }, 'm'),
      node('Greater', ['m', 'z'], {}, 'c'),
      { ...choice('c'), name: 'choice' },
    ],
    initializer: [{ name: 'z', dims: [], dataType: 1, floatData: [0] }, weights('w', [3])],
    input: [rawValue('x', [2, 3])],
    output: [rawValue('y', [2, 3])],
  });
  expect(() => readModel(file)).toThrow(/^If "choice": which branch is taken depends on data; export the model with/);
});
