import { describe, test } from 'vitest';
import { checkImport, checkImportGradient, type ImportCase, node, wave, weights } from '../testing/import_check.ts';
import { rawFloats, rawInts, rawNode } from '../testing/raw_model.ts';

type Attributes = Parameters<typeof rawNode>[3];

const window = (op: string, opset: number, shape: number[], attributes: Attributes): ImportCase => ({
  what: `${op} ${JSON.stringify(attributes, (_key, value) => (typeof value === 'bigint' ? Number(value) : value))}`,
  opset,
  shape,
  nodes: [node(op, ['x'], attributes)],
  tolerance: 5e-6,
});

const padded = (mode: string, pads: number[]): ImportCase => ({
  what: `Pad ${mode} [${pads.join()}]`,
  opset: 19,
  shape: [1, 2, 3, 4],
  nodes: [node('Pad', ['x', 'p'], { mode })],
  constants: [rawInts('p', pads)],
});

const transposed = (attributes: Attributes): ImportCase => ({
  ...window('ConvTranspose', 11, [1, 2, 3, 4], attributes),
  nodes: [node('ConvTranspose', ['x', 'w'], attributes)],
  constants: [weights('w', [2, 3, 3, 3])],
});

const WINDOWS: ImportCase[] = [
  window('AveragePool', 19, [1, 2, 7, 8], { kernel_shape: [2n, 3n], dilations: [2n, 2n], strides: [1n, 2n] }),
  window('AveragePool', 19, [1, 2, 7, 8], {
    ...{ kernel_shape: [2n, 2n], dilations: [2n, 1n], pads: [1n, 0n, 1n, 1n] },
    count_include_pad: 1n,
  }),
  window('LpPool', 18, [1, 2, 6, 6], { kernel_shape: [2n, 3n], strides: [2n, 1n], p: 2n }),
  window('LpPool', 11, [1, 2, 6, 6], { kernel_shape: [3n, 3n], p: 3n, pads: [1n, 1n, 1n, 1n] }),
  window('LpPool', 11, [1, 2, 6], { kernel_shape: [2n], p: 1n }),
  window('GlobalLpPool', 13, [1, 2, 3, 4], { p: 2n }),
  padded('reflect', [0, 0, 1, 2, 0, 0, 2, 1]),
  padded('edge', [0, 0, 2, 0, 0, 0, 0, 3]),
  padded('wrap', [0, 0, 1, 2, 0, 0, 2, 1]),
  { ...window('Pad', 9, [1, 2, 3, 4], { mode: 'reflect', pads: [0n, 0n, 1n, 1n, 0n, 0n, 1n, 1n] }) },
  transposed({ strides: [2n, 2n], output_shape: [7n, 9n] }),
  transposed({ strides: [2n, 2n], auto_pad: 'SAME_UPPER' }),
  transposed({ strides: [2n, 3n], auto_pad: 'SAME_LOWER' }),
  transposed({ strides: [2n, 2n], auto_pad: 'VALID' }),
  {
    what: 'Col2Im',
    opset: 18,
    shape: [1, 8, 12],
    nodes: [node('Col2Im', ['x', 'i', 'b'])],
    constants: [rawInts('i', [4, 5]), rawInts('b', [2, 2])],
  },
  {
    what: 'MaxPool and MaxUnpool',
    opset: 11,
    shape: [1, 2, 4, 6],
    nodes: [
      rawNode('MaxPool', ['x'], ['p', 'i'], { kernel_shape: [2n, 2n], strides: [2n, 2n] }),
      node('MaxUnpool', ['p', 'i'], { kernel_shape: [2n, 2n], strides: [2n, 2n] }),
    ],
  },
];

const SAMPLING: ImportCase[] = [];
for (const mode of ['linear', 'nearest']) {
  for (const padding of ['zeros', 'border', 'reflection']) {
    for (const align of [0n, 1n]) {
      SAMPLING.push({
        what: `GridSample ${mode}, ${padding}, align ${align}`,
        opset: 20,
        shape: [2, 3, 4, 5],
        nodes: [node('GridSample', ['x', 'g'], { mode, padding_mode: padding, align_corners: align })],
        constants: [
          rawFloats(
            'g',
            [2, 3, 4, 2],
            wave(48, 2).map((v) => 1.3 * v),
          ),
        ],
      });
    }
  }
}
SAMPLING.push(
  {
    what: 'GridSample, by the grid',
    opset: 16,
    shape: [1, 3, 3, 2],
    nodes: [node('GridSample', ['i', 'x'], { mode: 'bilinear', padding_mode: 'border' })],
    constants: [weights('i', [1, 2, 5, 6])],
    range: [-0.9, 0.9],
  },
  {
    what: 'AffineGrid',
    opset: 20,
    shape: [2, 2, 3],
    nodes: [node('AffineGrid', ['x', 's'], { align_corners: 1n })],
    constants: [rawInts('s', [2, 3, 4, 5])],
  },
);

const CASES = [...WINDOWS, ...SAMPLING];

describe('windows and samples, written out in operators of opset 17', () => {
  test.each(CASES)('opset $opset: $what', checkImport);
});

describe('and their gradients are those of the file', () => {
  test.each(CASES)('opset $opset: $what', checkImportGradient);
});
