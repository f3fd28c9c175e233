/** What stands in an ONNX file, whether it can be attacked or not. */
import type { GraphProto, NodeProto, ValueInfoProto } from 'onnx-buf';
import { onnxTypeName } from './element_type.ts';
import { SUPPORTED_OPS } from './import_node.ts';
import { decodeModel, qualifiedName } from './read_model.ts';

export interface FileValue {
  readonly name: string;
  /** As ONNX calls it, float16 say; 'not a tensor' for sequences and maps. */
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface FileOperator {
  readonly op: string;
  readonly count: number;
  readonly supported: boolean;
  /** Name of the first such node. */
  readonly first: string;
}

export interface FileDescription {
  readonly irVersion: number;
  /** Of the standard operators; undefined where the file names none. */
  readonly opset: number | undefined;
  readonly producer: string;
  /** Weights left out. */
  readonly inputs: readonly FileValue[];
  readonly outputs: readonly FileValue[];
  /** The commonest first. */
  readonly operators: readonly FileOperator[];
  /** Number of weights. */
  readonly parameters: number;
  /** Types of the weights that are not whole numbers, and of quantised ones. */
  readonly precisions: readonly string[];
}

/** @throws INVALID_MODEL when the bytes are no ONNX file. */
export function describeFile(bytes: Uint8Array): FileDescription {
  const proto = decodeModel(bytes);
  const graph = proto.graph as GraphProto;
  const weights = new Set(graph.initializer.map(({ name }) => name));
  const opset = proto.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version;
  // Some exporters write weights as nodes.
  const constants = graph.node.filter(({ opType }) => opType === 'Constant').flatMap(({ attribute }) => attribute);
  const tensors = [...graph.initializer, ...constants.flatMap(({ t }) => (t ? [t] : []))];
  const large = tensors.filter(({ dims }) => dims.length > 1);
  return {
    irVersion: Number(proto.irVersion),
    opset: opset === undefined ? undefined : Number(opset),
    producer: [proto.producerName, proto.producerVersion].filter((word) => word !== '').join(' '),
    inputs: graph.input.filter(({ name }) => !weights.has(name)).map(fileValue),
    outputs: graph.output.map(fileValue),
    operators: operatorsOf(graph.node),
    parameters: tensors.reduce((total, { dims }) => total + dims.reduce((product, dim) => product * Number(dim), 1), 0),
    precisions: [...new Set(large.map(({ dataType }) => onnxTypeName(dataType)))].filter((type) => type !== 'int64'),
  };
}

function fileValue({ name, type }: ValueInfoProto): FileValue {
  const tensor = type?.value.case === 'tensorType' ? type.value.value : undefined;
  const shape = tensor?.shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue' && value.value > 0n) return Number(value.value);
    return value.case === 'dimParam' && value.value !== '' ? value.value : '?';
  });
  return { name, type: tensor ? onnxTypeName(tensor.elemType) : 'not a tensor', shape: shape ?? [] };
}

function operatorsOf(nodes: readonly NodeProto[]): FileOperator[] {
  const found = new Map<string, { count: number; first: string }>();
  for (const node of nodes) {
    const op = qualifiedName(node);
    const entry = found.get(op);
    if (entry) entry.count += 1;
    else found.set(op, { count: 1, first: node.name || node.output[0] || '' });
  }
  return [...found]
    .map(([op, entry]) => ({ op, ...entry, supported: SUPPORTED_OPS.includes(op) }))
    .sort((a, b) => b.count - a.count || (a.op < b.op ? -1 : 1));
}
