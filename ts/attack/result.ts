/** What an attack answers, in memory and in results.json. A result carries its own proof. */
import type { EffortName, NormName, SearchMethodName } from '../kernel/options.ts';

/**
 * Why a search ended. `converged`: at a minimum, KKT residual at most 0.05; `stalled`: it found nothing nearer, but the
 * point is no minimum by its gradient; `budget`: its evaluations were spent.
 */
export type ExampleStatus = 'converged' | 'stalled' | 'budget' | 'already-misclassified' | 'failed' | 'not-finite';

export interface AttackExample {
  /** Index in the data set, which a slice of it keeps. Pixels are in the order of the examples. */
  index: number;
  label: number;
  /** Class to reach; null for untargeted. */
  target: number | null;
  /** Class answered on the image itself. */
  cleanPrediction: number;
  /** Class answered on the delivered float32 pixels, judged by the plain model after the search. */
  prediction: number;
  /**
   * Judged on the delivered pixels, never taken from the search. An image that was answered wrongly from the start is not
   * attacked: it is a success unless another class was to be reached.
   */
  success: boolean;
  /** Hard margin of the delivered pixels; adversarial if and only if negative. */
  margin: number;
  /** Length of the change in `norm`, 0 when already misclassified; null without success. */
  distance: number | null;
  norm: NormName;
  /** The same in L2. */
  l2: number | null;
  /** l2 / sqrt(n) (Szegedy et al. 2013). */
  distortion: number | null;
  /** The verdict after rounding to 8 bits, as a saved PNG would hold it. */
  quantized: { success: boolean; prediction: number };
  /** Relative KKT residual of the minimum. */
  kktResidual: number | null;
  /** Length of the margin's gradient at the image, by a pixel in [0, 1]; 0 or null (not finite): of no use. */
  gradientNorm: number | null;
  /** Gradient evaluations. */
  evaluations: number;
  starts: number;
  status: ExampleStatus;
}

export interface AttackSummary {
  /** Images given. */
  images: number;
  /** Only when the attack was interrupted: the images asked for, of which `images` were done. */
  interruptedOf?: number;
  /** Of these, already misclassified before any change (distortion 0, reported apart). */
  alreadyMisclassified: number;
  /** Adversarial examples found among the others. */
  succeeded: number;
  /** Over the images attacked: already misclassified ones left out. */
  successRate: number;
  /** Images attacked at which the model gives no usable gradient: it is 0 or not finite. */
  withoutGradient: number;
  meanL2: number | null;
  medianL2: number | null;
  meanDistortion: number | null;
  /** Of the examples found, the share still adversarial after rounding to 8 bits. */
  quantizedSuccessRate: number;
  evaluationsPerImage: number;
  /** Wall clock of search and judging; reading the model and starting workers left out. */
  seconds: number;
  secondsPerImage: number;
  method: SearchMethodName;
  effort: EffortName;
  target: string;
  kernel: string;
  instructionSet: string;
  provider: string;
  /** original: every verdict is of the file itself in plain ONNX Runtime; copy: of what was read of it, in float32. */
  judgedBy: 'original' | 'copy';
  /** Why the file itself could not judge. */
  notOriginal?: string;
  workers: number;
  seed: number;
  /** blindspot, onnxruntime, node. */
  versions: Record<string, string>;
}

export interface AttackResults {
  summary: AttackSummary;
  examples: AttackExample[];
}

/** In memory: results with the pixels, row-major [images, ...imageShape]. */
export interface AttackOutcome extends AttackResults {
  /** [...] of one image: [784], [1, 28, 28], [3, 224, 224]. */
  imageShape: number[];
  originals: Float32Array;
  adversarial: Float32Array;
}
