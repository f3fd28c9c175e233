/** What an importer knows of the node it brings to opset 17, and the steps that many share. */
import type { GraphBuilder } from '../graph_builder.ts';
import { type NodeContext, nodeError, numbersAttribute, requireInput } from '../op_rule.ts';
import type { OpName } from '../op_table.ts';
import { normalizeAxis } from '../shape.ts';
import type { Attributes, Value } from '../value.ts';

export interface ImportContext extends NodeContext {
  readonly graph: GraphBuilder;
  /** Of the model. */
  readonly opset: number;
  readonly outputNames: readonly string[];
}

/** Writes a node in operators of opset 17; answers its outputs. */
export type Import = (context: ImportContext) => Value[];

/** The node as it stands, under its own names. */
export function emit(
  context: ImportContext,
  op: OpName,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes = context.attributes,
  outputCount = 1,
): Value[] {
  return context.graph.ops(op, inputs, outputCount, attributes, { name: context.name, outputs: context.outputNames });
}

/** Names the last value of a sequence of nodes: the model's own name is kept, so that it can be asked for. */
export function named(context: ImportContext, value: Value): Value[] {
  return emit(context, 'Identity', [value], {});
}

export function without(attributes: Attributes, ...names: string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

/** An attribute of old opsets as the input that replaced it. */
export function attributeAsInput(context: ImportContext, attribute: string, input: number): (Value | undefined)[] {
  const values = numbersAttribute(context, attribute);
  const inputs = [...context.inputs];
  if (values) inputs[input] = context.graph.ints(values);
  return inputs;
}

/** An axis from 0 on. @throws INVALID_MODEL when the input has none such. */
export function axisOf(context: ImportContext, axis: number): number {
  const found = normalizeAxis(axis, requireInput(context, 0).shape.length);
  if (found === undefined) throw nodeError(context, `axis ${axis} is out of range`);
  return found;
}

/** A dimension that has to be known. */
export function knownSize(context: ImportContext, axis: number, input = 0): number {
  const size = requireInput(context, input).shape[axis];
  if (typeof size !== 'number') throw nodeError(context, `the size of axis ${axis} must be known`);
  return size;
}

/** Of numbers that a file makes us write out: half a gigabyte as doubles. */
const MOST_NUMBERS = 2 ** 26;

/** Before a table is made whose size stands in the file. @throws INVALID_MODEL when it is out of all proportion. */
export function limitNumbers(context: ImportContext, count: number, most = MOST_NUMBERS): number {
  if (count >= 0 && count <= most) return count;
  throw nodeError(context, `asks for ${count} numbers, where at most ${most} are written out`);
}

/** [C] as [C, 1, …, 1], to be broadcast over the axes after the channels of a tensor of that rank. */
export function perChannel(context: ImportContext, value: Value, rank: number): Value {
  if (value.shape.length === 0) return value;
  return context.graph.reshape(value, [-1, ...new Array<number>(rank - 2).fill(1)]);
}
