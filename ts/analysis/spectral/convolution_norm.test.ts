import { describe, expect, test } from 'vitest';
import { Random } from '../../base/random.ts';
import { type Convolution, completeConvolution } from './convolution_geometry.ts';
import { convolutionOperator } from './convolution_operator.ts';
import { circularConvolutionNorm } from './convolution_symbol.ts';
import { matrixOperator } from './linear_operator.ts';
import { operatorNorm } from './operator_norm.ts';

function drawn(given: Omit<Convolution, 'weights'>, seed = 1): Convolution {
  const random = new Random(seed);
  const count = (given.outputChannels * given.inputChannels * given.kernel[0] * given.kernel[1]) / (given.groups ?? 1);
  return { ...given, weights: Float32Array.from({ length: count }, () => random.normal()) };
}

interface Boundary {
  circular: boolean;
  pads?: readonly [number, number];
  outputSize: readonly [number, number];
}

/** The matrix of the layer, entry by entry from the definition: nothing in common with the code under test. */
function layerMatrix(convolution: Convolution, { circular, pads = [0, 0], outputSize }: Boundary) {
  const { weights, outputChannels, inputChannels, kernel, inputSize, strides, dilations, groups } =
    completeConvolution(convolution);
  const perGroup = inputChannels / groups;
  const rows = outputChannels * outputSize[0] * outputSize[1];
  const columns = inputChannels * inputSize[0] * inputSize[1];
  const matrix = new Float64Array(rows * columns);
  for (let d = 0; d < outputChannels; d++)
    for (let oy = 0; oy < outputSize[0]; oy++)
      for (let ox = 0; ox < outputSize[1]; ox++)
        for (let c = 0; c < perGroup; c++)
          for (let u = 0; u < kernel[0]; u++)
            for (let v = 0; v < kernel[1]; v++) {
              let y = oy * strides[0] + u * dilations[0] - pads[0];
              let x = ox * strides[1] + v * dilations[1] - pads[1];
              if (circular) {
                y = (y + 10 * inputSize[0]) % inputSize[0];
                x = (x + 10 * inputSize[1]) % inputSize[1];
              }
              if (y < 0 || x < 0 || y >= inputSize[0] || x >= inputSize[1]) continue;
              const channel = Math.floor(d / (outputChannels / groups)) * perGroup + c;
              const row = (d * outputSize[0] + oy) * outputSize[1] + ox;
              const at = row * columns + (channel * inputSize[0] + y) * inputSize[1] + x;
              const weight = weights[((d * perGroup + c) * kernel[0] + u) * kernel[1] + v] as number;
              matrix[at] = (matrix[at] ?? 0) + weight;
            }
  return { matrix, rows, columns };
}

function bruteForce(convolution: Convolution, boundary: Boundary): number {
  const { matrix, rows, columns } = layerMatrix(convolution, boundary);
  const { norm, verified } = operatorNorm(matrixOperator(matrix, rows, columns), { tolerance: 1e-9 });
  expect(verified).toBe(true);
  return norm;
}

const CIRCULAR: readonly (readonly [string, Omit<Convolution, 'weights'>])[] = [
  ['N = 8, Δ = 2', { outputChannels: 3, inputChannels: 2, kernel: [3, 3], inputSize: [8, 8], strides: [2, 2] }],
  [
    'N = 8, Δ = 4, an even kernel',
    { outputChannels: 2, inputChannels: 3, kernel: [4, 4], inputSize: [8, 8], strides: [4, 4] },
  ],
  ['no stride, N odd', { outputChannels: 4, inputChannels: 2, kernel: [3, 3], inputSize: [5, 5] }],
  ['oblong all over', { outputChannels: 2, inputChannels: 2, kernel: [1, 3], inputSize: [6, 8], strides: [3, 2] }],
  [
    'dilated',
    { outputChannels: 2, inputChannels: 2, kernel: [3, 2], inputSize: [8, 6], strides: [2, 1], dilations: [2, 3] },
  ],
  ['grouped', { outputChannels: 4, inputChannels: 4, kernel: [3, 3], inputSize: [6, 6], strides: [2, 2], groups: 2 }],
  ['depthwise', { outputChannels: 3, inputChannels: 3, kernel: [3, 3], inputSize: [6, 6], groups: 3 }],
  [
    'a kernel wider than the torus',
    { outputChannels: 1, inputChannels: 1, kernel: [5, 5], inputSize: [4, 4], strides: [2, 2] },
  ],
];

