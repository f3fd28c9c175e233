/**
 * Quantised operators, in float32: an integer tensor is held as the whole numbers it has, q = clamp(round(x / scale) + zero). The
 * forward pass computes what the integers would, and gradients go straight through the rounding (Bengio et al. 2013), zero
 * where a value saturates.
 *
 * Rounding: (x + 1.5·2²³) − 1.5·2²³ is x to the nearest whole number, ties to even, for |x| < 2²², with derivative 1.
 */
import type { ElementType } from '../element_type.ts';
import { nodeError, numberAttribute, requireInput } from '../op_rule.ts';
import { type Tensor, tensorFromNumbers, tensorNumbers } from '../tensor.ts';
import type { Attributes, Value } from '../value.ts';
import { emit, type Import, type ImportContext, named, perChannel, without } from './import_context.ts';

const ROUNDER = 1.5 * 2 ** 23;

const RANGES: Partial<Record<ElementType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  int32: [-(2 ** 31), 2 ** 31 - 1],
};

/** Whole numbers as float32. */
function asFloat(context: ImportContext, value: Value): Value {
  const { graph } = context;
  if (value.type === 'float32') return value;
  if (value.constant) return graph.tensor(floats(value.constant));
  return graph.op('Cast', [value], { to: 1 });
}

function floats(tensor: Tensor): Tensor {
  return tensorFromNumbers('float32', tensorNumbers(tensor), tensor.shape as number[]);
}

/** A scale or zero point of one axis, to be broadcast over a tensor of that rank. */
function along(context: ImportContext, value: Value, rank: number, axis: number): Value {
  const [size] = value.shape;
  if (value.shape.length === 0 || rank <= 1) return value;
  if (value.shape.length === 1 && size === 1) return context.graph.reshape(value, []);
  if (value.shape.length !== 1) return value;
  const shape = new Array<number>(rank).fill(1);
  shape[axis < 0 ? axis + rank : axis] = -1;
  return context.graph.reshape(value, shape);
}

interface Scaling {
  readonly scale: Value;
  readonly zero: Value | undefined;
  readonly axis?: number;
}

function dequantized(context: ImportContext, x: Value, { scale, zero, axis = 1 }: Scaling): Value {
  const { graph } = context;
  const rank = x.shape.length;
  const centred = zero
    ? graph.sub(asFloat(context, x), along(context, asFloat(context, zero), rank, axis))
    : asFloat(context, x);
  return graph.mul(centred, along(context, scale, rank, axis));
}

/** @param type of the integers; default that of the zero point, uint8 without one. */
function quantized(context: ImportContext, x: Value, { scale, zero, axis = 1 }: Scaling): Value {
  const { graph } = context;
  const rank = x.shape.length;
  const range = RANGES[zero?.type === 'float32' ? 'uint8' : (zero?.type ?? 'uint8')];
  if (!range) throw nodeError(context, `to ${zero?.type} is not supported`);
  const [least, most] = range.map((value) => graph.scalar(value, 'float32')) as [Value, Value];
  const steps = graph.div(x, along(context, scale, rank, axis));
  const offset = zero && along(context, asFloat(context, zero), rank, axis);
  const low = offset ? graph.sub(least, offset) : least;
  const high = offset ? graph.sub(most, offset) : most;
  // Clamped first, so that what is rounded is small enough.
  const clamped = graph.op('Min', [graph.op('Max', [steps, low]), high]);
  const whole = graph.sub(graph.add(clamped, graph.scalar(ROUNDER, 'float32')), graph.scalar(ROUNDER, 'float32'));
  return offset ? graph.add(whole, offset) : whole;
}

const quantizeLinear: Import = (context) => {
  const axis = numberAttribute(context, 'axis', 1);
  const scaling = { scale: requireInput(context, 1), zero: context.inputs[2], axis };
  return named(context, quantized(context, requireInput(context, 0), scaling));
};

const dequantizeLinear: Import = (context) => {
  if (numberAttribute(context, 'block_size', 0) !== 0) throw nodeError(context, 'block_size is not supported');
  const axis = numberAttribute(context, 'axis', 1);
  const scaling = { scale: requireInput(context, 1), zero: context.inputs[2], axis };
  return named(context, dequantized(context, requireInput(context, 0), scaling));
};

/**
 * The range of each image, as at a batch of one: (y, scale, zero point), the last two [N, 1, …].
 * scale = (max − min) / 255 over values and 0, zero = round(−min / scale).
 */
