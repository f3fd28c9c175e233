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
import { elementTypeOf, onnxTypeName } from './element_type.ts';
import { GraphBuilder } from './graph_builder.ts';
import { importModel } from './import_model.ts';
import { SUPPORTED_OPS } from './import_node.ts';
import type { Model, ModelNode, ModelValue } from './model.ts';
import { readTensor } from './read_tensor.ts';
import { type Dim, formatShape, isStatic } from './shape.ts';
import type { Tensor } from './tensor.ts';
import type { AttributeValue, Value, ValueType } from './value.ts';

const OLDEST_OPSET = 7;
const NEWEST_OPSET = 26;

/**
 * @param bytes the whole file.
 * @throws INVALID_MODEL: not an ONNX file, truncated, external data, weights that are not finite, shapes that do not fit;
 *   UNSUPPORTED_OP: an operator, domain or opset that is not supported.
 */
export function readModel(bytes: Uint8Array): Model {
  const proto = decode(bytes);
  if (!proto.graph) throw invalid('Not an ONNX model: the file holds no graph');
  const opset = defaultOpset(proto);
  checkOperators(proto, proto.graph);
  const initializers = readInitializers(proto.graph);
  const inputs = proto.graph.input.filter((input) => !initializers.has(input.name)).map(readInput);
  const nodes = proto.graph.node.map((node) => readNode(node));
  const outputs = proto.graph.output.map((output) => output.name);
  try {
    return inferModel({ opset, inputs, initializers, nodes }, outputs);
  } catch (error) {
    const open = inputs.find(({ shape }) => !isStatic(shape.slice(1)));
    if (!(error instanceof BlindspotError) || !open) throw error;
    const hint = `Input "${open.name}" is ${formatShape(open.shape)}, but only its batch may vary; export it with fixed sizes`;
    throw invalid(`${hint}. (${error.message})`, error);
  }
}

/** Completes a model with the shapes of its values. @throws INVALID_MODEL when they do not fit together. */
export function inferModel(model: Omit<Model, 'outputs' | 'values'>, outputNames: readonly string[]): Model {
  if (outputNames.length === 0) throw invalid('The model has no output');
  const graph = new GraphBuilder();
  const bound = new Map<string, Value>();
  for (const { name, type, shape } of model.inputs) bound.set(name, graph.input(name, type, shape));
  const values = new Map<string, ValueType>();
  for (const [name, { type, shape }] of importModel(graph, model, bound)) values.set(name, { type, shape });
  const outputs = outputNames.map((name): ModelValue => {
    const type = values.get(name);
    if (!type) throw invalid(`No node makes the output "${name}"; is the file damaged?`);
    return { name, ...type };
  });
  return { ...model, outputs, values };
}

function invalid(message: string, cause?: unknown): BlindspotError {
  return new BlindspotError('INVALID_MODEL', message, cause === undefined ? {} : { cause });
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

function checkOperators(proto: ModelProto, graph: GraphProto): void {
  if (proto.functions.length > 0) {
    throw new BlindspotError(
      'UNSUPPORTED_OP',
      'The model defines functions of its own; export it with functions inlined',
    );
  }
  for (const node of graph.node) {
    const name = nodeName(node);
    const domain = node.domain === 'ai.onnx' ? '' : node.domain;
    if (domain !== '') {
      throw new BlindspotError(
        'UNSUPPORTED_OP',
        `Operator ${domain}.${node.opType} (node "${name}") is not supported: only standard ONNX operators are`,
      );
    }
    if (!SUPPORTED_OPS.includes(node.opType)) {
      throw new BlindspotError(
        'UNSUPPORTED_OP',
        `Operator ${node.opType} (node "${name}") is not supported; supported are ${SUPPORTED_OPS.join(', ')}`,
      );
    }
  }
}

function readInitializers(graph: GraphProto): Map<string, Tensor> {
  const [sparse] = graph.sparseInitializer;
  if (sparse) throw invalid(`Weights "${sparse.values?.name ?? ''}" are sparse, which is not supported`);
  return new Map(graph.initializer.map((proto) => [proto.name, readTensor(proto, proto.name)]));
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
  return { name: input.name, type, shape };
}

function nodeName(node: NodeProto): string {
  return node.name || node.output[0] || node.opType;
}

function readNode(node: NodeProto): ModelNode {
  const name = nodeName(node);
  const attributes: Record<string, AttributeValue> = {};
  for (const attribute of node.attribute) attributes[attribute.name] = readAttribute(attribute, node.opType, name);
  return { op: node.opType, name, inputs: node.input, outputs: node.output, attributes };
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
    case Type.TENSOR:
      return tensor(attribute.t);
    default:
      throw invalid(`${op} "${node}": attribute "${attribute.name}" is of a kind that is not supported`);
  }
}
