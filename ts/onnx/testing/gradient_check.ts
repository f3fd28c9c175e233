/**
 * Checks the derivative of a piece of graph in two ways: (1) in float64 by the reference evaluator, against central
 * finite differences of the forward pass; (2) in float32 in ONNX Runtime, against the reference evaluator.
 */
import { expect } from 'vitest';
import type { FloatType } from '../element_type.ts';
import { gradients } from '../gradients.ts';
import { GraphBuilder } from '../graph_builder.ts';
import { neededNodes } from '../import_model.ts';
import type { GraphTarget } from '../op_rule.ts';
import { readModel } from '../read_model.ts';
import { divideDims, type Shape } from '../shape.ts';
import type { Value } from '../value.ts';
import { runInOrt } from './ort.ts';
import { randomSource, spacedTensor } from './random.ts';
import { evaluateModel } from './reference_evaluator.ts';
import type { ReferenceTensor } from './reference_tensor.ts';

export interface GradientCase {
  /** Differentiated inputs; 'N' is bound to 2. */
  inputs: readonly Shape[];
  /** Range of their values; default [-1, 1]. */
  range?: readonly [number, number];
  build(graph: GraphBuilder, inputs: Value[]): Value;
  target?: GraphTarget;
  seed?: number;
}

const STEP = 1e-5;
/** Relative to the largest element of the gradient: the truncation and rounding of a central difference. */
const TOLERANCE = 1e-6;
const FLOAT32_TOLERANCE = 2e-4;
const BATCH = 2;

const concrete = (shape: Shape): number[] =>
  shape.map((dim) => (typeof dim === 'number' ? dim : BATCH * Number(divideDims(dim, 'N'))));

interface BuiltCase {
  bytes: Uint8Array<ArrayBuffer>;
  names: string[];
  outputShape: Shape;
}

function build({ inputs, build: construct, target }: GradientCase, precision: FloatType): BuiltCase {
  const graph = new GraphBuilder({ precision });
  const names = inputs.map((_, i) => `x${i}`);
  const xs = inputs.map((shape, i) => graph.input(`x${i}`, precision, shape));
  const y = construct(graph, xs);
  const cotangent = graph.input('cotangent', precision, y.shape);
  const results = gradients(graph, y, xs, cotangent, target ? { target } : {});
  graph.output(y, 'y');
  for (const [i, result] of results.entries()) graph.output(result, `gradient${i}`);
  return { bytes: graph.toBytes(), names, outputShape: y.shape };
}

export function expectClose(
  actual: ReferenceTensor | undefined,
  expected: ReferenceTensor,
  tolerance: number,
  what: string,
): void {
  expect(actual?.shape, `${what}: shape`).toEqual(expected.shape);
  const scale = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  let worst = 0;
  expected.data.forEach((value, i) => {
    const error = Math.abs((actual?.data[i] ?? Number.NaN) - value) / scale;
    if (!(error <= worst)) worst = error;
  });
  expect(worst, `${what}: greatest relative error`).toBeLessThanOrEqual(tolerance);
}

export async function checkGradient(testCase: GradientCase): Promise<void> {
  const random = randomSource(testCase.seed ?? 1);
  const [low, high] = testCase.range ?? [-1, 1];
  const wide = build(testCase, 'float64');
  const feeds: Record<string, ReferenceTensor> = {};
  testCase.inputs.forEach((shape, i) => {
    const { shape: dims, data } = spacedTensor(concrete(shape), random, low, high, 0.37 - 0.11 * i);
    feeds[`x${i}`] = { shape: dims, data: data.map(Math.fround) };
  });
  feeds['cotangent'] = spacedTensor(concrete(wide.outputShape), random, 0.25, 2);
  feeds['cotangent'].data = feeds['cotangent'].data.map(Math.fround);
  const model = readModel(wide.bytes);
  const outputs = evaluateModel(model, feeds);
  wide.names.forEach((name, i) => {
    expectClose(outputs[`gradient${i}`], finiteDifferences(model, feeds, name), TOLERANCE, `gradient by ${name}`);
  });
  const narrow = build(testCase, 'float32');
  const measured = await runInOrt(narrow.bytes, feeds);
  for (const [name, expected] of Object.entries(outputs)) {
    expectClose(measured[name], expected, FLOAT32_TOLERANCE, `${name} in ONNX Runtime`);
  }
}

/** ∂(Σ cotangent∘y)/∂x by central differences. */
function finiteDifferences(
  model: ReturnType<typeof readModel>,
  feeds: Record<string, ReferenceTensor>,
  name: string,
): ReferenceTensor {
  const x = feeds[name];
  const cotangent = feeds['cotangent'];
  if (!x || !cotangent) throw new Error(`no feed ${name}`);
  const outputs = model.outputs.filter((output) => output.name === 'y');
  const forward = { ...model, outputs, nodes: neededNodes(model.nodes, new Set(), ['y']) };
  const loss = (i: number, step: number): number => {
    const data = x.data.slice();
    data[i] = (data[i] ?? 0) + step;
    const { y } = evaluateModel(forward, { ...feeds, [name]: { shape: x.shape, data } });
    return (y?.data ?? new Float64Array()).reduce((sum, value, j) => sum + value * (cotangent.data[j] ?? 0), 0);
  };
  return { shape: x.shape, data: x.data.map((_, i) => (loss(i, STEP) - loss(i, -STEP)) / (2 * STEP)) };
}