const dynamicQuantizeLinear: Import = (context) => {
  const { graph, outputNames } = context;
  const x = requireInput(context, 0);
  const axes = [...x.shape.keys()].slice(1);
  const zeroValue = graph.scalar(0, 'float32');
  const most = graph.op('Max', [graph.reduceMax(x, axes), zeroValue]);
  const least = graph.op('Min', [graph.op('ReduceMin', [x], { axes, keepdims: 1 }), zeroValue]);
  const span = graph.div(graph.sub(most, least), graph.scalar(255, 'float32'));
  // All values 0: any scale will do.
  const scale = graph.where(graph.greater(span, zeroValue), span, graph.scalar(1, 'float32'));
  const rounder = graph.scalar(ROUNDER, 'float32');
  const rounded = (value: Value): Value => graph.sub(graph.add(value, rounder), rounder);
  const zero = rounded(graph.neg(graph.div(least, scale)));
  const y = graph.add(rounded(graph.div(x, scale)), zero);
  const clamped = graph.op('Min', [graph.op('Max', [y, zeroValue]), graph.scalar(255, 'float32')]);
  return [clamped, scale, zero].map((value, i) =>
    graph.op('Identity', [value], {}, { name: `${context.name}_${i}`, outputs: [outputNames[i] ?? ''] }),
  );
};

/** (a − zero of a)·(b − zero of b) */
const matMulInteger: Import = (context) => {
  const [a, b] = [requireInput(context, 0), requireInput(context, 1)];
  const centred = (value: Value, zero: Value | undefined, axis: number): Value =>
    zero
      ? context.graph.sub(asFloat(context, value), along(context, asFloat(context, zero), value.shape.length, axis))
      : asFloat(context, value);
  return emit(context, 'MatMul', [centred(a, context.inputs[2], -2), centred(b, context.inputs[3], -1)], {});
};

const convInteger: Import = (context) => {
  const { graph } = context;
  const [x, w] = [requireInput(context, 0), requireInput(context, 1)];
  const centred = (value: Value, zero: Value | undefined, axis: number): Value =>
    zero
      ? graph.sub(asFloat(context, value), along(context, asFloat(context, zero), value.shape.length, axis))
      : asFloat(context, value);
  return emit(context, 'Conv', [centred(x, context.inputs[2], 1), centred(w, context.inputs[3], 0)]);
};

/** x, scale, zero; w, scale, zero; scale and zero of y; a bias in units of both scales. */
const qLinearConv: Import = (context) => {
  const { graph } = context;
  const [x, w] = [requireInput(context, 0), requireInput(context, 3)];
  const rank = x.shape.length;
  const [scaleX, scaleW, scaleY] = [1, 4, 6].map((i) => requireInput(context, i)) as [Value, Value, Value];
  const input = graph.sub(asFloat(context, x), along(context, asFloat(context, requireInput(context, 2)), rank, 1));
  const weights = graph.sub(asFloat(context, w), along(context, asFloat(context, requireInput(context, 5)), rank, 0));
  const sums = graph.op('Conv', [input, weights], context.attributes);
  const bias = context.inputs[8];
  const total = bias ? graph.add(sums, perChannel(context, asFloat(context, bias), rank)) : sums;
  const real = graph.mul(total, along(context, graph.mul(scaleX, scaleW), rank, 1));
  return named(context, quantized(context, real, { scale: scaleY, zero: context.inputs[7] }));
};

/** a, scale, zero; b, scale, zero; scale and zero of y. */
const qLinearMatMul: Import = (context) => {
  const input = (i: number): Value => requireInput(context, i);
  const a = dequantized(context, input(0), { scale: input(1), zero: input(2), axis: -2 });
  const b = dequantized(context, input(3), { scale: input(4), zero: input(5), axis: -1 });
  return named(context, quantized(context, context.graph.matmul(a, b), { scale: input(6), zero: input(7), axis: -1 }));
};

/** Of one quantised tensor: x, scale, zero, scale and zero of y. */
const qLinearUnary =
  (f: (context: ImportContext, x: Value) => Value): Import =>
  (context) => {
    const x = dequantized(context, requireInput(context, 0), {
      scale: requireInput(context, 1),
      zero: context.inputs[2],
    });
    return named(
      context,
      quantized(context, f(context, x), { scale: requireInput(context, 3), zero: context.inputs[4] }),
    );
  };

