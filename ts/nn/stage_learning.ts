/**
 * Learning a stage of local filters without labels (Le et al. 2012, equation 1): over W₁ and W₂ the mean over the images of
 *
 *     ‖W₂W₁ᵀx − x‖² + λ Σ_j √(ε + H_j(W₁ᵀx)²),
 *
 * H_j the sum over the j-th window of the pooling. As it stands, small W₁ and large W₂ make the second term as small as one
 * likes: here what a filter puts back, a column of W₂, has length 1, as in sparse coding (Olshausen & Field 1996). With filters
 * of length 1 instead, those that answer to nothing in the images would be the cheapest.
 */
import { GraphBuilder } from '../onnx/graph_builder.ts';
import type { Value } from '../onnx/value.ts';
import type { SessionFactory, Tensor } from '../runtime/session.ts';
import type { CheckpointStore } from './checkpoint.ts';
import { type EpochRecord, runEpochs, type TrainingProgress } from './epochs.ts';
import type { L2PoolLayer, LocalFilterLayer } from './layers.ts';
import { filterLocally, poolL2, reconstructLocally, windowsOf } from './local_graphs.ts';
import type { OptimizerSettings } from './optimizers.ts';
import type { Schedule } from './schedules.ts';
import type { TrainGraph } from './train_graph.ts';
import { TrainStep } from './train_step.ts';

export interface StageRecipe {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: OptimizerSettings;
  readonly schedule: Schedule;
  /** λ. */
  readonly sparsity: number;
  /** Factor of x in the objective, and only there: how much λ weighs depends on how large images are. */
  readonly scale: number;
  /** Factor of ΣW₁² in the objective, without which what the images never show stays in the filters as it was drawn. */
  readonly decay: number;
}

export interface Stage {
  readonly filter: LocalFilterLayer;
  readonly pool: L2PoolLayer;
  /** [channels, height, width] of what it reads. */
  readonly inputShape: readonly number[];
}

/** What a stage reads of all images, one after the other. */
export interface StageInputs {
  readonly values: Float32Array;
  readonly count: number;
}

export interface StageLearning {
  readonly stage: Stage;
  readonly recipe: StageRecipe;
  readonly inputs: StageInputs;
  /** [places, values of a window, maps], filters of length 1 or so: W₁ begins as a small part of it, W₂ as its transpose. */
  readonly initial: Float32Array;
  readonly seed: number;
  readonly createSession: SessionFactory;
  /** Of the checkpoint and in progress. */
  readonly name: string;
  /** Says which run a checkpoint belongs to. */
  readonly fingerprint: string;
  readonly checkpoint?: CheckpointStore | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
}

export interface LearntStage {
  /** W₁, [places, values of a window, maps], and W₂, [places, maps, values of a window], rows of any length. */
  readonly encode: Float32Array;
  readonly decode: Float32Array;
  readonly history: readonly EpochRecord[];
}

interface StageTerms {
  /** Means over the images: ‖W₂W₁ᵀx − x‖², and the sum of the pooled responses. */
  readonly error: Value;
  readonly penalty: Value;
}

/**
 * @param x [N, channels, height, width].
 * @param encode [places, values of a window, maps]; decode [places, maps, values of a window], rows of any length.
 */
export function stageTerms(
  graph: GraphBuilder,
  x: Value,
  { encode, decode }: { readonly encode: Value; readonly decode: Value },
  { filter, pool, inputShape }: Stage,
): StageTerms {
  const responses = filterLocally(graph, x, encode, filter, inputShape);
  const length = graph.sqrt(graph.reduceSum(graph.mul(decode, decode), [2]));
  const difference = graph.sub(reconstructLocally(graph, responses, graph.div(decode, length), filter, inputShape), x);
  const meanOfSums = (values: Value) => graph.reduceMean(graph.reduceSum(values, [1, 2, 3], false), [0], false);
  return {
    error: meanOfSums(graph.mul(difference, difference)),
    penalty: meanOfSums(poolL2(graph, responses, pool)),
  };
}

