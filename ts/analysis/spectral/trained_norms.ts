/**
 * Table 5 of Szegedy et al. 2013 for any trained network: the operator norm of every convolution, by the paper's formula in
 * the frequency domain (circular boundary), and of every dense layer. A batch normalisation right behind a layer is folded
 * into its weights, as it is when the network runs: alone they have any scale.
 */

import { BlindspotError } from '../../errors.ts';
import { describeClassifier, scoreOutput } from '../../onnx/classifier.ts';
import { GraphBuilder } from '../../onnx/graph_builder.ts';
import type { Model } from '../../onnx/model.ts';
import { numberAttribute } from '../../onnx/op_rule.ts';
import { BATCH, importWithBatch } from '../../onnx/rebatch.ts';
import type { GraphNode } from '../../onnx/value.ts';
import { circularNorms, convolutionOf } from './convolution_bound.ts';
import { layerBound } from './layer_bound.ts';
import { requireWeights } from './layer_rule.ts';
import { matrixOperator } from './linear_operator.ts';
import { operatorNorm } from './operator_norm.ts';
import { sequentialChain } from './sequential_chain.ts';

export interface TrainedNorm {
  /** Name of the node in the model. */
  readonly layer: string;
  readonly kind: 'convolution' | 'dense';
  /** As the paper writes it: "3 × 11 × 11 × 96", "9216 × 4096"; of a grouped convolution, the channels of a group first. */
  readonly size: string;
  /** Null for dense layers. */
  readonly stride: number | null;
  readonly norm: number;
  /** Δ⁻² and N², as the paper prints the formula; null where there is no stride. */
  readonly printed: number | null;
  /** Whether a batch normalisation is folded in. */
  readonly folded: boolean;
}

interface LinearLayer {
  readonly node: GraphNode;
  /** The batch normalisation that alone reads what the layer makes. */
  readonly normalisation: GraphNode | undefined;
}

/**
 * The convolutions and dense layers of a classifier, in the model's order; branches do not matter.
 * @param visit called after each layer; what it throws ends the work.
 * @throws UNSUPPORTED_OP for a convolution of three dimensions.
 */
export async function trainedNorms(
  model: Model,
  visit?: (done: number, of: number) => Promise<void> | void,
): Promise<TrainedNorm[]> {
  const layers = linearLayers(model);
  const norms: TrainedNorm[] = [];
  for (const layer of layers) {
    norms.push(layer.node.op === 'Conv' ? convolutionNorm(layer) : denseNorm(layer));
    await visit?.(norms.length, layers.length);
  }
  return norms;
}

/**
 * L ≤ Π L_k of a model that is one chain, with these norms for its convolutions and dense layers.
 * @returns null when the model branches, or has a layer without a rule.
 */
export function productOfNorms(model: Model, norms: readonly TrainedNorm[]): number | null {
  const byName = new Map(norms.map((norm) => [norm.layer, norm]));
  try {
    let product = 1;
    let isFolded = false;
    for (const link of sequentialChain(model)) {
      const norm = byName.get(link.node.name);
      if (!(isFolded && link.node.op === 'BatchNormalization')) product *= norm?.norm ?? layerBound(link).norm;
      isFolded = norm?.folded === true;
    }
    return product;
  } catch (error) {
    if (error instanceof BlindspotError && error.code === 'UNSUPPORTED_OP') return null;
    throw error;
  }
}

function linearLayers(model: Model): LinearLayer[] {
  const { inputName, imageShape } = describeClassifier(model);
  const graph = new GraphBuilder({ name: 'layers' });
  const image = graph.input('image', 'float32', [BATCH, ...imageShape]);
  importWithBatch(graph, model, inputName, image, [scoreOutput(model).name]);
  const linear = graph.nodes.filter(
    ({ op, inputs }) => ['Conv', 'Gemm', 'MatMul'].includes(op) && inputs[1]?.constant !== undefined,
  );
  return linear.map((node) => {
    const readers = graph.nodes.filter(({ inputs }) => inputs.includes(node.outputs[0]));
    const [reader] = readers;
    const isFolded = readers.length === 1 && reader?.op === 'BatchNormalization';
    return { node, normalisation: isFolded ? reader : undefined };
  });
}

function convolutionNorm({ node, normalisation }: LinearLayer): TrainedNorm {
  const [input] = node.inputs;
  if (input === undefined) throw new TypeError(`${node.name} has no input`);
  const { convolution } = convolutionOf(node, input);
  const { shape } = requireWeights(node, 1);
  const weights = scaledRows(convolution.weights, convolution.outputChannels, normalisation);
  const { circular, printed } = circularNorms({ ...convolution, weights });
  const [filters, channels, ...kernel] = shape;
  return {
    layer: node.name,
    kind: 'convolution',
    size: [channels, ...kernel, filters].join(' × '),
    stride: convolution.strides?.[0] ?? 1,
    norm: circular,
    printed,
    folded: normalisation !== undefined,
  };
}

function denseNorm({ node, normalisation }: LinearLayer): TrainedNorm {
  const { numbers, shape } = requireWeights(node, 1);
  const isTransposed = numberAttribute(node, 'transB', 0) !== 0;
  const [rows = 0, columns = 0] = shape;
  const [inputs, outputs] = isTransposed ? [columns, rows] : [rows, columns];
  const weights = isTransposed
    ? scaledRows(numbers, outputs, normalisation)
    : scaledColumns(numbers, outputs, normalisation);
  const { norm } = operatorNorm(matrixOperator(weights, rows, columns));
  return {
    layer: node.name,
    kind: 'dense',
    size: `${inputs} × ${outputs}`,
    stride: null,
    norm: norm * Math.abs(numberAttribute(node, 'alpha', 1)),
    printed: null,
    folded: normalisation !== undefined,
  };
}

/** scale/√(variance + ε) of each output. */
function factorsOf(normalisation: GraphNode): Float64Array {
  const scale = requireWeights(normalisation, 1).numbers;
  const variance = requireWeights(normalisation, 4).numbers;
  const epsilon = numberAttribute(normalisation, 'epsilon', 1e-5);
  return Float64Array.from(scale, (value, i) => value / Math.sqrt((variance[i] as number) + epsilon));
}

function scaledRows(weights: ArrayLike<number>, outputs: number, normalisation: GraphNode | undefined) {
  if (normalisation === undefined) return weights;
  const factors = factorsOf(normalisation);
  const inner = weights.length / outputs;
  return Float32Array.from(weights, (value, i) => value * (factors[Math.floor(i / inner)] as number));
}

function scaledColumns(weights: ArrayLike<number>, outputs: number, normalisation: GraphNode | undefined) {
  if (normalisation === undefined) return weights;
  const factors = factorsOf(normalisation);
  return Float32Array.from(weights, (value, i) => value * (factors[i % outputs] as number));
}