/** Of two: a, scale, zero, b, scale, zero, scale and zero of y. */
const qLinearBinary =
  (op: 'Add' | 'Mul'): Import =>
  (context) => {
    const a = dequantized(context, requireInput(context, 0), {
      scale: requireInput(context, 1),
      zero: context.inputs[2],
    });
    const b = dequantized(context, requireInput(context, 3), {
      scale: requireInput(context, 4),
      zero: context.inputs[5],
    });
    const y = context.graph.op(op, [a, b]);
    return named(context, quantized(context, y, { scale: requireInput(context, 6), zero: context.inputs[7] }));
  };

/** Scale and zero of y, then each part with its own. */
const qLinearConcat: Import = (context) => {
  const parts: Value[] = [];
  for (let i = 2; i + 2 < context.inputs.length + 1; i += 3) {
    const scaling = { scale: requireInput(context, i + 1), zero: context.inputs[i + 2] };
    parts.push(dequantized(context, requireInput(context, i), scaling));
  }
  const joined = context.graph.op('Concat', parts, { axis: numberAttribute(context, 'axis', 1) });
  return named(context, quantized(context, joined, { scale: requireInput(context, 0), zero: context.inputs[1] }));
};

/** a, scale, zero, b, scale, zero, bias, and where y is quantised its scale and zero. */
const qGemm: Import = (context) => {
  const { graph, attributes } = context;
  const input = (i: number): Value => requireInput(context, i);
  const transposed = numberAttribute(context, 'transB', 0) !== 0;
  const a = dequantized(context, input(0), { scale: input(1), zero: input(2), axis: -1 });
  const b = dequantized(context, input(3), { scale: input(4), zero: input(5), axis: transposed ? 0 : 1 });
  const bias = context.inputs[6];
  const units = bias && graph.mul(asFloat(context, bias), graph.mul(input(1), input(4)));
  const kept: Attributes = without(attributes, 'alpha');
  const sums = graph.op('Gemm', units ? [a, b, units] : [a, b], {
    ...kept,
    alpha: numberAttribute(context, 'alpha', 1),
  });
  const scale = context.inputs[7];
  return named(context, scale ? quantized(context, sums, { scale, zero: context.inputs[8] }) : sums);
};

const meanOverPlaces = (context: ImportContext, x: Value): Value =>
  context.graph.reduceMean(x, [...x.shape.keys()].slice(2));

const pooled = (context: ImportContext, x: Value): Value => {
  const { attributes } = context;
  if (numberAttribute(context, 'channels_last', 0) !== 0) throw nodeError(context, 'channels_last is not supported');
  return context.graph.op('AveragePool', [x], without(attributes, 'channels_last'));
};

const softmaxOf = (context: ImportContext, x: Value): Value =>
  context.graph.op('Softmax', [x], { axis: numberAttribute(context, 'axis', -1) });

export const QUANTIZATION_IMPORTS: Readonly<Record<string, Import>> = {
  ConvInteger: convInteger,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  MatMulInteger: matMulInteger,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
  QuantizeLinear: quantizeLinear,
  'com.microsoft.DequantizeLinear': dequantizeLinear,
  'com.microsoft.QGemm': qGemm,
  'com.microsoft.QLinearAdd': qLinearBinary('Add'),
  'com.microsoft.QLinearAveragePool': qLinearUnary(pooled),
  'com.microsoft.QLinearConcat': qLinearConcat,
  'com.microsoft.QLinearGlobalAveragePool': qLinearUnary(meanOverPlaces),
  'com.microsoft.QLinearLeakyRelu': qLinearUnary((context, x) =>
    context.graph.op('LeakyRelu', [x], { alpha: numberAttribute(context, 'alpha', 0.01) }),
  ),
  'com.microsoft.QLinearMul': qLinearBinary('Mul'),
  'com.microsoft.QLinearSigmoid': qLinearUnary((context, x) => context.graph.op('Sigmoid', [x])),
  'com.microsoft.QLinearSoftmax': qLinearUnary(softmaxOf),
  'com.microsoft.QuantizeLinear': quantizeLinear,
};

/** Whether a batch of several images is computed otherwise than each of them: its range is that of all together. */
export function couplesImages(op: string): boolean {
  return op === 'DynamicQuantizeLinear';
}
