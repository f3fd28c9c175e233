/** A worker thread: one kernel, one session, one search; see shard_pool.ts. */
import { once } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { BlindspotError } from '../errors.ts';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import { createSession } from '../runtime/node_session.ts';
import { runShard } from './search_loop.ts';
import { ShardBoard } from './shard_board.ts';
import type { ShardMessage, ShardTask } from './shard_pool.ts';

async function search(port: MessagePort, task: ShardTask): Promise<void> {
  const kernel = await loadKernel(task.kernel);
  await using session = await createSession(task.graph, { provider: task.provider });
  using search = kernel.createSearch(task.search);
  const go = once(port, 'message');
  port.postMessage({ type: 'ready' } satisfies ShardMessage);
  await go;
  await runShard({ search, session, imageShape: task.imageShape, board: new ShardBoard(task.board) });
}

async function answer(work: Promise<void>): Promise<ShardMessage> {
  try {
    await work;
    return { type: 'done' };
  } catch (error) {
    const code = error instanceof BlindspotError ? error.code : undefined;
    return { type: 'failed', code, message: error instanceof Error ? error.message : String(error) };
  }
}

if (parentPort !== null) parentPort.postMessage(await answer(search(parentPort, workerData as ShardTask)));
