/**
 * Shards as worker threads (Node): ONNX Runtime blocks the thread that calls it, so parallel searches need threads. Each
 * makes its own kernel and session; all begin together once every one of them is ready.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BlindspotError, type ErrorCode } from '../errors.ts';
import type { KernelName, SearchOptions } from '../kernel/kernel.ts';
import type { ProviderName } from '../runtime/session.ts';
import type { ShardPlan } from './attack_on.ts';
import type { BoardMemory } from './shard_board.ts';

/** What a worker begins with. */
export interface ShardTask {
  readonly kernel: KernelName;
  readonly provider: ProviderName;
  readonly search: SearchOptions;
  readonly graph: Uint8Array;
  readonly imageShape: readonly number[];
  readonly board: BoardMemory;
}

/** Errors lose their class and code on their way between threads. */
export type ShardMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly code: ErrorCode | undefined; readonly message: string };

const TICK_MILLISECONDS = 100;

/** @returns seconds, from the moment when every shard was ready. */
export async function runShardPool(plan: ShardPlan): Promise<number> {
  const { kernel, provider, search, graph, imageShape, board } = plan;
  const task: ShardTask = {
    kernel: kernel.name,
    provider,
    search,
    graph,
    imageShape,
    board: board.memory,
  };
  const file = workerFile();
  const shards = Array.from({ length: plan.workers }, () => new ShardThread(file, task));
  const timer = setInterval(plan.onTick, TICK_MILLISECONDS);
  try {
    await Promise.all(shards.map((shard) => shard.ready));
    const start = performance.now();
    for (const shard of shards) shard.go();
    await Promise.all(shards.map((shard) => shard.done));
    return (performance.now() - start) / 1000;
  } catch (error) {
    board.stop();
    throw error;
  } finally {
    clearInterval(timer);
    await Promise.allSettled(shards.map((shard) => shard.end()));
  }
}

class ShardThread {
  readonly ready: Promise<void>;
  readonly done: Promise<void>;
  readonly #worker: Worker;
  readonly #exit: Promise<unknown>;
  #finished = false;

  constructor(file: URL, task: ShardTask) {
    const worker = new Worker(file, { workerData: task });
    this.#worker = worker;
    this.#exit = new Promise((resolve) => worker.once('exit', resolve));
    const failed = new Promise<never>((_resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`A shard ended with code ${code} before its work was done`)));
      worker.on('message', (message: ShardMessage) => {
        if (message.type === 'failed') reject(errorOf(message));
      });
    });
    const told = (type: ShardMessage['type']): Promise<void> =>
      new Promise((resolve) => {
        worker.on('message', (message: ShardMessage) => {
          if (message.type === type) resolve();
        });
      });
    this.ready = Promise.race([told('ready'), failed]);
    this.done = Promise.race([told('done'), failed]).then(() => {
      this.#finished = true;
    });
    // Awaited later, or not at all when another shard has failed.
    this.ready.catch(() => undefined);
    this.done.catch(() => undefined);
  }

  go(): void {
    this.#worker.postMessage('go');
  }

  /**
   * Waits until it has ended by itself, its memory given back: at once when the board is stopped. It is never
   * terminated: within a call, ONNX Runtime's addon then aborts the whole process.
   */
  async end(): Promise<void> {
    if (!this.#finished) this.go();
    await this.#exit;
  }
}

function errorOf({ code, message }: ShardMessage & { type: 'failed' }): Error {
  return code === undefined ? new Error(message) : new BlindspotError(code, message);
}

/** Node runs JavaScript alone in a worker: from the sources (tests), the compiled file serves. */
function workerFile(): URL {
  const fromSources = import.meta.url.endsWith('.ts');
  const file = new URL(fromSources ? '../../dist/ts/attack/shard_worker.js' : './shard_worker.js', import.meta.url);
  if (!existsSync(file)) {
    throw new BlindspotError(
      'INVALID_ARGUMENT',
      `More than one worker needs ${fileURLToPath(file)}: run "node scripts/build --ts", or use 1 worker`,
    );
  }
  return file;
}
