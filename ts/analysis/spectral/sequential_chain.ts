/** A model as the chain of maps φ_K ∘ … ∘ φ_1 that the product bound is about, from the image to the logits. */
import { BlindspotError } from '../../errors.ts';
import { describeClassifier, scoreOutput } from '../../onnx/classifier.ts';
import { isFloat } from '../../onnx/element_type.ts';
import { finalSoftmax } from '../../onnx/endings.ts';
import { GraphBuilder } from '../../onnx/graph_builder.ts';
import { leaveOut } from '../../onnx/leave_out.ts';
import type { Model } from '../../onnx/model.ts';
import { BATCH, importWithBatch } from '../../onnx/rebatch.ts';
import type { GraphNode, Value } from '../../onnx/value.ts';

export interface ChainLink {
  readonly node: GraphNode;
  /** What comes from the link before; the node's other inputs are constant. */
  readonly input: Value;
  readonly output: Value;
}

/**
 * The nodes in order; a softmax at the end is left out, so that the chain ends in logits.
 * @throws INVALID_MODEL when the model is no classifier; UNSUPPORTED_OP when it branches or joins.
 */
export function sequentialChain(model: Model): ChainLink[] {
  const { inputName, imageShape } = describeClassifier(model);
  const bare = leaveOut(model, finalSoftmax(model, scoreOutput(model).name));
  const { name } = scoreOutput(bare);
  const graph = new GraphBuilder({ name: 'chain' });
  const image = graph.input('image', 'float32', [BATCH, ...imageShape]);
  const scores = importWithBatch(graph, bare, inputName, image, [name]).get(name);

  const chain: ChainLink[] = [];
  const varying = new Set<Value>([image]);
  let end = image;
  for (const node of graph.nodes) {
    const output = node.outputs[0];
    // Shapes of what flows are integers: they vary with the batch alone.
    if (!output || !isFloat(output.type)) continue;
    const read = node.inputs.filter((value): value is Value => value !== undefined && varying.has(value));
    const [input, ...others] = read;
    if (!input) continue;
    if (others.length > 0) throw notSequential(`${node.op} "${node.name}" joins branches`);
    if (input !== end) throw notSequential(`"${input.name}" is read by more than one node, last by "${node.name}"`);
    varying.add(output);
    chain.push({ node, input, output });
    end = output;
  }
  if (scores !== end) throw notSequential(`the output "${name}" is not the end of one chain`);
  return chain;
}

function notSequential(reason: string): BlindspotError {
  return new BlindspotError(
    'UNSUPPORTED_OP',
    `Bounds by layers need a sequential model, one chain of layers, but ${reason}`,
  );
}