export function stageGraph(stage: Stage, { optimizer, sparsity, decay }: StageRecipe, batch: number): TrainGraph {
  const { rows, columns, size } = windowsOf(stage.filter, stage.inputShape);
  const [places, maps] = [rows * columns, stage.filter.maps];
  return {
    optimizer,
    parameters: [
      { name: 'encode', shape: [places, size, maps], decay },
      { name: 'decode', shape: [places, maps, size], decay: 0 },
    ],
    inputs: [{ name: 'x', shape: [batch, ...stage.inputShape] }],
    forward: (graph, inputs, parameters) => {
      const [encode, decode] = [parameters.get('encode') as Value, parameters.get('decode') as Value];
      const { error, penalty } = stageTerms(graph, inputs.get('x') as Value, { encode, decode }, stage);
      return { loss: graph.add(error, graph.mul(penalty, graph.scalar(sparsity))) };
    },
  };
}

/** @throws what runEpochs throws. */
export async function learnStage(options: StageLearning): Promise<LearntStage> {
  const { stage, recipe, inputs, seed, createSession } = options;
  const batchSize = Math.min(recipe.batchSize, inputs.count);
  const plan = stageGraph(stage, recipe, batchSize);
  const first = options.initial.map((weight) => FIRST_SHARE * weight);
  const step = await TrainStep.create(plan, [first, transposed(options.initial, stage)], createSession);
  const size = stage.inputShape.reduce((product, side) => product * side, 1);
  const batch: Tensor = { data: new Float32Array(batchSize * size), dims: [batchSize, ...stage.inputShape] };
  try {
    const history = await runEpochs({
      stage: options.name,
      step,
      count: inputs.count,
      epochs: recipe.epochs,
      batchSize,
      seed,
      learningRate: recipe.optimizer.learningRate,
      schedule: recipe.schedule,
      fingerprint: options.fingerprint,
      checkpoint: options.checkpoint,
      signal: options.signal,
      onProgress: options.onProgress,
      prepare: (indices) => {
        for (const [row, index] of indices.entries()) {
          for (let i = 0; i < size; i++) {
            batch.data[row * size + i] = recipe.scale * (inputs.values[index * size + i] as number);
          }
        }
        return { x: batch };
      },
    });
    const learnt = (name: string) => step.parameters.get(name)?.data ?? new Float32Array();
    return { encode: Float32Array.from(learnt('encode')), decode: Float32Array.from(learnt('decode')), history };
  } finally {
    await step.release();
  }
}

/** Share of Σx² that the reconstruction explains: 1 − Σ‖W₂W₁ᵀx − x‖²/Σ‖x‖². */
export async function explainedShare(
  stage: Stage,
  { encode, decode }: Pick<LearntStage, 'encode' | 'decode'>,
  inputs: StageInputs,
  createSession: SessionFactory,
): Promise<number> {
  const graph = new GraphBuilder({ name: 'reconstruction' });
  const x = graph.input('x', 'float32', ['N', ...stage.inputShape]);
  const [first, second] = stageGraph(stage, UNTRAINED, 1).parameters;
  const weights = {
    encode: graph.constant(encode, first?.shape ?? []),
    decode: graph.constant(decode, second?.shape ?? []),
  };
  graph.output(stageTerms(graph, x, weights, stage).error, 'error');
  await using session = await createSession(graph.toBytes());
  const size = stage.inputShape.reduce((product, side) => product * side, 1);
  let [error, energy] = [0, 0];
  for (let start = 0; start < inputs.count; start += BATCH) {
    const rows = Math.min(BATCH, inputs.count - start);
    const data = inputs.values.subarray(start * size, (start + rows) * size);
    const results = await session.run({ x: { data, dims: [rows, ...stage.inputShape] } });
    error += rows * (results['error']?.data[0] ?? Number.NaN);
    for (const value of data) energy += value * value;
  }
  return 1 - error / energy;
}

/** So small that what is learnt outweighs what was drawn. */
const FIRST_SHARE = 0.02;

const BATCH = 250;
const UNTRAINED: StageRecipe = {
  epochs: 1,
  batchSize: 1,
  optimizer: { type: 'sgd', learningRate: 1 },
  schedule: 'constant',
  sparsity: 0,
  scale: 1,
  decay: 0,
};

/** [places, values, maps] → [places, maps, values]. */
function transposed(weights: Float32Array, { filter: { maps, ...filter }, inputShape }: Stage): Float32Array {
  const { size } = windowsOf(filter, inputShape);
  const result = new Float32Array(weights.length);
  for (let i = 0; i < weights.length; i++) {
    const [place, value, map] = [Math.floor(i / (size * maps)), Math.floor(i / maps) % size, i % maps];
    result[(place * maps + map) * size + value] = weights[i] as number;
  }
  return result;
}
