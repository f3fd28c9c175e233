/**
 * Builds an ONNX graph (opset 17) node by node. Every node is checked and its shapes inferred as it is added, so a
 * mistake is reported where it is made, with the node and the shapes. Nodes that no output needs are left out of
 * the file; what depends on shapes alone is computed on the spot.
 */
import { BlindspotError, invalidArgument } from '../errors.ts';
import { foldConstants } from './constant_folding.ts';
import {
  dataFromNumbers,
  type ElementType,
  type FloatType,
  isFloat,
  type TensorData,
  typeOfData,
} from './element_type.ts';
import { type NodeContext, nodeError } from './op_rule.ts';
import { OP_RULES, type OpName } from './op_table.ts';
import { elementCount, formatShape, isStatic, type Shape } from './shape.ts';
import { propagateContent } from './shape_content.ts';
import { type Tensor, tensorFromNumbers } from './tensor.ts';
import type { AttributeValue, GraphNode, Value, ValueType } from './value.ts';
import { encodeModel } from './write_model.ts';

/** Longer integer vectors are data, not shapes. */
const MAX_CONTENT = 64;

export interface GraphOutput {
  readonly name: string;
  readonly value: Value;
}

export interface NodeNames {
  /** Shown in errors; default: the operator and a number. */
  name?: string;
  /** Names of the values made, one an output. */
  outputs?: readonly string[];
}

/** Attributes as callers write them: undefined entries are left out. */
export type AttributesInput = Readonly<Record<string, AttributeValue | undefined>>;

export class GraphBuilder {
  /** Type of `scalar` and `filled` when none is given. */
  readonly precision: FloatType;
  readonly name: string;
  readonly #inputs: Value[] = [];
  readonly #outputs: GraphOutput[] = [];
  readonly #nodes: GraphNode[] = [];
  readonly #names = new Set<string>();
  readonly #nodeNames = new Set<string>();
  readonly #reserved: ReadonlySet<string>;
  readonly #shared = new Map<string, Value>();
  #counter = 0;

  /** @param options `inputs`: names kept for inputs that are added later; values of a model that have them get others. */
  constructor(options: { precision?: FloatType; name?: string; inputs?: readonly string[] } = {}) {
    this.precision = options.precision ?? 'float32';
    this.name = options.name ?? 'blindspot';
    this.#reserved = new Set(options.inputs);
  }

  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  get outputs(): readonly GraphOutput[] {
    return this.#outputs;
  }

  /** In the order they were added, which is a topological one. */
  get nodes(): readonly GraphNode[] {
    return this.#nodes;
  }

