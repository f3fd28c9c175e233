/**
 * Brings a node of any opset (7..26) to the operators of opset 17: attributes that became inputs and back, changed
 * meanings (Softmax before 13), and operators written out in simpler ones.
 */
import { reshapeTo } from './cotangent_shape.ts';
import type { GraphBuilder } from './graph_builder.ts';
import { ACTIVATION_IMPORTS } from './imports/activation.ts';
import { ATTENTION_IMPORTS } from './imports/attention.ts';
import { CLASSICAL_IMPORTS } from './imports/classical.ts';
import { EINSUM_IMPORTS } from './imports/einsum.ts';
import { FUSED_IMPORTS } from './imports/fused.ts';
import { attributeAsInput, emit, type Import, type ImportContext, named, without } from './imports/import_context.ts';
import { NORMALIZATION_IMPORTS } from './imports/normalization.ts';
import { QUANTIZATION_IMPORTS } from './imports/quantization.ts';
import { REARRANGEMENT_IMPORTS } from './imports/rearrangement.ts';
import { RECURRENT_IMPORTS } from './imports/recurrent.ts';
import { RESIZE_IMPORTS } from './imports/resize.ts';
import { SAMPLING_IMPORTS } from './imports/sampling.ts';
import { WINDOW_IMPORTS } from './imports/windows.ts';
import type { ModelNode } from './model.ts';
import { nodeError, numberAttribute, numbersAttribute, requireConstantNumbers, requireInput } from './op_rule.ts';
import { isOpName, OP_NAMES, type OpName } from './op_table.ts';
import { normalizeAxis } from './shape.ts';
import { type Tensor, tensorFromNumbers } from './tensor.ts';
import type { AttributeValue, Value } from './value.ts';

const axesToInput =
  (op: OpName): Import =>
  (context) =>
    emit(context, op, attributeAsInput(context, 'axes', 1), without(context.attributes, 'axes'));

/** Reductions but ReduceSum: axes are an input from opset 18, an attribute at 17. */
const axesToAttribute =
  (op: OpName): Import =>
  (context) => {
    const attributes = without(context.attributes, 'noop_with_empty_axes');
    if (!context.inputs[1]) {
      const noop = numberAttribute(context, 'noop_with_empty_axes', 0) !== 0 && !numbersAttribute(context, 'axes');
      return emit(context, noop ? 'Identity' : op, context.inputs.slice(0, 1), noop ? {} : attributes);
    }
    return emit(context, op, context.inputs.slice(0, 1), {
      ...attributes,
      axes: requireConstantNumbers(context, 1, 'axes'),
    });
  };

/** Before opset 13 Softmax runs over all axes from `axis` (default 1) on, taken as one. */
const softmax =
  (op: 'Softmax' | 'LogSoftmax'): Import =>
  (context) => {
    if (context.opset >= 13) return emit(context, op, context.inputs);
    const x = requireInput(context, 0);
    const axis = normalizeAxis(numberAttribute(context, 'axis', 1), x.shape.length);
    if (axis === undefined) throw nodeError(context, 'axis is out of range');
    if (axis === x.shape.length - 1) return emit(context, op, [x], { axis: -1 });
    const flat = context.graph.op(op, [context.graph.op('Flatten', [x], { axis })], { axis: -1 });
    return named(context, reshapeTo(context.graph, flat, x.shape));
  };

function importConstant(context: ImportContext): Value[] {
  const { graph, attributes } = context;
  const [kind, value] = Object.entries(attributes)[0] ?? [];
  const tensor = constantTensor(kind, value);
  if (!tensor) throw nodeError(context, `a constant given by "${String(kind)}" is not supported`);
  return [graph.tensor(tensor, context.outputNames[0])];
}

function constantTensor(kind: string | undefined, value: AttributeValue | undefined): Tensor | undefined {
  switch (kind) {
    case 'value':
      return value as Tensor;
    case 'value_float':
      return tensorFromNumbers('float32', [value as number], []);
    case 'value_floats':
      return tensorFromNumbers('float32', value as number[], [(value as number[]).length]);
    case 'value_int':
      return tensorFromNumbers('int64', [value as number], []);
    case 'value_ints':
      return tensorFromNumbers('int64', value as number[], [(value as number[]).length]);
    default:
      return undefined;
  }
}

/** Sum, Max, Min of any number of tensors as a chain of two. */
const chain =
  (op: 'Add' | 'Max' | 'Min'): Import =>
  (context) => {
    const values = context.inputs.map((_, i) => requireInput(context, i));
    const last = values.pop();
    if (!last) throw nodeError(context, 'has no input');
    const [first, ...middle] = values;
    if (!first) return named(context, last);
    const left = middle.reduce((sum, value) => context.graph.op(op, [sum, value]), first);
    return emit(context, op, [left, last], {});
  };

function clip(context: ImportContext): Value[] {
  const x = requireInput(context, 0);
  const inputs = [...context.inputs];
  for (const [i, name] of [
    [1, 'min'],
    [2, 'max'],
  ] as const) {
    const bound = context.attributes[name];
    if (typeof bound === 'number') inputs[i] = context.graph.scalar(bound, x.type);
  }
  return emit(context, 'Clip', inputs, {});
}

function slice(context: ImportContext): Value[] {
  const { graph, inputs } = context;
  if (context.opset >= 10) return emit(context, 'Slice', inputs);
  const ints = (name: string): Value | undefined => {
    const values = numbersAttribute(context, name);
    return values && graph.ints(values);
  };
  return emit(context, 'Slice', [inputs[0], ints('starts'), ints('ends'), ints('axes')], {});
}

