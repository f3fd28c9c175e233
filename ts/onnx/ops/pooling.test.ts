import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gradients } from '../gradients.ts';
import { GraphBuilder } from '../graph_builder.ts';
import type { GraphTarget } from '../op_rule.ts';
import { checkGradient } from '../testing/gradient_check.ts';
import { runInOrt } from '../testing/ort.ts';
import { evaluate } from '../testing/reference_evaluator.ts';

const geometry = fc
  .record({
    kernel_shape: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    dilations: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    pads: fc.tuple(...([0, 1, 2, 3] as const).map(() => fc.integer({ min: 0, max: 1 }))),
    extra: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
    ceil_mode: fc.integer({ min: 0, max: 1 }),
    count_include_pad: fc.integer({ min: 0, max: 1 }),
    seed: fc.integer({ min: 1, max: 1e6 }),
  })
  // Padding must be smaller than the kernel, or a window sees nothing.
  .map((drawn) => ({
    ...drawn,
    pads: drawn.pads.map((pad, i) => Math.min(pad, (drawn.kernel_shape[i % 2] ?? 1) - 1)),
  }));

const SETTINGS = { numRuns: 40, seed: 11 };

describe.each(['cpu', 'webgpu'] as GraphTarget[])('MaxPool, form for %s', (target) => {
  test('random kernels, strides, dilations, pads and ceil_mode', async () => {
    const property = fc.asyncProperty(
      geometry,
      async ({ kernel_shape, strides, dilations, pads, extra, ceil_mode, seed }) => {
        const size = kernel_shape.map((k, i) => (k - 1) * (dilations[i] ?? 1) + 1 + (extra[i] ?? 0));
        const attributes = { kernel_shape, strides, dilations, pads, ceil_mode };
        await checkGradient({
          inputs: [['N', 2, ...size]],
          seed,
          target,
          build: (g, [x]) => g.op('MaxPool', [x], attributes),
        });
      },
    );
    await fc.assert(property, SETTINGS);
  });

  test('windows that tile the input', async () => {
    const attributes = { kernel_shape: [2, 3], strides: [2, 3] };
    await checkGradient({ inputs: [['N', 3, 4, 6]], target, build: (g, [x]) => g.op('MaxPool', [x], attributes) });
  });

  test('one spatial dimension', async () => {
    const attributes = { kernel_shape: [3], strides: [2] };
    await checkGradient({ inputs: [['N', 2, 8]], target, build: (g, [x]) => g.op('MaxPool', [x], attributes) });
  });

  const tied = async (strides: number[]): Promise<number[]> => {
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['N', 1, 4, 4]);
    const y = graph.op('MaxPool', [graph.op('Relu', [x])], { kernel_shape: [2, 2], strides });
    const relu = graph.nodes[0]?.outputs[0];
    const [dx] = relu ? gradients(graph, y, [relu], undefined, { target }) : [];
    if (dx) graph.output(dx, 'dx');
    const { dx: result } = await runInOrt(graph.toBytes(), {
      x: { shape: [1, 1, 4, 4], data: new Float64Array(16).fill(-1) },
    });
    return [...(result?.data ?? [])];
  };

  test('ties hand on each cotangent once: whole to one element on cpu, in equal shares for webgpu', async () => {
    const tiled = await tied([2, 2]);
    const overlapping = await tied([1, 1]);
    expect(tiled.reduce((a, b) => a + b)).toBeCloseTo(4, 5);
    expect(overlapping.reduce((a, b) => a + b)).toBeCloseTo(9, 5);
    if (target === 'cpu') expect(tiled.filter((value) => value === 1)).toHaveLength(4);
    else expect(tiled).toEqual(new Array(16).fill(0.25));
  });
});

describe('AveragePool', () => {
  test('random kernels, strides, pads, ceil_mode and count_include_pad', async () => {
    const property = fc.asyncProperty(
      geometry,
      async ({ kernel_shape, strides, pads, extra, ceil_mode, count_include_pad, seed }) => {
        const size = kernel_shape.map((k, i) => k + (extra[i] ?? 0));
        const attributes = { kernel_shape, strides, pads, ceil_mode, count_include_pad };
        await checkGradient({
          inputs: [['N', 2, ...size]],
          seed,
          build: (g, [x]) => g.op('AveragePool', [x], attributes),
        });
      },
    );
    await fc.assert(property, SETTINGS);
  });

  test('windows that tile the input are spread by one product', async () => {
    const attributes = { kernel_shape: [2, 3], strides: [2, 3] };
    await checkGradient({ inputs: [['N', 3, 4, 6]], build: (g, [x]) => g.op('AveragePool', [x], attributes) });
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['N', 3, 4, 6]);
    gradients(graph, graph.op('AveragePool', [x], attributes), [x], graph.input('c', 'float32', ['N', 3, 2, 2]));
    expect(graph.nodes.map((node) => node.op)).toEqual(['AveragePool', 'Reshape', 'Mul', 'Reshape']);
  });
});

test('MaxUnpool puts values back where MaxPool found them', () => {
  const graph = new GraphBuilder({ precision: 'float64' });
  const x = graph.input('x', 'float64', [1, 1, 2, 4]);
  const [y, indices] = graph.ops('MaxPool', [x], 2, { kernel_shape: [2, 2], strides: [2, 2] });
  const back = graph.op('MaxUnpool', [y, indices, graph.ints([1, 1, 2, 4])], { kernel_shape: [2, 2], strides: [2, 2] });
  graph.output(back, 'back');
  const { back: result } = evaluate(graph.toBytes(), {
    x: { shape: [1, 1, 2, 4], data: Float64Array.of(1, 2, 8, 7, 4, 3, 5, 6) },
  });
  expect([...(result?.data ?? [])]).toEqual([0, 0, 8, 0, 4, 0, 0, 0]);
});