  /**
   * An input of the graph.
   * @param shape dimensions; a string is symbolic ('N' for the batch).
   * @throws INVALID_ARGUMENT when the name is taken.
   */
  input(name: string, type: ElementType, shape: Shape): Value {
    if (this.#names.has(name)) throw invalidArgument('name', 'a name not yet used in the graph', name);
    this.#names.add(name);
    const value: Value = { name, type, shape: [...shape] };
    this.#inputs.push(value);
    return value;
  }

  /**
   * An initializer. The array is kept, not copied: do not write to it before `toBytes`.
   * @param shape row-major; its product is the length of data.
   * @param type needed for bool alone, whose bytes would else be uint8.
   */
  constant(data: TensorData, shape: readonly number[], name?: string, type: ElementType = typeOfData(data)): Value {
    if (elementCount(shape) !== data.length) {
      throw invalidArgument('data', `${elementCount(shape)} elements for shape ${formatShape(shape)}`, data.length);
    }
    return this.#constantValue({ type, shape: [...shape], data }, this.#claim(name ?? this.#fresh('constant')));
  }

  /** A tensor as an initializer. */
  tensor(tensor: Tensor, name?: string): Value {
    return this.constant(tensor.data, tensor.shape, name, tensor.type);
  }

  /** A constant of rank 0; equal ones are shared. */
  scalar(value: number, type: ElementType = this.precision): Value {
    return this.filled(value, [], type);
  }

  /** A vector of int64, for axes, shapes and the like; equal ones are shared. */
  ints(values: readonly number[]): Value {
    return this.#sharedConstant(`ints ${values.join(' ')}`, 'int64', values, [values.length]);
  }

  /** A constant of one repeated element; equal ones are shared. */
  filled(value: number, shape: readonly number[], type: ElementType = this.precision): Value {
    const key = `filled ${type} ${Object.is(value, -0) ? '-0' : value} ${shape.join(' ')}`;
    const known = this.#shared.get(key);
    if (known) return known;
    const data = dataFromNumbers(type, [value]);
    const filled = dataFromNumbers(type, new Float64Array(elementCount(shape))).fill(data[0] as never);
    return this.#share(key, { type, shape: [...shape], data: filled });
  }

  /**
   * Adds a node of one output.
   * @throws INVALID_MODEL when the inputs do not suit the operator: names the node and prints the shapes.
   */
  op(
    op: OpName,
    inputs: readonly (Value | undefined)[],
    attributes: AttributesInput = {},
    names: NodeNames = {},
  ): Value {
    const [value] = this.ops(op, inputs, 1, attributes, names);
    if (!value) throw new TypeError(`${op} made no output`);
    return value;
  }

  /** Adds a node of several outputs. Results known already come back as constants, with no node. */
  ops(
    op: OpName,
    inputs: readonly (Value | undefined)[],
    outputCount: number,
    attributes: AttributesInput = {},
    names: NodeNames = {},
  ): Value[] {
    const present: Record<string, AttributeValue> = {};
    for (const [key, value] of Object.entries(attributes)) if (value !== undefined) present[key] = value;
    const context: NodeContext = {
      op,
      name: names.name ?? this.#fresh(op),
      attributes: present,
      inputs: dropAbsentTail(inputs),
      outputCount,
    };
    checkSignature(context, op);
    const types = OP_RULES[op].infer(context);
    const folded = outputCount === 1 ? this.#fold(context, op, types[0]) : undefined;
    if (folded) return [this.#constantValue(folded, this.#claim(names.outputs?.[0] ?? this.#fresh('folded')))];
    const content = outputCount === 1 ? propagateContent(context) : undefined;
    const outputs = types.slice(0, outputCount).map((type, i): Value => {
      const wanted = names.outputs?.[i] || (outputCount === 1 ? context.name : `${context.name}_${i}`);
      return { ...type, name: this.#claim(wanted), ...(content ? { content } : {}) };
    });
    this.#nodes.push({
      op,
      name: this.#claimNode(context.name),
      inputs: context.inputs,
      outputs,
      attributes: present,
    } satisfies GraphNode);
    return outputs;
  }

  /**
   * Makes a value an output of the graph, under this name.
   * @throws INVALID_ARGUMENT when another output or an input has the name.
   */
  output(value: Value, name: string): void {
    if (this.#outputs.some((output) => output.name === name) || this.#inputs.some((input) => input.name === name)) {
      throw invalidArgument('name', 'a name that no other input or output has', name);
    }
    const isNodeOutput = value.constant === undefined && !this.#inputs.includes(value);
    const isFree = isNodeOutput && !this.#outputs.some((output) => output.value === value);
    this.#outputs.push({ name, value: isFree ? value : this.#identity(value) });
  }

  /** The ONNX file: opset 17, IR 8, with the nodes that the outputs need. */
  toBytes(): Uint8Array<ArrayBuffer> {
    if (this.#outputs.length === 0) {
      throw new BlindspotError('INVALID_MODEL', 'The graph has no output; call output(value, name) before toBytes()');
    }
    return encodeModel(this);
  }

  add(a: Value, b: Value): Value {
    return this.op('Add', [a, b]);
  }

  sub(a: Value, b: Value): Value {
    return this.op('Sub', [a, b]);
  }

  mul(a: Value, b: Value): Value {
    return this.op('Mul', [a, b]);
  }

  div(a: Value, b: Value): Value {
    return this.op('Div', [a, b]);
  }

  neg(a: Value): Value {
    return this.op('Neg', [a]);
  }

  exp(a: Value): Value {
    return this.op('Exp', [a]);
  }

  log(a: Value): Value {
    return this.op('Log', [a]);
  }

  sqrt(a: Value): Value {
    return this.op('Sqrt', [a]);
  }

  matmul(a: Value, b: Value): Value {
    return this.op('MatMul', [a, b]);
  }

  /** condition ? a : b, elementwise with broadcasting. */
  where(condition: Value, a: Value, b: Value): Value {
    return this.op('Where', [condition, a, b]);
  }

  greater(a: Value, b: Value): Value {
    return this.op('Greater', [a, b]);
  }

  /** @param permutation result axis i is axis permutation[i] of the operand. */
  transpose(a: Value, permutation: readonly number[]): Value {
    return permutation.every((axis, i) => axis === i) ? a : this.op('Transpose', [a], { perm: permutation });
  }

  /** @param target as in ONNX: 0 keeps a dimension, one -1 is inferred. */
  reshape(a: Value, target: readonly number[]): Value {
    return this.op('Reshape', [a, this.ints(target)]);
  }

  reduceSum(a: Value, axes: readonly number[], keepDims = true): Value {
    return this.op('ReduceSum', [a, this.ints(axes)], { keepdims: keepDims ? 1 : 0 });
  }

  reduceMean(a: Value, axes: readonly number[], keepDims = true): Value {
    return this.op('ReduceMean', [a], { axes, keepdims: keepDims ? 1 : 0 });
  }

  reduceMax(a: Value, axes: readonly number[], keepDims = true): Value {
    return this.op('ReduceMax', [a], { axes, keepdims: keepDims ? 1 : 0 });
  }

  #identity(value: Value): Value {
    const output: Value = { name: this.#claim(this.#fresh('Identity')), type: value.type, shape: value.shape };
    this.#nodes.push({ op: 'Identity', name: output.name, inputs: [value], outputs: [output], attributes: {} });
    return output;
  }

  #fold(context: NodeContext, op: OpName, type: ValueType | undefined): Tensor | undefined {
    const constants: Tensor[] = [];
    for (const input of context.inputs) if (input?.constant) constants.push(input.constant);
    if (constants.length === context.inputs.length) {
      const folded = OP_RULES[op].fold?.(context, constants) ?? (type && foldConstants(context, constants, type));
      if (folded) return folded;
    }
    if (!type || isFloat(type.type) || !isStatic(type.shape)) return undefined;
    const content = propagateContent(context);
    return content && isStatic(content) ? tensorFromNumbers(type.type, content, type.shape) : undefined;
  }