describe('circularConvolutionNorm', () => {
  test.each(CIRCULAR)('%s: the largest singular value of the brute-force matrix', (_, given) => {
    const convolution = drawn(given);
    const [strideY, strideX] = given.strides ?? [1, 1];
    const outputSize = [given.inputSize[0] / strideY, given.inputSize[1] / strideX] as const;
    const exact = bruteForce(convolution, { circular: true, outputSize });
    const { norm, torus } = circularConvolutionNorm(convolution);
    expect(Math.abs(norm / exact - 1)).toBeLessThan(1e-6);
    expect(torus).toEqual(given.inputSize);
  });

  test("the paper's printed Δ⁻² and N² is not the norm of a strided convolution", () => {
    const convolution = drawn({
      outputChannels: 3,
      inputChannels: 2,
      kernel: [3, 3],
      inputSize: [8, 8],
      strides: [2, 2],
    });
    const exact = bruteForce(convolution, { circular: true, outputSize: [4, 4] });
    const printed = circularConvolutionNorm(convolution, { reading: 'printed' }).norm;
    expect(Math.abs(printed / exact - 1)).toBeGreaterThan(0.2);
    // Frequencies over N² stay within 1/N of 0: there, Δ times the printed value is about ‖Σ w‖·Δ at most.
    expect(printed).toBeLessThan(exact);
  });

  test('known by hand: the identity, a subsampling, a mean, a difference', () => {
    const one = { outputChannels: 1, inputChannels: 1 } as const;
    const norm = (given: Omit<Convolution, 'outputChannels' | 'inputChannels'>): number =>
      circularConvolutionNorm({ ...one, ...given }).norm;
    expect(norm({ kernel: [1, 1], inputSize: [4, 4], weights: [1] })).toBeCloseTo(1, 9);
    expect(norm({ kernel: [1, 1], inputSize: [4, 4], strides: [2, 2], weights: [1] })).toBeCloseTo(1, 9);
    expect(norm({ kernel: [2, 2], inputSize: [4, 4], strides: [2, 2], weights: [1, 1, 1, 1] })).toBeCloseTo(2, 9);
    expect(norm({ kernel: [1, 2], inputSize: [4, 4], weights: [1, -1] })).toBeCloseTo(2, 9);
    // On three points the frequency π is missing: |1 − exp(2πi/3)| = √3.
    expect(norm({ kernel: [1, 2], inputSize: [1, 3], weights: [1, -1] })).toBeCloseTo(Math.sqrt(3), 9);
  });

  test('rounds the torus up to a multiple of the stride', () => {
    const convolution = drawn({
      outputChannels: 1,
      inputChannels: 1,
      kernel: [3, 3],
      inputSize: [7, 9],
      strides: [2, 4],
    });
    expect(circularConvolutionNorm(convolution).torus).toEqual([8, 12]);
  });

  test('says what does not fit', () => {
    const good = { outputChannels: 4, inputChannels: 2, kernel: [1, 1], inputSize: [4, 4] } as const;
    expect(() => circularConvolutionNorm({ ...good, weights: [1] })).toThrow(
      'Expected 8 values for weights but received 1',
    );
    expect(() => circularConvolutionNorm({ ...good, groups: 3, weights: [1] })).toThrow(
      'a divisor of 2 and 4 channels',
    );
    const infinite = [1, 2, 3, 4, 5, 6, 7, Number.POSITIVE_INFINITY];
    expect(() => circularConvolutionNorm({ ...good, weights: infinite })).toThrow(
      'Weight 7 of the convolution is Infinity',
    );
  });
});

describe('convolutionOperator', () => {
  const PADDED = [
    ['same padding', { outputChannels: 3, inputChannels: 2, kernel: [3, 3], inputSize: [6, 5] }, [1, 1], [6, 5]],
    [
      'stride 2, padding on one side more',
      { outputChannels: 2, inputChannels: 2, kernel: [3, 3], inputSize: [7, 6], strides: [2, 2] },
      [0, 1],
      [4, 3],
    ],
    [
      'a stride that leaves rows out',
      { outputChannels: 2, inputChannels: 1, kernel: [2, 2], inputSize: [7, 7], strides: [3, 3] },
      [0, 0],
      [2, 2],
    ],
    [
      'dilated and grouped',
      { outputChannels: 4, inputChannels: 2, kernel: [3, 2], inputSize: [6, 6], dilations: [2, 3], groups: 2 },
      [2, 1],
      [6, 5],
    ],
    [
      'padding beyond the kernel',
      { outputChannels: 1, inputChannels: 1, kernel: [1, 1], inputSize: [2, 2] },
      [2, 2],
      [6, 6],
    ],
  ] as const;

  test.each(PADDED)('%s: the same matrix as by definition, and its transpose', (_, given, padsBegin, outputSize) => {
    const convolution = drawn(given);
    const operator = convolutionOperator({ ...convolution, padsBegin, outputSize });
    const { matrix, rows, columns } = layerMatrix(convolution, { circular: false, pads: padsBegin, outputSize });
    const expected = matrixOperator(matrix, rows, columns);
    expect([operator.inputSize, operator.outputSize]).toEqual([columns, rows]);
    const random = new Random(5);
    const x = Float64Array.from({ length: columns }, () => random.normal());
    const y = Float64Array.from({ length: rows }, () => random.normal());
    const compare = (of: 'apply' | 'applyTransposed', input: Float64Array, size: number): void => {
      const ours = new Float64Array(size).fill(9);
      const theirs = new Float64Array(size);
      operator[of](input, ours);
      expected[of](input, theirs);
      ours.forEach((value, i) => {
        expect(value).toBeCloseTo(theirs[i] ?? Number.NaN, 10);
      });
    };
    compare('apply', x, rows);
    compare('applyTransposed', y, columns);
  });

  test('with zeros around, the norm is at most that on a torus which holds the padding', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const convolution = drawn({ outputChannels: 3, inputChannels: 2, kernel: [3, 3], inputSize: [6, 6] }, seed);
      const zero = operatorNorm(convolutionOperator({ ...convolution, padsBegin: [1, 1], outputSize: [6, 6] })).norm;
      expect(zero).toBeLessThanOrEqual(
        circularConvolutionNorm({ ...convolution, inputSize: [8, 8] }).norm * (1 + 1e-6),
      );
    }
  });

  test('a torus of the input size alone can lie below: difference of neighbours on three points', () => {
    const convolution = {
      outputChannels: 1,
      inputChannels: 1,
      kernel: [1, 2],
      inputSize: [1, 3],
      weights: [1, -1],
    } as const;
    const zero = operatorNorm(convolutionOperator({ ...convolution, padsBegin: [0, 1], outputSize: [1, 4] })).norm;
    expect(zero).toBeCloseTo(2 * Math.cos(Math.PI / 8), 9);
    expect(circularConvolutionNorm(convolution).norm).toBeCloseTo(Math.sqrt(3), 9);
  });
});
