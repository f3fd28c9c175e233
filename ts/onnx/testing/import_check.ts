/**
 * Checks what an operator becomes: the file as an exporter writes it, run by ONNX Runtime, against the graph it is imported to; and
 * the gradient of that graph against a difference of the file along the gradient.
 */
import { expect } from 'vitest';
import { gradients } from '../gradients.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { importModel } from '../import_model.ts';
import { readModel } from '../read_model.ts';
import { expectClose } from './gradient_check.ts';
import { runInOrt } from './ort.ts';
import { randomSource, spacedTensor } from './random.ts';
import { rawFloats, rawModel, rawNode, rawValue } from './raw_model.ts';
import type { ReferenceTensor } from './reference_tensor.ts';

type Graph = Parameters<typeof rawModel>[1];

export interface ImportCase {
  what: string;
  opset: number;
  /** Of the input x. */
  shape: number[];
  /** Of which one makes y. */
  nodes: NonNullable<Graph['node']>;
  constants?: NonNullable<Graph['initializer']>;
  /** Of a result: rounding that falls the other way moves a quantised value by a whole step. */
  tolerance?: number;
  /** Of x; default [-1, 1]. */
  range?: readonly [number, number];
}

/** Numbers in [-1, 1], never two alike in a row. */
export const wave = (count: number, step = 1): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(step * (i + 1)));

export function weights(name: string, dims: readonly number[], step = 1): ReturnType<typeof rawFloats> {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return rawFloats(name, dims, wave(count, step));
}

export const node = (
  op: string,
  inputs: string[],
  attributes: Parameters<typeof rawNode>[3] = {},
  output = 'y',
): ReturnType<typeof rawNode> => rawNode(op, inputs, [output], attributes);

function importCaseFile({ opset, shape, nodes, constants = [] }: ImportCase): Uint8Array<ArrayBuffer> {
  return rawModel(opset, {
    node: nodes,
    initializer: constants,
    input: [rawValue('x', shape)],
    output: [{ name: 'y', type: { value: { case: 'tensorType', value: { elemType: 1 } } } }],
  });
}

export async function checkImport(testCase: ImportCase): Promise<void> {
  const { shape, tolerance = 2e-6, range = [-1, 1] } = testCase;
  const file = importCaseFile(testCase);
  const graph = new GraphBuilder();
  const values = importModel(graph, readModel(file), new Map([['x', graph.input('x', 'float32', shape)]]));
  const y = values.get('y');
  if (!y) throw new Error('nothing makes y');
  graph.output(y, 'y');
  const feeds = { x: spacedTensor(shape, randomSource(2), ...range) };
  const { y: expected } = await runInOrt(file, feeds);
  const { y: actual } = await runInOrt(graph.toBytes(), feeds);
  if (!expected) throw new Error('ONNX Runtime gave no y');
  expectClose(actual, expected, tolerance, 'y');
  expect(y.shape).toEqual(expected.shape);
}

/** How far the point is moved, in the norm of the input: kinks are few within, and float32 tells the two ends apart. */
const STEP = 2e-3;
const TOLERANCE = 0.02;

/** The gradient of Σ c∘y, for a fixed c, against a central difference of the file itself along it. */
export async function checkImportGradient(testCase: ImportCase): Promise<void> {
  const { shape, range = [-1, 1] } = testCase;
  const file = importCaseFile(testCase);
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', shape);
  const y = importModel(graph, readModel(file), new Map([['x', x]])).get('y');
  if (!y) throw new Error('nothing makes y');
  const cotangent = graph.input('cotangent', 'float32', y.shape);
  const [gradient] = gradients(graph, y, [x], cotangent);
  if (!gradient) throw new Error('no gradient');
  graph.output(gradient, 'gradient');
  const point = spacedTensor(shape, randomSource(2), ...range);
  const weights = spacedTensor(y.shape as number[], randomSource(3), 0.25, 2);
  const { gradient: found } = await runInOrt(graph.toBytes(), { x: point, cotangent: weights });
  if (!found) throw new Error('ONNX Runtime gave no gradient');
  const norm = Math.hypot(...found.data);
  expect(norm, 'the gradient').toBeGreaterThan(0);
  const loss = async (step: number): Promise<number> => {
    const moved: ReferenceTensor = { shape, data: point.data.map((v, i) => v + (step * (found.data[i] ?? 0)) / norm) };
    const { y: value } = await runInOrt(file, { x: moved });
    return (value?.data ?? new Float64Array()).reduce((sum, v, i) => sum + v * (weights.data[i] ?? 0), 0);
  };
  const slope = ((await loss(STEP)) - (await loss(-STEP))) / (2 * STEP);
  expect(Math.abs(slope / norm - 1), 'relative error of the slope').toBeLessThan(TOLERANCE);
}
