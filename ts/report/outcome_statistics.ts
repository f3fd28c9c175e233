/**
 * What an attack's examples say together: distortions found, quantiles, robust accuracy, confusion, and which examples
 * to show. Pure functions over results.
 */
import type { AttackExample } from '../attack/result.ts';

/** An example that was attacked and is adversarial, so that its distance is known. */
export type FoundExample = AttackExample & { l2: number; distortion: number };

/** The adversarial examples, from the smallest distortion to the largest (equal ones in order of the data). */
export function foundExamples(examples: readonly AttackExample[]): FoundExample[] {
  return examples.filter(isFound).sort((a, b) => a.distortion - b.distortion || a.index - b.index);
}

export function isFound(example: AttackExample): example is FoundExample {
  return (
    example.success &&
    example.status !== 'already-misclassified' &&
    example.distortion !== null &&
    example.l2 !== null &&
    Number.isFinite(example.distortion)
  );
}

/** Linear interpolation between the order statistics of ascending values (Hyndman & Fan's type 7). */
export function quantile(ascending: ArrayLike<number>, share: number): number | null {
  if (ascending.length === 0) return null;
  const at = share * (ascending.length - 1);
  const low = ascending[Math.floor(at)] ?? 0;
  const high = ascending[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * Share of all images still answered rightly when an adversary may spend distortion d, as the corners of a step curve
 * that holds each value until the next d. Starts at d = 0 with the images already misclassified taken off; an image for which no
 * mistake was found counts as right, so that the curve is an upper bound.
 */
export function robustnessCorners(examples: readonly AttackExample[]): { distortion: number; accuracy: number }[] {
  const images = examples.length;
  if (images === 0) return [];
  let right = examples.filter(({ status }) => status !== 'already-misclassified').length;
  const corners = [{ distortion: 0, accuracy: right / images }];
  for (const { distortion } of foundExamples(examples)) {
    right -= 1;
    if (corners.at(-1)?.distortion === distortion) corners.pop();
    corners.push({ distortion, accuracy: right / images });
  }
  return corners;
}

/** Smallest distortion at which robust accuracy is at most `accuracy`; null when it never falls so far. */
export function distortionAtAccuracy(
  corners: readonly { distortion: number; accuracy: number }[],
  accuracy: number,
): number | null {
  return corners.find((corner) => corner.accuracy <= accuracy)?.distortion ?? null;
}

export interface Confusion {
  /** Classes that occur, ascending. */
  classes: number[];
  /** counts[i][j]: images of classes[i] that became classes[j]. */
  counts: number[][];
  /** The commonest changes, most frequent first. */
  pairs: { from: number; to: number; count: number }[];
}

export function confusion(found: readonly FoundExample[]): Confusion {
  const classes = [...new Set(found.flatMap(({ label, prediction }) => [label, prediction]))].sort((a, b) => a - b);
  const place = new Map(classes.map((name, i) => [name, i]));
  const counts = classes.map(() => classes.map(() => 0));
  for (const { label, prediction } of found) {
    const row = counts[place.get(label) ?? 0];
    const column = place.get(prediction) ?? 0;
    if (row !== undefined) row[column] = (row[column] ?? 0) + 1;
  }
  const pairs = counts
    .flatMap((row, i) => row.map((count, j) => ({ from: classes[i] ?? 0, to: classes[j] ?? 0, count })))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count || a.from - b.from || a.to - b.to);
  return { classes, counts, pairs };
}

/** At most `count` items at evenly spaced ranks, the first and the last among them. */
export function evenlySpaced<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  if (count === 1) return items.slice(Math.floor(items.length / 2), Math.floor(items.length / 2) + 1);
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))]).filter(
    (item) => item !== undefined,
  );
}

/** The smallest, the median (the lower one of two) and the largest, each once. */
export function landmarks<T>(ascending: readonly T[]): { first: T; middle: T; last: T } | null {
  const first = ascending[0];
  const middle = ascending[Math.floor((ascending.length - 1) / 2)];
  const last = ascending.at(-1);
  return first === undefined || middle === undefined || last === undefined ? null : { first, middle, last };
}

const NICE_FACTORS = [1, 1.5, 2, 3, 4, 5, 6, 8];

/**
 * One magnification for all perturbations shown, so that they may be compared: the largest round number with which
 * half of them still stay within ±range at their strongest.
 */
export function niceMagnification(strongestChanges: readonly number[], range: number): number {
  const middle = quantile(
    [...strongestChanges].filter((v) => v > 0 && Number.isFinite(v)).sort((a, b) => a - b),
    0.5,
  );
  if (middle === null) return 1;
  const wanted = Math.max(1, range / middle);
  const decade = 10 ** Math.floor(Math.log10(wanted));
  return decade * (NICE_FACTORS.findLast((factor) => factor * decade <= wanted * (1 + 1e-9)) ?? 1);
}
