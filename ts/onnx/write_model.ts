/** Encodes a built graph as an ONNX file: opset 17, IR version 8, weights as raw_data. */
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { ONNX_DATA_TYPE, toInt64 } from './element_type.ts';
import type { GraphBuilder } from './graph_builder.ts';
import type { AttributeKind } from './op_rule.ts';
import { OP_RULES } from './op_table.ts';
import type { Tensor } from './tensor.ts';
import type { AttributeValue, GraphNode, Value } from './value.ts';

export const IR_VERSION = 8;
export const OPSET = 17;

export function encodeModel(graph: GraphBuilder): Uint8Array<ArrayBuffer> {
  const { nodes, constants } = needed(graph);
  const names = finalNames(graph, nodes, constants);
  const nodeNames = uniqueNames(nodes.map(({ name }) => name));
  const nameOf = (value: Value | undefined): string => (value ? (names.get(value) ?? value.name) : '');
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) })],
    producerName: 'blindspot',
    graph: create(GraphProtoSchema, {
      name: graph.name,
      input: graph.inputs.map((value) => encodeValueInfo(value, value.name)),
      output: graph.outputs.map(({ name, value }) => encodeValueInfo(value, name)),
      initializer: constants.flatMap((value) => (value.constant ? [encodeTensor(value.constant, nameOf(value))] : [])),
      node: nodes.map((node, i) => encodeNode(node, nodeNames[i] ?? '', nameOf)),
    }),
  });
  return toBinary(ModelProtoSchema, model) as Uint8Array<ArrayBuffer>;
}

/** The nodes and constants that the outputs depend on, in order. */
function needed(graph: GraphBuilder): { nodes: GraphNode[]; constants: Value[] } {
  const wanted = new Set<Value>(graph.outputs.map((output) => output.value));
  const nodes: GraphNode[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    if (!node?.outputs.some((output) => wanted.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) if (input) wanted.add(input);
  }
  return { nodes: nodes.reverse(), constants: [...wanted].filter((value) => value.constant !== undefined) };
}

/** Outputs take the names they were given; any other value of that name gets out of the way. */
function finalNames(graph: GraphBuilder, nodes: readonly GraphNode[], constants: readonly Value[]): Map<Value, string> {
  const names = new Map<Value, string>();
  const taken = new Set<string>();
  const assign = (value: Value, wanted: string): void => {
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    names.set(value, name);
  };
  for (const value of graph.inputs) assign(value, value.name);
  for (const { name, value } of graph.outputs) assign(value, name);
  for (const value of constants) if (!names.has(value)) assign(value, value.name);
  for (const node of nodes) for (const value of node.outputs) if (!names.has(value)) assign(value, value.name);
  return names;
}

/** ONNX Runtime refuses two nodes of one name, which files have and what is made from them would: later ones get a number. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(names);
  const seen = new Set<string>();
  return names.map((wanted) => {
    let name = wanted;
    for (let i = 2; seen.has(name) || (name !== wanted && taken.has(name)); i++) name = `${wanted}_${i}`;
    seen.add(name);
    return name;
  });
}

function encodeNode(node: GraphNode, name: string, nameOf: (value: Value | undefined) => string): NodeProto {
  const kinds: Readonly<Record<string, AttributeKind>> = OP_RULES[node.op].attributes;
  return create(NodeProtoSchema, {
    name,
    opType: node.op,
    input: node.inputs.map(nameOf),
    output: node.outputs.map(nameOf),
    attribute: Object.entries(node.attributes).map(([name, value]) => encodeAttribute(name, kinds[name], value)),
  });
}

function encodeAttribute(name: string, kind: AttributeKind | undefined, value: AttributeValue): AttributeProto {
  const Type = AttributeProto_AttributeType;
  switch (kind) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: Type.INT, i: toInt64(value as number) });
    case 'float':
      return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: value as number });
    case 'string':
      return create(AttributeProtoSchema, { name, type: Type.STRING, s: new TextEncoder().encode(value as string) });
    case 'ints':
      return create(AttributeProtoSchema, { name, type: Type.INTS, ints: (value as readonly number[]).map(toInt64) });
    case 'floats':
      return create(AttributeProtoSchema, { name, type: Type.FLOATS, floats: [...(value as readonly number[])] });
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: Type.TENSOR, t: encodeTensor(value as Tensor, '') });
    case undefined:
      throw new TypeError(`attribute ${name} has no kind`);
  }
}

function encodeTensor(tensor: Tensor, name: string): TensorProto {
  const { data } = tensor;
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: ONNX_DATA_TYPE[tensor.type],
    rawData: bytes,
  });
}

function encodeValueInfo(value: Value, name: string): ValueInfoProto {
  const dim = value.shape.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: ONNX_DATA_TYPE[value.type], shape: { dim } } } },
  });
}
