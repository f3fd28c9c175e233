/** The model that is saved: input `image` [N, …] in [0, 1], output `logits` [N, classes], weights as initializers. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema } from 'onnx-buf';
import { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';
import type { ModelDefinition } from './layers.ts';
import { applyLayers, parameterSpecs } from './network.ts';

/**
 * @param parameters by name, kept not copied; without them they are inputs of the graph, as evaluation between two
 *   epochs wants it.
 * @param metadata written to the file's metadata_props.
 */
export function buildInferenceModel(
  model: ModelDefinition,
  parameters?: ReadonlyMap<string, Float32Array>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder({ name: model.name });
  const image = graph.input('image', 'float32', ['N', ...model.inputShape]);
  const values = new Map<string, Value>();
  for (const { name, shape } of parameterSpecs(model)) {
    const data = parameters?.get(name);
    if (parameters !== undefined && data === undefined) throw new TypeError(`no values for the parameter ${name}`);
    values.set(name, data ? graph.constant(data, shape, name) : graph.input(name, 'float32', shape));
  }
  graph.output(applyLayers(graph, model, image, values), 'logits');
  return withMetadata(graph.toBytes(), metadata);
}

function withMetadata(
  bytes: Uint8Array<ArrayBuffer>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(metadata);
  if (entries.length === 0) return bytes;
  const model = fromBinary(ModelProtoSchema, bytes);
  model.metadataProps.push(...entries.map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })));
  return toBinary(ModelProtoSchema, model) as Uint8Array<ArrayBuffer>;
}
