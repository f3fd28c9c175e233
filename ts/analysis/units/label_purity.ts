/**
 * The number that the paper's section 3 lacks. Purity of a probe: the share of the commonest label among the images that
 * move it most, 1 when they all are of one class. If units were special among directions, their purities would differ
 * from those of random directions.
 */
import { Random } from '../../base/random.ts';
import { invalidArgument } from '../../errors.ts';

export interface PurityComparison {
  /** Units, and as many directions, compared. */
  probes: number;
  /** Mean purity of the units. */
  natural: number;
  /** Mean purity of the random directions. */
  random: number;
  /** natural − random. */
  difference: number;
  /** Bootstrap interval of the difference at 95 %, percentiles: units and directions drawn anew, each with replacement. */
  interval: [low: number, high: number];
  /** Whether the interval leaves out 0: the paper claims that it does not. */
  distinguishable: boolean;
  /** Mean purity of as many images drawn at random: what no feature at all would have. */
  chance: number;
}

/** Share of the commonest label. @throws INVALID_ARGUMENT without labels. */
export function labelPurity(labels: readonly number[]): number {
  if (labels.length === 0) throw invalidArgument('labels', 'at least one label', 0);
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(...counts.values()) / labels.length;
}

/**
 * Area under the curve of purity over the number of images: the mean of the purities of the first 1, 2, … images. It asks
 * more than the purity of one number of them: that it begins high and stays so.
 * @param labels strongest first.
 */
export function purityArea(labels: readonly number[]): number {
  if (labels.length === 0) throw invalidArgument('labels', 'at least one label', 0);
  const counts = new Map<number, number>();
  let most = 0;
  let sum = 0;
  for (const [i, label] of labels.entries()) {
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    most = Math.max(most, count);
    sum += most / (i + 1);
  }
  return sum / labels.length;
}

export interface PurityOptions {
  seed: number;
  /** What was measured of the labels of a probe's images, for what it is by chance; default their purity. */
  measure?: (labels: readonly number[]) => number;
  /** Resamples; default 4000. */
  resamples?: number;
}

const DEFAULT_RESAMPLES = 4000;
const CHANCE_DRAWS = 2000;

/** Of the random streams, so that none of an inspection's others is used twice. */
const BOOTSTRAP_STREAM = 100;
const CHANCE_STREAM = 101;

/**
 * @param natural purities of units, @param random of directions; each at least one.
 * @param labels of all images, [images]; @param top how many images a purity was taken of.
 */
export function comparePurity(
  natural: readonly number[],
  random: readonly number[],
  labels: Int32Array,
  top: number,
  { seed, measure = labelPurity, resamples = DEFAULT_RESAMPLES }: PurityOptions,
): PurityComparison {
  if (natural.length === 0) throw invalidArgument('natural', 'at least one unit', 0);
  if (random.length === 0) throw invalidArgument('random', 'at least one direction', 0);
  const source = new Random(seed, BOOTSTRAP_STREAM);
  const differences = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) differences[i] = resampledMean(natural, source) - resampledMean(random, source);
  differences.sort();
  const low = percentile(differences, 0.025);
  const high = percentile(differences, 0.975);
  return {
    probes: natural.length,
    natural: mean(natural),
    random: mean(random),
    difference: mean(natural) - mean(random),
    interval: [low, high],
    distinguishable: low > 0 || high < 0,
    chance: chancePurity(labels, top, measure, new Random(seed, CHANCE_STREAM)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function resampledMean(values: readonly number[], random: Random): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[random.below(values.length)] as number;
  return sum / values.length;
}

/** Linear between order statistics (Hyndman & Fan's type 7). */
function percentile(ascending: Float64Array, share: number): number {
  const at = share * (ascending.length - 1);
  const low = ascending[Math.floor(at)] as number;
  return low + ((ascending[Math.ceil(at)] as number) - low) * (at - Math.floor(at));
}

function chancePurity(
  labels: Int32Array,
  top: number,
  measure: (labels: readonly number[]) => number,
  random: Random,
): number {
  const size = Math.min(top, labels.length);
  let sum = 0;
  for (let draw = 0; draw < CHANCE_DRAWS; draw++) {
    const chosen = new Set<number>();
    while (chosen.size < size) chosen.add(random.below(labels.length));
    sum += measure(Array.from(chosen, (index) => labels[index] as number));
  }
  return sum / CHANCE_DRAWS;
}