function split(context: ImportContext): Value[] {
  const { graph, outputNames } = context;
  const count = outputNames.length;
  const x = requireInput(context, 0);
  const axis = normalizeAxis(numberAttribute(context, 'axis', 0), x.shape.length) ?? 0;
  const size = x.shape[axis];
  const attributes = without(context.attributes, 'split', 'num_outputs');
  let inputs = attributeAsInput(context, 'split', 1);
  if (!inputs[1] && typeof size === 'number') {
    // Opset 18 lets the last part be smaller.
    const part = Math.ceil(size / count);
    inputs = [x, graph.ints(Array.from({ length: count }, (_, i) => Math.min(part, size - i * part)))];
  }
  return emit(context, 'Split', inputs, attributes, count);
}

function globalMaxPool(context: ImportContext): Value[] {
  const { shape } = requireInput(context, 0);
  return emit(context, 'ReduceMax', context.inputs, { axes: [...shape.keys()].slice(2), keepdims: 1 });
}

/** Always with both outputs: where the values stand is what their derivative needs. k is an attribute before opset 10. */
function topK(context: ImportContext): Value[] {
  const k = context.graph.ints([numberAttribute(context, 'k', 0)]);
  const inputs = [context.inputs[0], context.inputs[1] ?? k];
  return emit(context, 'TopK', inputs, without(context.attributes, 'k'), 2);
}

const HALF_PRECISION = [10, 16];

function cast(context: ImportContext): Value[] {
  const to = numberAttribute(context, 'to', 1);
  return emit(context, 'Cast', context.inputs, { to: HALF_PRECISION.includes(to) ? 1 : to });
}

/** Absolute, then summed. */
function reduceL1(context: ImportContext): Value[] {
  const absolute = context.graph.op('Abs', [requireInput(context, 0)]);
  return axesToInput('ReduceSum')({ ...context, inputs: [absolute, ...context.inputs.slice(1)] });
}

/** The mean of any number of tensors. */
function mean(context: ImportContext): Value[] {
  const { graph } = context;
  const values = context.inputs.map((_, i) => requireInput(context, i));
  const sum = values.reduce((total, value) => graph.add(total, value));
  return emit(context, 'Div', [sum, graph.scalar(values.length, sum.type)], {});
}

/** Operators that need more than being copied; those not in the table of rules are written out in simpler ones. */
const IMPORTS: Readonly<Record<string, Import>> = {
  ...ACTIVATION_IMPORTS,
  ...ATTENTION_IMPORTS,
  ...CLASSICAL_IMPORTS,
  ...EINSUM_IMPORTS,
  ...FUSED_IMPORTS,
  ...NORMALIZATION_IMPORTS,
  ...QUANTIZATION_IMPORTS,
  ...REARRANGEMENT_IMPORTS,
  ...RECURRENT_IMPORTS,
  ...RESIZE_IMPORTS,
  ...SAMPLING_IMPORTS,
  ...WINDOW_IMPORTS,
  Cast: cast,
  Clip: clip,
  Constant: importConstant,
  Dropout: (context) => emit(context, 'Dropout', context.inputs, without(context.attributes, 'ratio', 'is_test')),
  GlobalMaxPool: globalMaxPool,
  LogSoftmax: softmax('LogSoftmax'),
  Max: chain('Max'),
  Mean: mean,
  Min: chain('Min'),
  ReduceL1: reduceL1,
  ReduceL2: axesToAttribute('ReduceL2'),
  ReduceLogSumExp: axesToAttribute('ReduceLogSumExp'),
  ReduceMax: axesToAttribute('ReduceMax'),
  ReduceMean: axesToAttribute('ReduceMean'),
  ReduceMin: axesToAttribute('ReduceMin'),
  ReduceProd: axesToAttribute('ReduceProd'),
  ReduceSum: axesToInput('ReduceSum'),
  ReduceSumSquare: axesToAttribute('ReduceSumSquare'),
  // The name of ScatterElements before opset 11.
  Scatter: (context) => emit(context, 'ScatterElements', context.inputs),
  Slice: slice,
  Softmax: softmax('Softmax'),
  Split: split,
  Squeeze: axesToInput('Squeeze'),
  Sum: chain('Add'),
  TopK: topK,
  Unsqueeze: axesToInput('Unsqueeze'),
};

/** Every operator that a model may have, sorted. If is folded away before (branches.ts). */
export const SUPPORTED_OPS: readonly string[] = [
  ...new Set<string>([...OP_NAMES, ...Object.keys(IMPORTS), 'If']),
].sort();

/** Adds the node to the graph. @throws INVALID_MODEL when its inputs do not suit it. */
export function importNode(
  graph: GraphBuilder,
  node: ModelNode,
  inputs: readonly (Value | undefined)[],
  opset: number,
): Value[] {
  const { op, name, attributes, outputs: outputNames } = node;
  const context: ImportContext = {
    graph,
    op,
    name,
    attributes,
    inputs,
    opset,
    outputNames,
    outputCount: outputNames.length,
  };
  const custom = IMPORTS[op];
  if (custom) return custom(context);
  if (!isOpName(op)) throw nodeError(context, 'is not supported');
  return emit(context, op, inputs, attributes, outputNames.length);
}
