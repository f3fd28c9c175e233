/** Reads an ONNX file and checks all of it: what cannot be run or differentiated is refused here, by name. */
import { fromBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from 'onnx-buf';
import { BlindspotError } from '../errors.ts';
import { withCaptures } from './branches.ts';
import { elementTypeOf, onnxTypeName } from './element_type.ts';
import { GraphBuilder } from './graph_builder.ts';
import { type ImageLayoutOptions, withChannels, withSize } from './image_input.ts';
import { importModel } from './import_model.ts';
import { SUPPORTED_OPS } from './import_node.ts';
import type { Branch, Model, ModelNode, ModelValue } from './model.ts';
import { orderedNodes } from './node_order.ts';
import { readTensor } from './read_tensor.ts';
import { type Dim, formatShape, isStatic } from './shape.ts';
import type { Tensor } from './tensor.ts';
import { unsupportedOperator } from './unsupported_operator.ts';
import type { AttributeValue, Value, ValueType } from './value.ts';

export interface ReadOptions extends ImageLayoutOptions {
  /** Name of the only output wanted, or of any value inside; default: every output that can be run. */
  readonly output?: string;
}

const OLDEST_OPSET = 7;
const NEWEST_OPSET = 26;

/**
 * @param bytes the whole file.
 * @throws INVALID_MODEL: not an ONNX file, truncated, external data, weights that are not finite, shapes that do not fit;
 *   UNSUPPORTED_OP: an operator, domain or opset that is not supported.
 */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): Model {
  const proto = decodeModel(bytes);
  const graph = proto.graph as GraphProto;
  const opset = defaultOpset(proto);
  const all = withCaptures(graph.node);
  const outputs = supportedOutputs(proto, graph, all, options.output);
  const read = (wanted: readonly string[]): Model => readOutputs(graph, all, wanted, opset, options);
  try {
    return read(outputs);
  } catch (error) {
    if (!(error instanceof BlindspotError) || outputs.length < 2) throw error;
    // A label beside the scores may be made in ways that are not for here.
    const able = outputs.filter((name) => succeeds(() => read([name])));
    if (able.length === 0) throw error;
    return read(able);
  }
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof BlindspotError) return false;
    throw error;
  }
}

function readOutputs(
  graph: GraphProto,
  all: readonly NodeProto[],
  outputs: readonly string[],
  opset: number,
  options: ReadOptions,
): Model {
  const needed = orderedNodes(all, outputs);
  const read = new Set([...outputs, ...needed.flatMap((node) => node.input)]);
  const initializers = readInitializers(graph, read);
  const inputs = graph.input
    .filter(({ name }) => read.has(name) && !initializers.has(name))
    .map((input, i) => {
      const value = readInput(input);
      if (i > 0) return value;
      return withSize(withChannels(value, options.layout, firstChannels(needed, value.name, initializers)), options);
    });
  const nodes = needed.map((node) => readNode(node));
  try {
    return inferModel({ opset, inputs, initializers, nodes, ...precision(graph, needed, read) }, outputs);
  } catch (error) {
    // What no rule foresaw in a file that holds nonsense.
    if (error instanceof TypeError || error instanceof RangeError) {
      throw invalid('The shapes or numbers in the model make no sense; is the file damaged?', error);
    }
    const open = inputs.find(({ shape }) => !isStatic(shape.slice(1)));
    if (!(error instanceof BlindspotError) || !open) throw error;
    const hint = `Input "${open.name}" is ${formatShape(open.shape)}, but only its batch may vary; give height and width (--size, or the option input.size)`;
    throw invalid(`${hint}. (${error.message})`, error);
  }
}

/** Channels that the convolution of an input takes; undefined when there is none. */
function firstChannels(
  nodes: readonly NodeProto[],
  input: string,
  initializers: ReadonlyMap<string, Tensor>,
): number | undefined {
  const convolution = nodes.find((node) => node.opType === 'Conv' && node.input[0] === input);
  const weights = initializers.get(convolution?.input[1] ?? '');
  const groups = convolution?.attribute.find(({ name }) => name === 'group')?.i ?? 1n;
  const channels = weights?.shape[1];
  return channels === undefined ? undefined : channels * Number(groups);
}

