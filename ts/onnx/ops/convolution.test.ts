import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gradients } from '../gradients.ts';
import { GraphBuilder } from '../graph_builder.ts';
import type { Shape } from '../shape.ts';
import { checkGradient } from '../testing/gradient_check.ts';
import type { Value } from '../value.ts';

const geometry = fc.record({
  group: fc.integer({ min: 1, max: 3 }),
  inputsPerGroup: fc.integer({ min: 1, max: 2 }),
  outputsPerGroup: fc.integer({ min: 1, max: 2 }),
  kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  dilations: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  pads: fc.tuple(...([0, 1, 2, 3] as const).map(() => fc.integer({ min: 0, max: 2 }))),
  /** Beyond the reach of the kernel: any leftover of the stride. */
  extra: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
  bias: fc.boolean(),
  seed: fc.integer({ min: 1, max: 1e6 }),
});

const SETTINGS = { numRuns: 30, seed: 7 };

describe('Conv', () => {
  test('by input, weight and bias, for random groups, strides, dilations and pads', async () => {
    const property = fc.asyncProperty(geometry, async (drawn) => {
      const { group, inputsPerGroup, outputsPerGroup, kernel, strides, dilations, pads, extra, bias, seed } = drawn;
      const size = kernel.map((k, i) => (k - 1) * (dilations[i] ?? 1) + 1 + (extra[i] ?? 0));
      const outputs = group * outputsPerGroup;
      const inputs: Shape[] = [
        ['N', group * inputsPerGroup, ...size],
        [outputs, inputsPerGroup, ...kernel],
      ];
      if (bias) inputs.push([outputs]);
      await checkGradient({ inputs, seed, build: (g, xs) => g.op('Conv', xs, { group, strides, dilations, pads }) });
    });
    await fc.assert(property, SETTINGS);
  });

  test.each(['SAME_UPPER', 'SAME_LOWER', 'VALID'])('auto_pad %s', async (auto_pad) => {
    const inputs: Shape[] = [
      ['N', 2, 5, 6],
      [3, 2, 2, 3],
    ];
    await checkGradient({ inputs, build: (g, xs) => g.op('Conv', xs, { auto_pad, strides: [2, 2] }) });
  });

  test('of one spatial dimension', async () => {
    const inputs: Shape[] = [['N', 2, 7], [4, 1, 3], [4]];
    await checkGradient({ inputs, build: (g, xs) => g.op('Conv', xs, { group: 2, strides: [2], pads: [1, 0] }) });
  });

  test('group by group for webgpu, where one channel is made from several', async () => {
    const attributes = { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] };
    const inputs: Shape[] = [
      ['N', 2, 8, 7],
      [4, 1, 3, 3],
    ];
    await checkGradient({ inputs, target: 'webgpu', build: (g, xs) => g.op('Conv', xs, attributes) });
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['N', 2, 8, 7]);
    const y = graph.op('Conv', [x, graph.filled(1, [4, 1, 3, 3])], attributes);
    gradients(graph, y, [x], graph.input('c', 'float32', y.shape), { target: 'webgpu' });
    const transposed = graph.nodes.filter((node) => node.op === 'ConvTranspose');
    expect(transposed.map((node) => node.attributes['group'])).toEqual([1, 1]);
  });

  test.each([
    [{ pads: [1, 1, 1, 1] }, 'Conv'],
    [{ pads: [0, 2, 1, 0], dilations: [1, 2] }, 'Conv'],
    [{ pads: [0, 3, 1, 0] }, 'ConvTranspose'],
    [{ strides: [2, 1] }, 'ConvTranspose'],
  ])('by the input, with a constant weight of many channels: %o by %s', async (attributes, op) => {
    const data = Float32Array.from({ length: 3 * 16 * 9 }, (_, i) => Math.sin(i) / 4);
    const build = (g: GraphBuilder, [x]: Value[]): Value => {
      const w = g.precision === 'float64' ? Float64Array.from(data) : data;
      return g.op('Conv', [x, g.constant(w, [3, 16, 3, 3])], attributes);
    };
    await checkGradient({ inputs: [['N', 16, 4, 5]], build });
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['N', 16, 4, 5]);
    const y = build(graph, [x]);
    gradients(graph, y, [x], graph.input('c', 'float32', y.shape));
    expect(graph.nodes.map((node) => node.op)).toEqual(['Conv', op]);
  });

  test('by a constant weight', async () => {
    const inputs: Shape[] = [['N', 2, 4, 5]];
    const data = Float32Array.from({ length: 36 }, (_, i) => Math.sin(i));
    await checkGradient({
      inputs,
      build: (g, [x]) => {
        const w = g.precision === 'float64' ? Float64Array.from(data) : data;
        return g.op('Conv', [x, g.constant(w, [2, 2, 3, 3])], { pads: [1, 1, 0, 1] });
      },
    });
  });
});

describe('ConvTranspose', () => {
  test('by input, weight and bias, for random groups, strides, dilations and output padding', async () => {
    const property = fc.asyncProperty(geometry, async (drawn) => {
      const { group, inputsPerGroup, outputsPerGroup, kernel, strides, dilations, extra, bias, seed } = drawn;
      const size = kernel.map((k, i) => (k - 1) * (dilations[i] ?? 1) + 1);
      const output_padding = strides.map((stride, i) => Math.min(stride - 1, extra[i] ?? 0));
      const inputs: Shape[] = [
        ['N', group * inputsPerGroup, ...size],
        [group * inputsPerGroup, outputsPerGroup, ...kernel],
      ];
      if (bias) inputs.push([group * outputsPerGroup]);
      const attributes = { group, strides, dilations, output_padding, pads: [0, 0, 0, 0] };
      await checkGradient({ inputs, seed, build: (g, xs) => g.op('ConvTranspose', xs, attributes) });
    });
    await fc.assert(property, SETTINGS);
  });
});