  #sharedConstant(key: string, type: ElementType, values: readonly number[], shape: readonly number[]): Value {
    return this.#shared.get(key) ?? this.#share(key, tensorFromNumbers(type, values, shape));
  }

  #share(key: string, tensor: Tensor): Value {
    const value = this.#constantValue(tensor, this.#claim(this.#fresh('constant')));
    this.#shared.set(key, value);
    return value;
  }

  #constantValue(tensor: Tensor, name: string): Value {
    const { type, shape, data } = tensor;
    const isContent = !isFloat(type) && shape.length <= 1 && data.length <= MAX_CONTENT;
    if (!isContent) return { name, type, shape, constant: tensor };
    return { name, type, shape, constant: tensor, content: Array.from(data as ArrayLike<number | bigint>, Number) };
  }

  #fresh(stem: string): string {
    this.#counter += 1;
    return `${stem}_${this.#counter}`;
  }

  /** No two nodes share a name: runtimes refuse that. */
  #claimNode(wanted: string): string {
    let name = wanted;
    while (this.#nodeNames.has(name)) name = this.#fresh(wanted);
    this.#nodeNames.add(name);
    return name;
  }

  #claim(wanted: string): string {
    let name = wanted;
    while (this.#names.has(name) || this.#reserved.has(name)) name = this.#fresh(wanted);
    this.#names.add(name);
    return name;
  }
}

function dropAbsentTail(inputs: readonly (Value | undefined)[]): (Value | undefined)[] {
  const result = [...inputs];
  while (result.length > 0 && result[result.length - 1] === undefined) result.pop();
  return result;
}

function checkSignature(node: NodeContext, op: OpName): void {
  const rule = OP_RULES[op];
  const [least, most] = rule.inputs;
  if (node.inputs.length < least || node.inputs.length > most) {
    const range = least === most ? `${least}` : `${least} to ${most}`;
    throw nodeError(node, `expected ${range} inputs but received ${node.inputs.length}`);
  }
  const [, mostOutputs] = rule.outputs ?? [1, 1];
  if (node.outputCount > mostOutputs)
    throw nodeError(node, `makes at most ${mostOutputs} outputs, not ${node.outputCount}`);
  for (const [name, value] of Object.entries(node.attributes)) {
    const kind = rule.attributes[name];
    if (!kind) throw nodeError(node, `has no attribute "${name}"`);
    const suits =
      kind === 'int'
        ? Number.isInteger(value)
        : kind === 'float'
          ? typeof value === 'number'
          : kind === 'string'
            ? typeof value === 'string'
            : kind === 'tensor'
              ? typeof value === 'object' && !Array.isArray(value)
              : Array.isArray(value);
    if (!suits) throw nodeError(node, `attribute "${name}" must be of kind ${kind}`);
  }
}
