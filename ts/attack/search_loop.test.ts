import { expect, test } from 'vitest';
import { attackGraph } from '../onnx/attack_graph.ts';
import { readModel } from '../onnx/read_model.ts';
import { createSession } from '../runtime/node_session.ts';
import type { Session } from '../runtime/session.ts';
import { runShard } from './search_loop.ts';
import { ShardBoard } from './shard_board.ts';
import { CLASSES, classOf, linearImages, linearModel, PIXELS } from './testing/linear_classifier.ts';
import { type DoubleBehaviour, doubleKernel } from './testing/search_double.ts';

const COUNT = 23;
const data = linearImages(COUNT);

function boardOf(queue: ArrayLike<number>): ShardBoard {
  const targets = new Int32Array(COUNT).fill(-1);
  return ShardBoard.create(
    { n: PIXELS, images: data.images, labels: data.labels, targets, queue: Int32Array.from(queue) },
    false,
  );
}

async function search(
  board: ShardBoard,
  {
    lanes = 4,
    behaviour = {},
    wrap = (session: Session) => session,
  }: {
    lanes?: number;
    behaviour?: DoubleBehaviour;
    wrap?: (session: Session) => Session;
  } = {},
): Promise<void> {
  await using session = await createSession(attackGraph(readModel(linearModel())));
  using lanesOf = doubleKernel(behaviour).createSearch({ n: PIXELS, classes: CLASSES, lanes });
  await runShard({ search: lanesOf, session: wrap(session), imageShape: [PIXELS], board });
}

const all = Array.from({ length: COUNT }, (_, index) => index);

test('every queued image is searched once and delivered at its place', async () => {
  const board = boardOf([5, 3, 22, 0]);
  await search(board);
  expect(board.done).toBe(4);
  for (const index of all) {
    const found = board.memory.adversarial.subarray(index * PIXELS, (index + 1) * PIXELS);
    const queued = [5, 3, 22, 0].includes(index);
    expect(board.result(index) !== undefined).toBe(queued);
    expect(classOf(found) !== data.labels[index]).toBe(queued);
  }
});

test('a lane that ends takes the next image at once: batches stay full until the queue is empty', async () => {
  const counts: number[] = [];
  await search(boardOf(all), { lanes: 4, behaviour: { counts } });
  const last = counts.lastIndexOf(4);
  expect(counts.slice(0, last).every((count) => count === 4)).toBe(true);
  expect(last).toBeGreaterThan(COUNT / 4);
});

test('the model reads and writes the memory of the kernel itself, by one set of tensors for each count', async () => {
  const seen = new Set<unknown>();
  const counts: number[] = [];
  await search(boardOf(all), {
    behaviour: { counts },
    wrap: (session) => ({
      ...session,
      provider: session.provider,
      run: (feeds, fetches) => {
        seen.add(feeds['image']);
        expect(Object.values(fetches ?? {}).every((tensor) => tensor !== null)).toBe(true);
        return session.run(feeds, fetches);
      },
    }),
  });
  expect(seen.size).toBe(new Set(counts.filter((count) => count > 0)).size);
});

test('memory that moves is found again', async () => {
  const board = boardOf(all);
  await search(board, { behaviour: { moves: true } });
  expect(board.tally()).toMatchObject({ done: COUNT, succeeded: COUNT });
});

test('lanes do not change what is found', async () => {
  const [one, many] = [boardOf(all), boardOf(all)];
  await search(one, { lanes: 1 });
  await search(many, { lanes: 64 });
  const difference = one.memory.adversarial.map((value, i) => Math.abs(value - (many.memory.adversarial[i] as number)));
  expect(Math.max(...difference)).toBeLessThan(1e-6);
});

test('a stopped board ends the search and keeps what is done', async () => {
  const board = boardOf(all);
  let runs = 0;
  await search(board, {
    wrap: (session) => ({
      ...session,
      run: (feeds, fetches) => {
        runs += 1;
        if (runs === 6) board.stop();
        return session.run(feeds, fetches);
      },
    }),
  });
  expect(runs).toBe(6);
  expect(board.done).toBeGreaterThan(0);
  expect(board.done).toBeLessThan(COUNT);
});
