/** A worker thread: kernel, session and search of one task after another; see shard_pool.ts. */
import { on } from 'node:events';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { BlindspotError } from '../errors.ts';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import { createSession } from '../runtime/node_session.ts';
import { runShard } from './search_loop.ts';
import { ShardBoard } from './shard_board.ts';
import type { ShardMessage, ShardOrder, ShardTask } from './shard_pool.ts';

type NextOrder = () => Promise<ShardOrder>;

function ordersFrom(port: MessagePort): NextOrder {
  const messages = on(port, 'message');
  return async () => (await messages.next()).value[0];
}

async function serve(port: MessagePort): Promise<void> {
  const nextOrder = ordersFrom(port);
  for (;;) {
    const order = await nextOrder();
    if (order === 'end') break;
    // 'go' comes too late for a task that failed before.
    if (order !== 'go') port.postMessage(await answer(search(port, order, nextOrder)));
  }
  port.close();
}

async function search(port: MessagePort, task: ShardTask, nextOrder: NextOrder): Promise<void> {
  const kernel = await loadKernel(task.kernel);
  await using session = await createSession(task.graph, { provider: task.provider });
  using search = kernel.createSearch(task.search);
  port.postMessage({ type: 'ready' } satisfies ShardMessage);
  await nextOrder();
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

if (parentPort !== null) await serve(parentPort);
