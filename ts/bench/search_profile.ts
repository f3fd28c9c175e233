/** Where the time of a search goes: the shard's own loop over a timed search and a timed session, in this thread. */
import { activationBytes, chooseLanes } from '../attack/lanes.ts';
import { runShard } from '../attack/search_loop.ts';
import { ShardBoard } from '../attack/shard_board.ts';
import type { ImageSet } from '../data/image_set.ts';
import type { Kernel, SearchOptions } from '../kernel/kernel.ts';
import { attackGraph } from '../onnx/attack_graph.ts';
import { readModel } from '../onnx/read_model.ts';
import { createSession } from '../runtime/node_session.ts';
import { TimedSearch, TimedSession } from './stopwatch.ts';

export interface ProfiledSearch {
  readonly kernel: Kernel;
  readonly model: Uint8Array;
  readonly images: ImageSet;
  /** [images], -1 for untargeted. */
  readonly targets: Int32Array;
  readonly search: Pick<SearchOptions, 'method' | 'effort'>;
}

/** Seconds. */
export interface Profile {
  readonly total: number;
  readonly kernel: number;
  readonly runtime: number;
  /** Calls of the session. */
  readonly steps: number;
  /** Gradients of single images. */
  readonly evaluations: number;
}

const MAX_MEMORY = 2 * 2 ** 30;

export async function profileSearch({ kernel, model, images, targets, search }: ProfiledSearch): Promise<Profile> {
  const read = readModel(model);
  const n = images.images.length / images.count;
  const options = { ...search, n, classes: 10 };
  const lanes = chooseLanes({
    provider: 'cpu',
    images: images.count,
    workers: 1,
    maxMemory: MAX_MEMORY,
    searchBytes: (count) => kernel.searchBytes({ ...options, lanes: count }),
    activationBytes: activationBytes(read),
  });
  await using session = new TimedSession(await createSession(attackGraph(read)));
  using timed = new TimedSearch(kernel.createSearch({ ...options, lanes }));
  const queue = Int32Array.from(images.labels.keys());
  const board = ShardBoard.create({ n, images: images.images, labels: images.labels, targets, queue }, false);
  const start = performance.now();
  await runShard({ search: timed, session, imageShape: images.shape, board });
  const total = (performance.now() - start) / 1000;
  const evaluations = queue.reduce((sum, index) => sum + (board.result(index)?.evaluations ?? 0), 0);
  return { total, kernel: timed.watch.seconds, runtime: session.watch.seconds, steps: session.runs, evaluations };
}
