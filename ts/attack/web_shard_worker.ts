/** A module worker of a browser: kernel, session and search of one task after another; see web_shard_pool.ts. */
import * as ort from 'onnxruntime-web/wasm';
import { BlindspotError } from '../errors.ts';
import type { Kernel, SearchResult } from '../kernel/kernel.ts';
import { loadKernel } from '../kernel/load_kernel_web.ts';
import type { Session } from '../runtime/session.ts';
import { createWebSession } from '../runtime/web_runtime.ts';
import { runShard } from './search_loop.ts';
import { ShardBoard } from './shard_board.ts';
import type { WebShardMessage, WebShardTask } from './web_shard_pool.ts';

let kernel: Promise<Kernel> | undefined;
let kept: { readonly key: number; readonly session: Session } | undefined;

/** Keeps copies of what is delivered until they are sent. */
class TellingBoard extends ShardBoard {
  #found: SearchResult[] = [];

  override deliver(result: SearchResult): void {
    super.deliver(result);
    this.#found.push({ ...result, example: result.example.slice() });
  }

  send(): void {
    if (this.#found.length === 0) return;
    const results = this.#found;
    this.#found = [];
    tell(
      { type: 'found', results },
      results.map(({ example }) => example.buffer),
    );
  }
}

function tell(message: WebShardMessage, transfer: Transferable[] = []): void {
  globalThis.postMessage(message, { transfer });
}

async function sessionOf({ graphKey, graph, assets }: WebShardTask): Promise<Session> {
  if (graph === undefined) {
    if (kept?.key === graphKey) return kept.session;
    throw new TypeError('the worker was sent no graph');
  }
  await kept?.session.release();
  kept = undefined;
  // Imported at once, not when needed: bundlers then make one file of the worker, whatever their format of workers.
  const options = assets === undefined ? {} : { assets };
  const session = await createWebSession(async () => ort, 'wasm', graph, options);
  kept = { key: graphKey, session };
  return session;
}

async function work(task: WebShardTask): Promise<void> {
  kernel ??= loadKernel('wasm', task.wasm === undefined ? {} : { wasm: task.wasm });
  const [loaded, session] = [await kernel, await sessionOf(task)];
  using search = loaded.createSearch(task.search);
  tell({ type: 'ready' });
  const board = new TellingBoard(ShardBoard.create(task.board, false).memory);
  const { imageShape } = task;
  await runShard({ search, session, imageShape, board, onTick: () => board.send() });
  board.send();
}

tell({ type: 'started' });

globalThis.addEventListener('message', ({ data }: MessageEvent<WebShardTask>) => {
  work(data).then(
    () => tell({ type: 'done' }),
    (error: unknown) => {
      const code = error instanceof BlindspotError ? error.code : undefined;
      tell({ type: 'failed', code, message: error instanceof Error ? error.message : String(error) });
    },
  );
});
