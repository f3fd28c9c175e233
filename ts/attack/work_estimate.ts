/**
 * How long an attack takes, roughly, from the model and the number of images alone: what decides on worker threads. Not
 * measured at run time, so that the same attack always gets the same number of workers.
 */
import type { Model, ModelNode } from '../onnx/model.ts';
import { elementCount, isStatic } from '../onnx/shape.ts';
import type { AttackEffort, AttackMethod } from './attack_options.ts';

/** Gradient evaluations an image: measured on MNIST with FC100-100-10, targeted and not. */
const TYPICAL_EVALUATIONS: Readonly<Record<AttackMethod, Record<AttackEffort, number>>> = {
  boundary: { fast: 30, thorough: 100, exhaustive: 3000 },
  penalty: { fast: 130, thorough: 400, exhaustive: 400 },
  deepfool: { fast: 15, thorough: 15, exhaustive: 15 },
};

/** Of one core: ONNX Runtime's float32 products on AVX2, from below. */
const PRODUCTS_A_SECOND = 2e10;

/** The kernel's own arithmetic for one pixel of one evaluation: 12 µs for 784. */
const SECONDS_A_PIXEL = 15e-9;

export interface AttackSize {
  readonly images: number;
  readonly method: AttackMethod;
  readonly effort: AttackEffort;
}

/** Seconds of one core. */
export function estimateSeconds(model: Model, { images, method, effort }: AttackSize): number {
  const pixels = model.inputs.reduce((sum, { shape }) => sum + rowElements(shape), 0);
  // Forward, and backward by the input alone.
  const evaluation = (2 * products(model)) / PRODUCTS_A_SECOND + pixels * SECONDS_A_PIXEL;
  return images * TYPICAL_EVALUATIONS[method][effort] * evaluation;
}

/** Multiplications of one image on its way through the weights. */
export function products(model: Model): number {
  return model.nodes.reduce((sum, node) => sum + nodeProducts(model, node), 0);
}

/** Each output of a layer is a sum over its channel's share of the weights. */
function nodeProducts(model: Model, { op, inputs, outputs, attributes }: ModelNode): number {
  const weights = model.initializers.get(inputs[1] ?? '')?.shape;
  if (weights === undefined || weights.length < 2) return 0;
  const rows = rowElements(model.values.get(outputs[0] ?? '')?.shape ?? []);
  if (op === 'Conv') return (rows * elementCount(weights)) / (weights[0] ?? 1);
  if (op !== 'Gemm' && op !== 'MatMul') return 0;
  const channels = attributes['transB'] === 1 ? weights[0] : weights.at(-1);
  return (rows * elementCount(weights)) / (channels ?? 1);
}

function rowElements(shape: readonly (number | string)[]): number {
  const row = shape.slice(1);
  return isStatic(row) ? elementCount(row) : 0;
}
