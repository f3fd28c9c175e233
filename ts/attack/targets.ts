/** The class that each image is to be taken for. */
import { Random } from '../base/random.ts';
import { BlindspotError, invalidArgument } from '../errors.ts';
import type { TargetChoice } from './attack_options.ts';

/** No class in particular: any but the label. */
export const UNTARGETED = -1;

/** Targets are drawn apart from everything else that a seed decides. */
const RANDOM_STREAM = 1;

export interface TargetedImages {
  /** [images] */
  readonly labels: Int32Array;
  /** Index of each image in its data set; default 0, 1, …. */
  readonly indices?: Int32Array | undefined;
  /** Targets that came with the data. */
  readonly targets?: Int32Array | undefined;
  readonly classes: number;
  /** Where the images come from, for messages. */
  readonly source: string;
}

/** What can be refused before the model has run. @throws INVALID_ARGUMENT, INVALID_DATA. */
export function checkTarget(choice: TargetChoice, { labels, targets, classes, source }: TargetedImages): void {
  if (choice === 'labels' && targets === undefined) {
    throw new BlindspotError(
      'INVALID_DATA',
      `${source} has no targets, which target 'labels' needs: add an array called targets, or use another target`,
    );
  }
  if (choice === 'labels' && targets !== undefined) {
    const same = targets.findIndex((target, index) => target === labels[index]);
    if (same < 0) return;
    throw new BlindspotError(
      'INVALID_DATA',
      `${source} wants class ${targets[same]} of image ${same}, which is its label, or the model's answer where it has none: ` +
        'give it another target, or leave it out',
    );
  }
  if (typeof choice !== 'number') return;
  if (choice >= classes) throw invalidArgument('target', `a class of the model, 0 to ${classes - 1},`, choice);
  const first = labels.indexOf(choice);
  if (first < 0) return;
  const count = labels.reduce((sum, label) => sum + (label === choice ? 1 : 0), 0);
  throw new BlindspotError(
    'INVALID_DATA',
    `${source} has label ${choice} at image ${first}, which is the target (${count} of ${labels.length} images): ` +
      'leave these images out, or use another target',
  );
}

/**
 * @param leastLikely class of the smallest logit among those that are not the label, [images].
 * @returns [images]; UNTARGETED for none. The target of an image does not depend on the others in the call.
 */
export function chooseTargets(
  choice: TargetChoice,
  { labels, indices, targets, classes }: TargetedImages,
  leastLikely: Int32Array,
  seed: number,
): Int32Array {
  if (typeof choice === 'number') return new Int32Array(labels.length).fill(choice);
  switch (choice) {
    case 'none':
      return new Int32Array(labels.length).fill(UNTARGETED);
    case 'least-likely':
      return leastLikely.slice();
    case 'labels':
      return Int32Array.from(targets ?? []);
    case 'random': {
      const random = new Random(seed, RANDOM_STREAM);
      // One draw for each image of the data set, in its order.
      let next = 0;
      return labels.map((label, position) => {
        const index = indices?.[position] ?? position;
        let drawn = 0;
        for (; next <= index; next++) drawn = random.below(classes - 1);
        return drawn < label ? drawn : drawn + 1;
      });
    }
  }
}
