/**
 * Lower bounds on the change that any adversary needs, from a Lipschitz constant L of image to logits. To change the
 * class from k to j, z_k − z_j must fall to 0. It changes by at most √2·‖z(x) − z(x')‖ ≤ √2·L·‖x − x'‖, so that
 *   ‖x' − x‖₂ ≥ min_j (z_k − z_j)/(√2·L).
 * Bounds of single pairs of classes, K_kj in place of √2·L, give more.
 */
import { invalidArgument } from '../../errors.ts';

export interface CertifiedExample {
  /** Position in the data. */
  index: number;
  label: number;
  /** Class of the largest logit; the first among equals. */
  prediction: number;
  /** z_label − max of the others; negative when the image is already misclassified. */
  margin: number;
  /** Certified: no change with a smaller L2 norm makes the answer wrong. 0 when it already is. */
  l2: number;
  /** l2/√n, the paper's distortion. */
  distortion: number;
  /** The same by the bounds of single pairs of classes; null without them. */
  pairwiseL2: number | null;
  pairwiseDistortion: number | null;
}

export interface LogitConstants {
  /** L, above 0. */
  lipschitz: number;
  /** K_kj, [classes × classes]; null where not known. */
  pairwise: Float64Array | null;
}

/**
 * @param logits [count, classes], row-major, float32 as the model answers: the bounds hold up to their rounding.
 * @param labels [count]
 * @param pixels n: values of one image.
 * @throws INVALID_ARGUMENT when the lengths do not fit or a label is no class.
 */
export function certifiedDistortions(
  logits: Float32Array,
  labels: Int32Array,
  pixels: number,
  { lipschitz, pairwise }: LogitConstants,
): CertifiedExample[] {
  const classes = logits.length / labels.length;
  if (!Number.isInteger(classes) || classes < 2) {
    throw invalidArgument('logits', `${labels.length} rows of at least two classes`, logits.length);
  }
  const wrong = labels.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) throw invalidArgument(`labels[${wrong}]`, `a class from 0 to ${classes - 1}`, labels[wrong]);
  return Array.from(labels, (label, index): CertifiedExample => {
    const row = logits.subarray(index * classes, (index + 1) * classes);
    const own = row[label] as number;
    let prediction = 0;
    let margin = Number.POSITIVE_INFINITY;
    let nearest = Number.POSITIVE_INFINITY;
    for (let j = 0; j < classes; j++) {
      if ((row[j] as number) > (row[prediction] as number)) prediction = j;
      if (j === label) continue;
      const gap = own - (row[j] as number);
      margin = Math.min(margin, gap);
      if (pairwise) nearest = Math.min(nearest, distance(gap, pairwise[label * classes + j] as number));
    }
    const l2 = distance(margin, Math.SQRT2 * lipschitz);
    const root = Math.sqrt(pixels);
    return {
      index,
      label,
      prediction,
      margin,
      l2,
      distortion: l2 / root,
      pairwiseL2: pairwise ? nearest : null,
      pairwiseDistortion: pairwise ? nearest / root : null,
    };
  });
}

/** A model that does not move at all is never fooled: 0/0 must not say so when the answer is already wrong. */
function distance(margin: number, speed: number): number {
  return margin <= 0 ? 0 : margin / speed;
}
