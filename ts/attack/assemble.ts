/** From what the shards delivered and the judge says of it to examples and their summary. */
import { LaneStatus } from '../kernel/abi.generated.ts';
import { distance, type Verdict } from './judge.ts';
import type { AttackExample, AttackSummary, ExampleStatus } from './result.ts';
import type { BoardResult } from './shard_board.ts';
import { UNTARGETED } from './targets.ts';

export interface ExampleParts {
  /** Position in the call. */
  readonly position: number;
  /** Index in the data set. */
  readonly index: number;
  readonly label: number;
  /** -1 for untargeted. */
  readonly target: number;
  readonly cleanPrediction: number;
  /** undefined when the image was misclassified from the start and so not attacked. */
  readonly result: BoardResult | undefined;
  readonly verdict: Verdict;
  readonly quantized: Verdict;
  /** Pixels of an image. */
  readonly n: number;
  readonly originals: Float32Array;
  readonly adversarial: Float32Array;
}

/** Success is the judge's word alone. */
export function assembleExample(parts: ExampleParts): AttackExample {
  const { index, label, target, cleanPrediction, result, verdict, quantized, n } = parts;
  const l2 = verdict.success ? distance(parts.originals, parts.adversarial, parts.position, n) : null;
  return {
    index,
    label,
    target: target === UNTARGETED ? null : target,
    cleanPrediction,
    prediction: verdict.prediction,
    success: verdict.success,
    margin: verdict.margin,
    distance: l2,
    norm: 'l2',
    l2,
    distortion: l2 === null ? null : l2 / Math.sqrt(n),
    quantized: { success: quantized.success, prediction: quantized.prediction },
    kktResidual:
      result !== undefined && verdict.success && Number.isFinite(result.kktResidual) ? result.kktResidual : null,
    gradientNorm: result !== undefined && Number.isFinite(result.slope) ? result.slope : null,
    evaluations: result?.evaluations ?? 0,
    starts: result?.starts ?? 0,
    status: exampleStatus(result, verdict.success),
  };
}

function exampleStatus(result: BoardResult | undefined, success: boolean): ExampleStatus {
  if (result === undefined) return 'already-misclassified';
  if (result.status === LaneStatus.NOT_FINITE) return 'not-finite';
  if (!success) return 'failed';
  if (result.status === LaneStatus.STALLED) return 'stalled';
  return result.status === LaneStatus.BUDGET ? 'budget' : 'converged';
}

type Settings = Omit<
  AttackSummary,
  | 'images'
  | 'alreadyMisclassified'
  | 'succeeded'
  | 'successRate'
  | 'withoutGradient'
  | 'meanL2'
  | 'medianL2'
  | 'meanDistortion'
  | 'quantizedSuccessRate'
  | 'evaluationsPerImage'
  | 'secondsPerImage'
>;

export function summarize(examples: readonly AttackExample[], settings: Settings): AttackSummary {
  const attacked = examples.filter(({ status }) => status !== 'already-misclassified');
  const found = attacked.filter(({ success }) => success);
  const lengths = found.map(({ l2 }) => l2 ?? 0);
  return {
    images: examples.length,
    alreadyMisclassified: examples.length - attacked.length,
    succeeded: found.length,
    successRate: share(found.length, attacked.length),
    withoutGradient: attacked.filter(({ gradientNorm }) => !((gradientNorm ?? 0) > 0)).length,
    meanL2: mean(lengths),
    medianL2: median(lengths),
    meanDistortion: mean(found.map(({ distortion }) => distortion ?? 0)),
    quantizedSuccessRate: share(found.filter(({ quantized }) => quantized.success).length, found.length),
    evaluationsPerImage: mean(attacked.map(({ evaluations }) => evaluations)) ?? 0,
    secondsPerImage: share(settings.seconds, examples.length),
    ...settings,
  };
}

/** 0 of nothing. */
function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number | null {
  const ascending = [...values].sort((a, b) => a - b);
  const middle = ascending.length / 2;
  return mean(ascending.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1));
}
