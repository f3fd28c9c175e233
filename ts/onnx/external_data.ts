/** Weights that an ONNX file keeps in other files beside it: which ones, and the model with them put in. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type TensorProto, TensorProto_DataLocation } from 'onnx-buf';
import { BlindspotError } from '../errors.ts';

/** Tensors in other files: initializers, and attributes of nodes. */
function externalTensors(bytes: Uint8Array): { proto: ReturnType<typeof decode>; tensors: TensorProto[] } {
  const proto = decode(bytes);
  const { graph } = proto;
  const constants = graph?.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => (t ? [t] : []))) ?? [];
  const tensors = [...(graph?.initializer ?? []), ...constants].filter(
    ({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL,
  );
  return { proto, tensors };
}

function decode(bytes: Uint8Array) {
  return fromBinary(ModelProtoSchema, bytes);
}

function entry(tensor: TensorProto, key: string): string | undefined {
  return tensor.externalData.find((field) => field.key === key)?.value;
}

/** Names of the other files, relative to the model's; none when it is no ONNX file at all. */
export function externalFiles(bytes: Uint8Array): string[] {
  try {
    return [...new Set(externalTensors(bytes).tensors.map((tensor) => entry(tensor, 'location') ?? ''))];
  } catch {
    // Whoever reads it as a model says so.
    return [];
  }
}

/**
 * The model as one file.
 * @param files the other files, by name.
 * @throws INVALID_MODEL when one is too short.
 */
export function withExternalData(bytes: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const { proto, tensors } = externalTensors(bytes);
  for (const tensor of tensors) {
    const location = entry(tensor, 'location') ?? '';
    const file = files.get(location) ?? new Uint8Array();
    const offset = Number(entry(tensor, 'offset') ?? 0);
    const length = Number(entry(tensor, 'length') ?? file.length - offset);
    if (!(offset >= 0 && length >= 0 && offset + length <= file.length)) {
      throw new BlindspotError(
        'INVALID_MODEL',
        `Weights "${tensor.name}" are bytes ${offset} to ${offset + length} of ${location}, which has ${file.length}; copy it again`,
      );
    }
    tensor.rawData = file.slice(offset, offset + length);
    tensor.externalData = [];
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT;
  }
  return toBinary(ModelProtoSchema, proto) as Uint8Array<ArrayBuffer>;
}
