/** Workers run compiled files: scripts/build --ts comes first. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { LoadedClassifier } from '../model/loaded_classifier.ts';
import { createSession } from '../runtime/node_session.ts';
import type { ShardPlan } from './attack_on.ts';
import { ShardBoard } from './shard_board.ts';
import { runShardPool } from './shard_pool.ts';
import { CLASSES, linearImages, linearModel, PIXELS } from './testing/linear_classifier.ts';
import { doubleKernel } from './testing/search_double.ts';

const COUNT = 40;

function planOf(changes: Partial<ShardPlan> = {}): ShardPlan {
  const { images, labels } = linearImages(COUNT);
  const targets = new Int32Array(COUNT).fill(-1);
  const board = ShardBoard.create({ n: PIXELS, images, labels, targets, queue: Int32Array.from(labels.keys()) }, true);
  return {
    // Its name alone reaches the workers, which load the real one.
    kernel: doubleKernel(),
    workers: 3,
    search: { n: PIXELS, classes: CLASSES, lanes: 2 },
    model: new LoadedClassifier(createSession, linearModel(), 'cpu'),
    board,
    onTick: async () => undefined,
    ...changes,
  };
}

test('shards share one queue on the wasm kernel: every image is searched once', async () => {
  const plan = planOf();
  expect(await runShardPool(plan)).toBeGreaterThan(0);
  expect(plan.board.done).toBe(COUNT);
  expect(plan.board.tally()).toMatchObject({ done: COUNT, succeeded: COUNT });
});

test('what is called now and then ends the shards when it fails', async () => {
  const { images, labels } = linearImages(COUNT);
  const targets = new Int32Array(COUNT).fill(-1);
  // Each image over and over: work for seconds.
  const queue = Int32Array.from({ length: 1_000_000 }, (_, place) => place % COUNT);
  const board = ShardBoard.create({ n: PIXELS, images, labels, targets, queue }, true);
  let turns = 0;
  const onTick = async () => {
    turns += 1;
    throw new Error('no disk');
  };
  await expect(runShardPool(planOf({ board, onTick }))).rejects.toThrow('no disk');
  expect(turns).toBe(1);
  expect(board.done).toBeLessThan(queue.length);
});

/** Threads are numbered as they are made. */
async function numberOfNextThread(): Promise<number> {
  const worker = new Worker('', { eval: true });
  const { threadId } = worker;
  await once(worker, 'exit');
  return threadId;
}

test('the next attack gets the workers of the last one', async () => {
  await runShardPool(planOf());
  const before = await numberOfNextThread();
  const plan = planOf();
  await runShardPool(plan);
  expect(await numberOfNextThread()).toBe(before + 1);
  expect(plan.board.tally()).toMatchObject({ done: COUNT, succeeded: COUNT });
});

test('workers that may hold on to a large board end with it', async () => {
  await runShardPool(planOf());
  const before = await numberOfNextThread();
  const { images, labels } = linearImages(COUNT);
  const count = Math.floor(2 ** 24 / PIXELS) + 1; // twice 64 MiB and more
  const large = { images: new Float32Array(count * PIXELS), labels: new Int32Array(count) };
  large.images.set(images);
  large.labels.set(labels);
  const targets = new Int32Array(count).fill(-1);
  const queue = Int32Array.from(labels.keys());
  await runShardPool(planOf({ board: ShardBoard.create({ n: PIXELS, ...large, targets, queue }, true) }));
  const plan = planOf();
  await runShardPool(plan);
  expect(await numberOfNextThread()).toBe(before + 1 + plan.workers);
});

/** What makes every shard fail. */
function brokenModel(): ShardPlan['model'] {
  const { provider, description, borrowSession } = planOf().model;
  return { provider, description, borrowSession, gradientGraph: () => new Uint8Array([1, 2, 3]) };
}

test('a mistake found in a worker of the wasm kernel keeps its code and ends them all', async () => {
  const plan = planOf({ model: brokenModel() });
  await expect(runShardPool(plan)).rejects.toMatchObject({ name: 'BlindspotError', code: 'INVALID_MODEL' });
  expect(plan.board.done).toBe(0);
});

test('shards that fail one soon after another leave the process alive', { timeout: 60_000 }, async () => {
  // Ending the others within a call of ONNX Runtime aborted it in one run of a few.
  for (let turn = 0; turn < 5; turn++) {
    const plan = planOf({ model: brokenModel(), workers: 4 });
    await expect(runShardPool(plan)).rejects.toMatchObject({ code: 'INVALID_MODEL' });
  }
});

test('options that the wasm kernel refuses are told as in the thread that asked', async () => {
  const plan = planOf({ search: { n: PIXELS, classes: CLASSES, lanes: 0 } });
  await expect(runShardPool(plan)).rejects.toThrow('for lanes but received 0');
});
