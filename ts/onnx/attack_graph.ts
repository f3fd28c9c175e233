/**
 * The graphs that attacks run, made from any classifier. With logits z, class k, sign and temperature τ of each image,
 * the smoothed margin is
 *   s = sign·(τ·log Σ_{j≠k} exp(z_j/τ) - z_k),   ∂s/∂z = sign·(softmax_{j≠k}(z/τ) - one_hot(k)),
 * and the graph answers z and ∂s/∂image. sign is +1 for a class to reach, -1 for the class to leave.
 */
import { BlindspotError } from '../errors.ts';
import { describeClassifier, scoreOutput } from './classifier.ts';
import { reshapeTo } from './cotangent_shape.ts';
import { finalNormalization, finalSoftmax } from './endings.ts';
import { gradients } from './gradients.ts';
import { GraphBuilder } from './graph_builder.ts';
import { leaveOut } from './leave_out.ts';
import type { Model } from './model.ts';
import type { GraphTarget } from './op_rule.ts';
import { isOpName, OP_RULES } from './op_table.ts';
import { poolBeforeRelu } from './pool_before_relu.ts';
import { BATCH, importWithBatch } from './rebatch.ts';
import { formatShape, sameShape } from './shape.ts';
import type { Value } from './value.ts';

export interface AttackGraphOptions {
  /** Execution provider the graph is for; default 'cpu' (also for cuda and wasm). */
  target?: GraphTarget;
  /** Adds the input `smoothing`; default false. */
  smoothing?: boolean;
}

/** Far below any logit; finite, since -∞ - (-∞) is no number. */
const MASKED = -3e38;

/**
 * float32 inputs `image` [N, …imageShape], `one_hot` [N, K], `sign` [N, 1], `temperature` [N, 1] (> 0, safe down to 1e-3);
 * float32 outputs `logits` [N, K], `gradient` [N, …imageShape]. With a float32 input `smoothing` [N, 1], the kinks that
 * the gradient meets are rounded: over so many root mean squares of the values there, an image each; 0 is exact.
 * @throws INVALID_MODEL when the model is no classifier, or its batch cannot be made variable.
 */
export function attackGraph(model: Model, options: AttackGraphOptions = {}): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder({ name: 'attack', inputs: ['one_hot', 'sign', 'temperature', 'smoothing'] });
  const { image, logits, classes } = importClassifier(
    graph,
    options.smoothing ? poolBeforeRelu(model) : model,
    finalNormalization,
  );
  const oneHot = graph.input('one_hot', 'float32', [BATCH, classes]);
  const sign = graph.input('sign', 'float32', [BATCH, 1]);
  const temperature = graph.input('temperature', 'float32', [BATCH, 1]);
  const cotangent = marginCotangent(graph, logits, oneHot, sign, temperature);
  const smoothing = options.smoothing ? graph.input('smoothing', 'float32', [BATCH, 1]) : undefined;
  const [gradient] = gradients(graph, logits, [image], cotangent, {
    target: options.target ?? 'cpu',
    ...(smoothing ? { smoothing } : {}),
  });
  if (!gradient) throw new TypeError('no gradient was made');
  graph.output(logits, 'logits');
  graph.output(gradient, 'gradient');
  return graph.toBytes();
}

/** Whether a search is to begin with `smoothing`. */
export function hasRoundedKinks(model: Model): boolean {
  return model.nodes.some(({ op }) => isOpName(op) && OP_RULES[op].roundsKinks === 'leads');
}

/** Input `image` [N, …imageShape], output `logits` [N, K]: the model itself but for a softmax at its end, for judging. */
export function logitsGraph(model: Model): Uint8Array<ArrayBuffer> {
  const graph = new GraphBuilder({ name: 'logits' });
  graph.output(importClassifier(graph, model, finalSoftmax).logits, 'logits');
  return graph.toBytes();
}

const NEGLIGIBLE_EXPONENT = -40;

/**
 * ∂s/∂z: [N, K]. The maximum of the other classes is subtracted before the division by τ, where it still is exact;
 * the class itself is masked first, so that a large z_k cannot drown the others.
 */
function marginCotangent(graph: GraphBuilder, logits: Value, oneHot: Value, sign: Value, temperature: Value): Value {
  const isClass = graph.greater(oneHot, graph.scalar(0.5));
  const others = graph.where(isClass, graph.scalar(MASKED), logits);
  const shifted = graph.sub(others, graph.reduceMax(others, [1]));
  const exponents = graph.div(shifted, temperature);
  // Weights under e^-40 are 0: as denormal numbers they would slow every matrix product behind by a factor of ten.
  const negligible = graph.greater(graph.scalar(NEGLIGIBLE_EXPONENT), exponents);
  const weights = graph.op('Softmax', [graph.where(negligible, graph.scalar(MASKED), exponents)], { axis: -1 });
  return graph.mul(graph.sub(weights, oneHot), sign);
}

function importClassifier(
  graph: GraphBuilder,
  model: Model,
  ending: typeof finalNormalization,
): { image: Value; logits: Value; classes: number } {
  const { inputName, imageShape, classes, batch } = describeClassifier(model);
  const image = graph.input('image', 'float32', [BATCH, ...imageShape]);
  const bare = leaveOut(model, ending(model, scoreOutput(model).name));
  const { name } = scoreOutput(bare);
  const scores = importWithBatch(graph, bare, inputName, image, [name]).get(name);
  if (scores?.shape[0] !== BATCH) {
    const given = batch === 'symbolic' ? 'does not follow' : `is fixed to ${batch} and cannot be made variable in`;
    throw new BlindspotError(
      'INVALID_MODEL',
      `The batch ${given} the model: output "${name}" would be ${formatShape(scores?.shape ?? [])}; export it with a dynamic batch axis`,
    );
  }
  const logits = reshapeTo(graph, scores, [BATCH, classes]);
  if (!sameShape(logits.shape, [BATCH, classes])) throw new TypeError(`logits of shape ${formatShape(logits.shape)}`);
  return { image, logits, classes };
}
