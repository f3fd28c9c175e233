/** What training makes small; weight decay is added by train_graph.ts. */
import type { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';

/** What a classifier is trained to make small. */
export type LossSettings =
  | {
      readonly type: 'cross-entropy';
      /** Share of the label given to all classes alike (Szegedy et al. 2016, section 7); default 0. */
      readonly smoothing?: number;
      /** Logits are divided by it while training (Hinton et al. 2015); default 1. */
      readonly temperature?: number;
    }
  /** ½·Σ_j (z_j − y_j)², y the one-hot label. */
  | { readonly type: 'squared-error' };

/**
 * @param settings default: plain cross-entropy.
 * @param wanted [N, classes], shares of 1: one-hot labels, or a teacher's.
 * @returns a scalar, [].
 */
export function classificationLoss(
  graph: GraphBuilder,
  settings: LossSettings | undefined,
  logits: Value,
  wanted: Value,
): Value {
  if (settings === undefined) return softmaxCrossEntropy(graph, logits, wanted);
  if (settings.type === 'squared-error') return reconstructionError(graph, logits, wanted);
  const { smoothing = 0, temperature = 1 } = settings;
  const classes = Number(logits.shape[1]);
  const shares =
    smoothing === 0
      ? wanted
      : graph.add(graph.mul(wanted, graph.scalar(1 - smoothing)), graph.scalar(smoothing / classes));
  const scaled = temperature === 1 ? logits : graph.mul(logits, graph.scalar(1 / temperature));
  return softmaxCrossEntropy(graph, scaled, shares);
}

/**
 * Mean over the batch of log Σ_j exp(z_j) − z_k, with log-softmax composed from operators that every provider has.
 *
 * @param logits [N, classes]; oneHot [N, classes], 1 at the label, or shares that sum to 1.
 * @returns a scalar, [].
 */
export function softmaxCrossEntropy(graph: GraphBuilder, logits: Value, oneHot: Value): Value {
  // The largest logit is taken off so that exp cannot overflow; the result does not change.
  const shifted = graph.sub(logits, graph.reduceMax(logits, [1]));
  const logSum = graph.log(graph.reduceSum(graph.exp(shifted), [1], false));
  const chosen = graph.reduceSum(graph.mul(shifted, oneHot), [1], false);
  return graph.reduceMean(graph.sub(logSum, chosen), [0], false);
}

/**
 * Half the mean squared error of a reconstruction: ½·Σ(y − x)² of an image, averaged over the batch.
 *
 * @param output, wanted [N, n].
 * @returns a scalar, [].
 */
export function reconstructionError(graph: GraphBuilder, output: Value, wanted: Value): Value {
  const difference = graph.sub(output, wanted);
  const perImage = graph.reduceSum(graph.mul(difference, difference), [1], false);
  return graph.mul(graph.scalar(0.5), graph.reduceMean(perImage, [0], false));
}

/**
 * Σ_j KL(ρ ‖ ρ̂_j), ρ̂_j the mean over the batch of unit j's activation (Ng, CS294A lecture notes, 2011): keeps units
 * silent on most images.
 *
 * @param codes sigmoid outputs, [N, units].
 * @param rho activation wanted, in (0, 1).
 * @returns a scalar, [].
 */
export function sparsityPenalty(graph: GraphBuilder, codes: Value, rho: number): Value {
  const mean = graph.reduceMean(codes, [0], false);
  const active = graph.mul(graph.scalar(rho), graph.log(mean));
  const silent = graph.mul(graph.scalar(1 - rho), graph.log(graph.sub(graph.scalar(1), mean)));
  const cross = graph.reduceSum(graph.add(active, silent), [0], false);
  // Σ_j [ρ log ρ + (1−ρ) log(1−ρ)] less the cross terms.
  const units = Number(mean.shape[0]);
  return graph.sub(graph.scalar(units * (rho * Math.log(rho) + (1 - rho) * Math.log(1 - rho))), cross);
}
