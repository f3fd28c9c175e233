/**
 * The loop around a training step: shuffled mini-batches, learning-rate schedule, progress, checkpoints. Batches are
 * always full: the remainder of an epoch's order, others each time, is left out. Epoch e draws from random stream e of
 * the seed, so a run that was interrupted goes on to the same bits.
 */
import { Random } from '../base/random.ts';
import { BlindspotError, invalidArgument } from '../errors.ts';
import type { Tensor } from '../runtime/session.ts';
import { type CheckpointStore, formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { type Schedule, scheduledRate } from './schedules.ts';
import type { TrainStep } from './train_step.ts';

export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Mean over the epoch of the loss without weight decay, while the weights changed. */
  readonly loss: number;
  /** Shares answered wrongly: while training, and on the test data afterwards. */
  readonly trainError?: number;
  readonly testError?: number;
  readonly seconds: number;
}

export interface TrainingProgress {
  /** Of training, where there are several; the rest counts within it. */
  readonly stage: string;
  /** From 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Share of all steps done. */
  readonly done: number;
  readonly loss: number;
  readonly trainError: number | undefined;
  /** After the last whole epoch. */
  readonly testError: number | undefined;
  readonly secondsLeft: number;
}

export interface EpochLoop {
  /** Names the checkpoint. */
  readonly stage: string;
  readonly step: TrainStep;
  /** Training images. */
  readonly count: number;
  readonly epochs: number;
  /** At most count. */
  readonly batchSize: number;
  readonly seed: number;
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** Says which run a checkpoint belongs to. */
  readonly fingerprint: string;
  readonly checkpoint?: CheckpointStore | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
  /** Runs before each epoch, from 0: where training data change while the network learns. */
  beforeEpoch?(epoch: number): Promise<void>;
  /** The tensors of a batch. */
  prepare(indices: Uint32Array, random: Random): Readonly<Record<string, Tensor>>;
  /** Wrong answers in a batch, from the reports; undefined where there is no right and wrong. */
  countWrong?(reports: Readonly<Record<string, Tensor>>, indices: Uint32Array): number;
  /** Error on the test data. */
  test?(): Promise<number>;
}

/** Progress is told at most this often, and at each epoch's end. */
const PROGRESS_SECONDS = 0.2;

/**
 * Each step reports a scalar called `loss`.
 * @throws NOT_FINITE when the loss is; INVALID_DATA for another run's checkpoint; the signal's reason when aborted, at
 *   an epoch that the checkpoint then holds.
 */
export async function runEpochs(loop: EpochLoop): Promise<EpochRecord[]> {
  const history = await resume(loop);
  const reporter = new Reporter(loop, history.length);
  for (let epoch = history.length; epoch < loop.epochs; epoch++) {
    const started = performance.now();
    const tally: Tally = { loss: 0, wrong: 0, seen: 0 };
    await loop.beforeEpoch?.(epoch);
    await runEpoch(loop, epoch, tally, () => reporter.tell(epoch, tally, history.at(-1)?.testError));
    const testError = await loop.test?.();
    history.push({
      epoch: epoch + 1,
      loss: tally.loss / tally.seen,
      ...(loop.countWrong ? { trainError: tally.wrong / tally.seen } : {}),
      ...(testError === undefined ? {} : { testError }),
      seconds: (performance.now() - started) / 1000,
    });
    reporter.tell(epoch, tally, testError, true);
    await loop.checkpoint?.save(
      loop.stage,
      formatCheckpoint({ fingerprint: loop.fingerprint, history, steps: loop.step.steps, state: loop.step.state }),
    );
  }
  return history;
}

/** Sums over the images of an epoch so far. */
interface Tally {
  loss: number;
  wrong: number;
  seen: number;
}

/** @param epoch from 0. */
async function runEpoch(loop: EpochLoop, epoch: number, tally: Tally, afterBatch: () => void): Promise<void> {
  const random = new Random(loop.seed, epoch);
  const order = random.permutation(loop.count);
  const batches = batchesPerEpoch(loop);
  let staged: Uint32Array[] = [];
  for (let batch = 0; batch < batches; batch++) {
    loop.signal?.throwIfAborted();
    const indices = order.subarray(batch * loop.batchSize, (batch + 1) * loop.batchSize);
    const rate = scheduledRate(loop.schedule, loop.learningRate, epoch * batches + batch, loop.epochs * batches);
    loop.step.stage(loop.prepare(indices, random), rate);
    staged.push(indices);
    if (!loop.step.full && batch + 1 < batches) continue;
    for (const [i, reports] of (await loop.step.flush()).entries())
      count(loop, epoch, tally, reports, staged[i] as Uint32Array);
    staged = [];
    afterBatch();
  }
}

/** Adds what a step reports. @throws NOT_FINITE. */
function count(
  loop: EpochLoop,
  epoch: number,
  tally: Tally,
  reports: Readonly<Record<string, Tensor>>,
  indices: Uint32Array,
): void {
  const loss = reports['loss']?.data[0] ?? Number.NaN;
  if (!Number.isFinite(loss)) {
    throw new BlindspotError(
      'NOT_FINITE',
      `Training diverged in epoch ${epoch + 1}: the loss is ${loss}; lower the learning rate (${loop.learningRate})`,
    );
  }
  tally.loss += loss * indices.length;
  tally.wrong += loop.countWrong?.(reports, indices) ?? 0;
  tally.seen += indices.length;
}

class Reporter {
  readonly #loop: EpochLoop;
  readonly #resumed: number;
  readonly #started = performance.now();
  #told = 0;

  /** @param resumed epochs that an earlier run made. */
  constructor(loop: EpochLoop, resumed: number) {
    this.#loop = loop;
    this.#resumed = resumed;
  }

  tell(epoch: number, { loss, wrong, seen }: Tally, testError: number | undefined, always = false): void {
    const { onProgress, stage, epochs, batchSize, countWrong } = this.#loop;
    const now = performance.now();
    if (!onProgress || (!always && now - this.#told < PROGRESS_SECONDS * 1000)) return;
    this.#told = now;
    const done = (epoch + seen / (batchesPerEpoch(this.#loop) * batchSize)) / epochs;
    const seconds = (now - this.#started) / 1000;
    onProgress({
      stage,
      epoch: epoch + 1,
      epochs,
      done,
      loss: loss / seen,
      trainError: countWrong ? wrong / seen : undefined,
      testError,
      secondsLeft: (seconds * (1 - done)) / (done - this.#resumed / epochs),
    });
  }
}

function batchesPerEpoch(loop: EpochLoop): number {
  return Math.floor(loop.count / loop.batchSize);
}

async function resume(loop: EpochLoop): Promise<EpochRecord[]> {
  const bytes = await loop.checkpoint?.load(loop.stage);
  if (bytes === undefined) return [];
  const saved = parseCheckpoint(bytes);
  if (saved.fingerprint !== loop.fingerprint) {
    throw new BlindspotError(
      'INVALID_DATA',
      `The checkpoint belongs to another training (${saved.fingerprint}) than this one (${loop.fingerprint}); delete it or use its settings`,
    );
  }
  loop.step.restore(saved.steps, saved.state);
  return [...saved.history];
}

/** @throws INVALID_ARGUMENT unless both are positive whole numbers. */
export function checkCounts(counts: { readonly epochs: number; readonly batchSize: number }): void {
  for (const name of ['epochs', 'batchSize'] as const) {
    const value = counts[name];
    if (!Number.isInteger(value) || value < 1) throw invalidArgument(name, 'a positive whole number', value);
  }
}
