/**
 * Shards as worker threads (Node): ONNX Runtime blocks the thread that calls it, so parallel searches need threads. Each
 * makes its own kernel and session; all begin together once every one of them is ready. The threads are kept for a while.
 */
import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
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

/** What a worker is told: a task, which it sets up; to begin with it; to end itself. */
export type ShardOrder = ShardTask | 'go' | 'end';

/** What it tells. Errors lose their class and code on their way between threads. */
export type ShardMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly code: ErrorCode | undefined; readonly message: string };

/** Rare enough to cost nothing, often enough that little is left to do in onTick when the shards have ended. */
const TICK_MILLISECONDS = 10;

/** A worker without a task ends after so long; the process may end without it. */
const IDLE_MILLISECONDS = 30_000;

/** Of the board: a worker that is kept may hold on to it, since nothing collects its garbage while it waits. */
const MOST_KEPT_BYTES = 2 ** 27;

/** Compiling its JavaScript takes a new worker 0.1 s of a core: the next attack gets those of the last one. */
const idle = new Set<ShardThread>();

/** @returns seconds, from the moment when every shard was ready. */
export async function runShardPool(plan: ShardPlan): Promise<number> {
  const { kernel, model, search, board } = plan;
  const task: ShardTask = {
    kernel: kernel.name,
    provider: model.provider,
    search,
    graph: model.gradientGraph(search.smoothable === true),
    imageShape: model.description.imageShape,
    board: board.memory,
  };
  const file = workerFile();
  const shards = Array.from({ length: plan.workers }, () => new Shard(takeThread(file), task));
  try {
    await Promise.all(shards.map((shard) => shard.ready));
    const start = performance.now();
    for (const shard of shards) shard.go();
    await tickUntil(Promise.all(shards.map((shard) => shard.done)), plan.onTick);
    return (performance.now() - start) / 1000;
  } catch (error) {
    board.stop();
    throw error;
  } finally {
    const { images, adversarial } = board.memory;
    const keep = images.byteLength + adversarial.byteLength <= MOST_KEPT_BYTES;
    await Promise.all(shards.map((shard) => shard.end(keep)));
  }
}

/** One call after the other, until `done` has settled. */
async function tickUntil(done: Promise<unknown>, onTick: ShardPlan['onTick']): Promise<void> {
  let running = true;
  const end = (): void => {
    running = false;
  };
  const settled = done.then(end, end);
  while (running) {
    await Promise.race([settled, setTimeout(TICK_MILLISECONDS)]);
    if (running) await onTick();
  }
  await done;
}

/** One task in one thread. */
class Shard {
  readonly ready: Promise<void>;
  readonly done: Promise<void>;
  readonly #thread: ShardThread;
  #begun = false;

  constructor(thread: ShardThread, task: ShardTask) {
    this.#thread = thread;
    const told = (type: ShardMessage['type']): Promise<void> =>
      new Promise((resolve, reject) => {
        thread.events.on('message', (message: ShardMessage) => {
          if (message.type === type) resolve();
          if (message.type === 'failed') reject(errorOf(message));
        });
        thread.events.once('lost', reject);
      });
    this.ready = told('ready');
    this.done = told('done');
    // Awaited later, or not at all when another shard has failed.
    this.ready.catch(() => undefined);
    this.done.catch(() => undefined);
    thread.tell(task);
  }

  go(): void {
    this.#begun = true;
    this.#thread.tell('go');
  }

  /**
   * Waits until the task has ended: at once when the board is stopped. The thread is kept for the next one, or ends
   * itself, as it does when this one failed. It is never terminated: within a call, ONNX Runtime's addon then aborts the
   * whole process.
   */
  async end(keep: boolean): Promise<void> {
    if (!this.#begun) this.go();
    const succeeded = await this.done.then(
      () => true,
      () => false,
    );
    if (keep && succeeded) this.#thread.rest();
    else await this.#thread.end();
  }
}

class ShardThread {
  /** 'message': ShardMessage; 'lost': Error, when it has ended before its time. */
  readonly events = new EventEmitter();
  readonly #worker: Worker;
  readonly #exit: Promise<void>;
  #boredom: NodeJS.Timeout | undefined;

  constructor(file: URL) {
    const worker = new Worker(file);
    this.#worker = worker;
    worker.on('message', (message: ShardMessage) => this.events.emit('message', message));
    worker.once('error', (error) => this.events.emit('lost', error));
    this.#exit = new Promise((resolve) => {
      worker.once('exit', (code) => {
        idle.delete(this);
        this.events.emit('lost', new Error(`A shard ended with code ${code} before its work was done`));
        resolve();
      });
    });
  }

  tell(order: ShardOrder): void {
    this.#worker.postMessage(order);
  }

  /** Until it is taken again; the process may end without it. */
  rest(): void {
    this.events.removeAllListeners();
    this.#worker.unref();
    this.#boredom = globalThis.setTimeout(() => this.end(), IDLE_MILLISECONDS).unref();
    idle.add(this);
  }

  wake(): void {
    idle.delete(this);
    clearTimeout(this.#boredom);
    this.#worker.ref();
  }

  async end(): Promise<void> {
    idle.delete(this);
    this.tell('end');
    await this.#exit;
  }
}

function takeThread(file: URL): ShardThread {
  for (const thread of idle) {
    thread.wake();
    return thread;
  }
  return new ShardThread(file);
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