/** Completes a model with the shapes of its values. @throws INVALID_MODEL when they do not fit together. */
export function inferModel(model: Omit<Model, 'outputs' | 'values'>, outputNames: readonly string[]): Model {
  if (outputNames.length === 0) throw invalid('The model has no output');
  const graph = new GraphBuilder();
  const bound = new Map<string, Value>();
  for (const { name, type, shape } of model.inputs) bound.set(name, graph.input(name, type, shape));
  const values = new Map<string, ValueType>();
  for (const [name, { type, shape }] of importModel(graph, model, bound)) values.set(name, { type, shape });
  // Second outputs of some operators (a mask, a mean) are not made here, nor are they scores.
  const made = outputNames.filter((name) => values.has(name));
  if (made.length === 0) throw invalid(`No node makes the output "${outputNames[0]}"; is the file damaged?`);
  const outputs = made.map((name): ModelValue => ({ name, ...(values.get(name) as ValueType) }));
  return { ...model, outputs, values };
}

function invalid(message: string, cause?: unknown): BlindspotError {
  return new BlindspotError('INVALID_MODEL', message, cause === undefined ? {} : { cause });
}

/** The file as it stands. @throws INVALID_MODEL when it is none, or holds no graph. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  const proto = decode(bytes);
  if (!proto.graph) throw invalid('Not an ONNX model: the file holds no graph');
  return proto;
}

function decode(bytes: Uint8Array): ModelProto {
  if (bytes.length === 0) throw invalid('Not an ONNX model: the file is empty');
  // A model starts with ir_version: field 1, a small integer.
  const looksLikeModel = bytes[0] === 0x08 && (bytes[1] ?? 255) < 32;
  try {
    // As a plain Uint8Array: the fields read are of the class given, and slice() of a Buffer is a view, not a copy.
    const proto = fromBinary(ModelProtoSchema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (proto.graph || looksLikeModel) return proto;
  } catch (cause) {
    if (looksLikeModel) throw invalid('The ONNX file is truncated or damaged; export or download it again', cause);
    throw invalid('Not an ONNX model: the file is in another format', cause);
  }
  throw invalid('Not an ONNX model: the file is in another format');
}

function defaultOpset(proto: ModelProto): number {
  const version = proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version;
  const opset = Number(version ?? 0n);
  if (opset < OLDEST_OPSET || opset > NEWEST_OPSET) {
    const found = version === undefined ? 'none' : String(opset);
    throw new BlindspotError(
      'UNSUPPORTED_OP',
      `Expected a model of ONNX opset ${OLDEST_OPSET} to ${NEWEST_OPSET} but received opset ${found}; export it again with opset 17`,
    );
  }
  return opset;
}

/**
 * The outputs that are made by supported operators alone: a second output that is not, a label in words say, does no harm.
 * @throws UNSUPPORTED_OP when there is none; INVALID_MODEL when the one asked for does not exist.
 */
