/**
 * A model whose scores are multiplied, by the weights of its last layer: which changes no answer, and should change no
 * distance. A factor after the last layer would be seen and taken off again.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type GraphProto, ModelProtoSchema, type NodeProto, type TensorProto } from 'onnx-buf';

/** @returns undefined when the scores are not those of a dense layer whose weights stand in the file as float32. */
export function scaledScores(bytes: Uint8Array, factor: number): Uint8Array<ArrayBuffer> | undefined {
  const model = fromBinary(ModelProtoSchema, bytes);
  const { graph } = model;
  const last = graph && maker(graph, graph.output[0]?.name);
  if (graph === undefined || last === undefined) return undefined;
  const weights = lastWeights(graph, last);
  if (weights === undefined || weights.length === 0) return undefined;
  for (const weight of weights) if (!multiply(weight, factor)) return undefined;
  return toBinary(ModelProtoSchema, model) as Uint8Array<ArrayBuffer>;
}

function maker(graph: GraphProto, value: string | undefined): NodeProto | undefined {
  return graph.node.find(({ output }) => output.includes(value ?? ''));
}

/** Of x·W + b as Gemm, or as Add(MatMul). */
function lastWeights(graph: GraphProto, last: NodeProto): TensorProto[] | undefined {
  const initializer = (name: string) => graph.initializer.find((tensor) => tensor.name === name);
  const constants = last.input.map(initializer).filter((tensor) => tensor !== undefined);
  if (last.opType === 'Gemm') return constants.length === last.input.length - 1 ? constants : undefined;
  if (last.opType === 'MatMul') return constants.length === 1 ? constants : undefined;
  if (last.opType !== 'Add' || constants.length !== 1) return undefined;
  const product = last.input.map((name) => maker(graph, name)).find((node) => node !== undefined);
  const inner = product?.opType === 'MatMul' ? lastWeights(graph, product) : undefined;
  return inner && [...constants, ...inner];
}

const FLOAT32 = 1;

function multiply(tensor: TensorProto, factor: number): boolean {
  if (tensor.dataType !== FLOAT32) return false;
  tensor.floatData = tensor.floatData.map((value) => value * factor);
  const raw = Float32Array.from(
    { length: tensor.rawData.length / 4 },
    (_, i) => factor * new DataView(tensor.rawData.buffer, tensor.rawData.byteOffset).getFloat32(4 * i, true),
  );
  tensor.rawData = new Uint8Array(raw.buffer);
  return true;
}
