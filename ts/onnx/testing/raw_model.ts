/** ONNX files as other exporters write them, of any opset, for tests. */

import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import type {
  AttributeProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { AttributeProto_AttributeType, ModelProtoSchema } from 'onnx-buf';

type Init<Schema extends Parameters<typeof create>[0]> = MessageInitShape<Schema>;

/** Floats are numbers, ints bigints. */
type RawAttribute =
  | number
  | bigint
  | string
  | readonly number[]
  | readonly bigint[]
  | readonly string[]
  | Init<typeof TensorProtoSchema>;

export function rawNode(
  opType: string,
  input: string[],
  output: string[],
  attributes: Record<string, RawAttribute> = {},
  name = '',
): Init<typeof NodeProtoSchema> {
  return {
    opType,
    input,
    output,
    name,
    attribute: Object.entries(attributes).map(([key, value]) => rawAttribute(key, value)),
  };
}

function rawAttribute(name: string, value: RawAttribute): Init<typeof AttributeProtoSchema> {
  const Type = AttributeProto_AttributeType;
  if (typeof value === 'number') return { name, type: Type.FLOAT, f: value };
  if (typeof value === 'bigint') return { name, type: Type.INT, i: value };
  if (typeof value === 'string') return { name, type: Type.STRING, s: new TextEncoder().encode(value) };
  if (!Array.isArray(value)) return { name, type: Type.TENSOR, t: value as Init<typeof TensorProtoSchema> };
  if (typeof value[0] === 'string') {
    const encoder = new TextEncoder();
    return { name, type: Type.STRINGS, strings: (value as string[]).map((text) => encoder.encode(text)) };
  }
  return typeof value[0] === 'bigint'
    ? { name, type: Type.INTS, ints: value as bigint[] }
    : { name, type: Type.FLOATS, floats: value as number[] };
}

export function rawValue(
  name: string,
  shape: readonly (number | string | undefined)[],
  elemType = 1,
): Init<typeof ValueInfoProtoSchema> {
  const dim = shape.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : size === undefined
        ? {}
        : { value: { case: 'dimParam' as const, value: size } },
  );
  return { name, type: { value: { case: 'tensorType', value: { elemType, shape: { dim } } } } };
}

export function rawFloats(
  name: string,
  dims: readonly number[],
  values: readonly number[],
): Init<typeof TensorProtoSchema> {
  return { name, dims: dims.map(BigInt), dataType: 1, floatData: [...values] };
}

export function rawInts(name: string, values: readonly number[]): Init<typeof TensorProtoSchema> {
  return { name, dims: [BigInt(values.length)], dataType: 7, int64Data: values.map(BigInt) };
}

/** An ONNX file as an exporter of that opset would write it. */
export function rawModel(opset: number, graph: Init<typeof GraphProtoSchema>, domain = ''): Uint8Array<ArrayBuffer> {
  const irVersion = opset < 9 ? 3n : opset < 15 ? 7n : opset < 21 ? 8n : 10n;
  const proto = create(ModelProtoSchema, {
    irVersion,
    opsetImport: [
      { domain, version: BigInt(opset) },
      ...[
        { domain: 'com.microsoft', version: 1n },
        { domain: 'ai.onnx.ml', version: 3n },
      ].filter((own) => graph.node?.some((node) => node.domain === own.domain)),
    ],
    graph: { name: 'test', ...graph } as Init<typeof GraphProtoSchema>,
  });
  return toBinary(ModelProtoSchema, proto) as Uint8Array<ArrayBuffer>;
}
