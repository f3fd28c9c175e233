/**
 * The loop around a training step: shuffled mini-batches, learning-rate schedule, progress, checkpoints. Batches are
 * always full: the remainder of an epoch's order, others each time, is left out. Epoch e draws from random stream e of
 * the seed, so a run that was interrupted goes on to the same bits.
 */
import { Random } from '../data/random.ts';
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
  checkCounts(loop);
  const history = await resume(loop);
  const resumed = history.length;
  const started = performance.now();
  const batches = Math.floor(loop.count / loop.batchSize);
  const total = batches * loop.epochs;
  let told = 0;

  for (let epoch = resumed; epoch < loop.epochs; epoch++) {
    const random = new Random(loop.seed, epoch);
    const order = random.permutation(loop.count);
    const epochStarted = performance.now();
    let lossSum = 0;
    let wrong = 0;
    let seen = 0;
    const progress = (testError: number | undefined) => {
      const now = performance.now();
      const done = (epoch * batches * loop.batchSize + seen) / (total * loop.batchSize);
      const doneNow = done - resumed / loop.epochs;
      told = now;
      loop.onProgress?.({
        epoch: epoch + 1,
        epochs: loop.epochs,
        done,
        loss: lossSum / seen,
        trainError: loop.countWrong ? wrong / seen : undefined,
        testError,
        secondsLeft: ((now - started) / 1000) * ((1 - done) / doneNow),
      });
    };

    for (let batch = 0; batch < batches; batch++) {
      loop.signal?.throwIfAborted();
      const indices = order.subarray(batch * loop.batchSize, (batch + 1) * loop.batchSize);
      const rate = scheduledRate(loop.schedule, loop.learningRate, epoch * batches + batch, total);
      const reports = await loop.step.run(loop.prepare(indices, random), rate);
      const loss = reports['loss']?.data[0] ?? Number.NaN;
      if (!Number.isFinite(loss)) {
        throw new BlindspotError(
          'NOT_FINITE',
          `Training diverged in epoch ${epoch + 1}: the loss is ${loss}; lower the learning rate (${loop.learningRate})`,
        );
      }
      lossSum += loss * indices.length;
      wrong += loop.countWrong?.(reports, indices) ?? 0;
      seen += indices.length;
      if (performance.now() - told > PROGRESS_SECONDS * 1000) progress(history.at(-1)?.testError);
    }
    const testError = await loop.test?.();
    history.push({
      epoch: epoch + 1,
      loss: lossSum / seen,
      ...(loop.countWrong ? { trainError: wrong / seen } : {}),
      ...(testError === undefined ? {} : { testError }),
      seconds: (performance.now() - epochStarted) / 1000,
    });
    progress(testError);
    await loop.checkpoint?.save(
      formatCheckpoint({ fingerprint: loop.fingerprint, history, steps: loop.step.steps, state: loop.step.state }),
    );
  }
  return history;
}

async function resume(loop: EpochLoop): Promise<EpochRecord[]> {
  const bytes = await loop.checkpoint?.load();
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

function checkCounts(loop: EpochLoop): void {
  const entries = { epochs: loop.epochs, batchSize: loop.batchSize } as const;
  for (const [name, value] of Object.entries(entries)) {
    if (!Number.isInteger(value) || value < 1) throw invalidArgument(name, 'a positive whole number', value);
  }
}