function supportedOutputs(
  proto: ModelProto,
  graph: GraphProto,
  nodes: readonly NodeProto[],
  output: string | undefined,
): string[] {
  const declared = graph.output.map(({ name }) => name);
  const known = (name: string): boolean =>
    declared.includes(name) || graph.node.some((node) => node.output.includes(name));
  if (output !== undefined && !known(output)) {
    throw invalid(
      `Expected the name of an output but the model has no "${output}"; its outputs are ${quoted(declared)}`,
    );
  }
  const wanted = output === undefined ? declared : [output];
  let first: BlindspotError | undefined;
  const supported = wanted.filter((name) => {
    try {
      checkOperators(proto, orderedNodes(nodes, [name]));
      return true;
    } catch (error) {
      if (!(error instanceof BlindspotError)) throw error;
      first ??= error;
      return false;
    }
  });
  if (supported.length === 0 && first) throw first;
  return supported;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

function checkOperators(proto: ModelProto, nodes: readonly NodeProto[]): void {
  if (proto.functions.length > 0) {
    throw new BlindspotError(
      'UNSUPPORTED_OP',
      'The model defines functions of its own; export it with functions inlined',
    );
  }
  for (const node of nodes) {
    const name = nodeName(node);
    const op = qualifiedName(node);
    if (!SUPPORTED_OPS.includes(op)) throw unsupportedOperator(op, name);
  }
}

/** Operators of other domains than the standard one by their whole name. */
export function qualifiedName({ domain, opType }: NodeProto): string {
  return domain === '' || domain === 'ai.onnx' ? opType : `${domain}.${opType}`;
}

function readInitializers(graph: GraphProto, read: ReadonlySet<string>): Map<string, Tensor> {
  const sparse = graph.sparseInitializer.find(({ values }) => read.has(values?.name ?? ''));
  if (sparse) throw invalid(`Weights "${sparse.values?.name ?? ''}" are sparse, which is not supported`);
  const initializers = new Map<string, Tensor>();
  for (const proto of graph.initializer) {
    try {
      initializers.set(proto.name, readTensor(proto, proto.name));
    } catch (error) {
      // What nothing reads may be of any kind.
      if (read.has(proto.name)) throw error;
    }
  }
  return initializers;
}

const BYTES: ReadonlySet<string> = new Set(['uint8', 'int8']);

const HALF_PRECISION: ReadonlySet<number> = new Set([10, 16]);

function precision(
  graph: GraphProto,
  nodes: readonly NodeProto[],
  read: ReadonlySet<string>,
): Pick<Model, 'widened' | 'halfInput' | 'byteInput'> {
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const types = graph.input
    .filter(({ name }) => read.has(name) && !weights.has(name))
    .map(({ type }) => (type?.value.case === 'tensorType' ? type.value.value.elemType : 0));
  const halfInput = types.some((elemType) => HALF_PRECISION.has(elemType));
  const widened =
    halfInput ||
    graph.initializer.some(({ name, dataType }) => read.has(name) && HALF_PRECISION.has(dataType)) ||
    nodes.some(
      ({ opType, attribute }) => opType === 'Cast' && attribute.some(({ i }) => HALF_PRECISION.has(Number(i))),
    );
  const byteInput = types.some((elemType) => BYTES.has(elementTypeOf(elemType) ?? ''));
  return {
    ...(widened ? { widened } : {}),
    ...(halfInput ? { halfInput } : {}),
    ...(byteInput ? { byteInput } : {}),
  };
}

function readInput(input: ValueInfoProto): ModelValue {
  const tensor = input.type?.value.case === 'tensorType' ? input.type.value.value : undefined;
  if (!tensor) throw invalid(`Input "${input.name}" is not a tensor`);
  const type = elementTypeOf(tensor.elemType);
  if (!type)
    throw invalid(`Input "${input.name}" has element type ${onnxTypeName(tensor.elemType)}, which is not supported`);
  if (!tensor.shape) throw invalid(`Input "${input.name}" has no shape; export the model with its input shape`);
  const shape = tensor.shape.dim.map(({ value }, i): Dim => {
    if (value.case === 'dimValue' && value.value > 0n) return Number(value.value);
    return value.case === 'dimParam' && /\D/.test(value.value)
      ? value.value
      : `${input.name.replaceAll('*', '_')}.${i}`;
  });
  // Pixels of 8 bits are searched for as real numbers.
  return { name: input.name, type: BYTES.has(type) ? 'float32' : type, shape };
}

function nodeName(node: NodeProto): string {
  return node.name || node.output[0] || node.opType;
}

function readNode(node: NodeProto): ModelNode {
  const name = nodeName(node);
  const attributes: Record<string, AttributeValue> = {};
  const graphs = new Map<string, GraphProto>();
  for (const attribute of node.attribute) {
    if (attribute.g) graphs.set(attribute.name, attribute.g);
    else attributes[attribute.name] = readAttribute(attribute, node.opType, name);
  }
  const [then, otherwise] = [graphs.get('then_branch'), graphs.get('else_branch')];
  return {
    ...{ op: qualifiedName(node), name, inputs: node.input, outputs: node.output, attributes },
    ...(then && otherwise ? { branches: { holds: readBranch(then), otherwise: readBranch(otherwise) } } : {}),
  };
}

function readBranch(graph: GraphProto): Branch {
  const outputs = graph.output.map(({ name }) => name);
  const nodes = orderedNodes(withCaptures(graph.node), outputs);
  const read = new Set([...outputs, ...nodes.flatMap((node) => node.input)]);
  return { nodes: nodes.map(readNode), initializers: readInitializers(graph, read), outputs };
}

function readAttribute(attribute: AttributeProto, op: string, node: string): AttributeValue {
  const Type = AttributeProto_AttributeType;
  const tensor = (proto: TensorProto | undefined): Tensor => {
    if (!proto) throw invalid(`${op} "${node}": attribute "${attribute.name}" is empty`);
    return readTensor(proto, proto.name || node);
  };
  switch (attribute.type) {
    case Type.FLOAT:
      return attribute.f;
    case Type.INT:
      return Number(attribute.i);
    case Type.STRING:
      return new TextDecoder().decode(attribute.s);
    case Type.FLOATS:
      return attribute.floats;
    case Type.INTS:
      return attribute.ints.map(Number);
    case Type.STRINGS:
      return attribute.strings.map((text) => new TextDecoder().decode(text));
    case Type.TENSOR:
      return tensor(attribute.t);
    default:
      throw invalid(`${op} "${node}": attribute "${attribute.name}" is of a kind that is not supported`);
  }
}
