/**
 * Shards as module workers of a browser. No memory is shared, so that no page has to be cross-origin isolated: each worker
 * gets its part of the queue with the images, and sends what it finds. The workers, with their sessions, are kept for a while.
 */
import { BlindspotError, type ErrorCode, invalidArgument } from '../errors.ts';
import type { SearchOptions, SearchResult } from '../kernel/kernel.ts';
import type { WasmSource } from '../kernel/wasm_loader.ts';
import type { ShardPlan } from './attack_on.ts';
import type { BoardInput } from './shard_board.ts';

/** What a worker loads, beside the model. */
export interface WebShardRuntime {
  readonly wasm?: WasmSource | undefined;
  readonly assets?: string | undefined;
}

export interface WebShardTask extends WebShardRuntime {
  readonly search: SearchOptions;
  /** Names the graph: a worker keeps the session of its last one. */
  readonly graphKey: number;
  /** undefined when the worker has its session already. */
  readonly graph: Uint8Array | undefined;
  readonly imageShape: readonly number[];
  readonly board: BoardInput;
}

export type WebShardMessage =
  | { readonly type: 'started' }
  | { readonly type: 'ready' }
  | { readonly type: 'found'; readonly results: SearchResult[] }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly code: ErrorCode | undefined; readonly message: string };

/** Between two looks at what has come. */
const TICK_MILLISECONDS = 20;
/** A worker without a task ends after so long. */
const IDLE_MILLISECONDS = 30_000;

const idle = new Set<ShardThread>();
const keys = new WeakMap<Uint8Array, number>();
let lastKey = 0;

function keyOf(graph: Uint8Array): number {
  let key = keys.get(graph);
  if (key === undefined) {
    lastKey += 1;
    key = lastKey;
    keys.set(graph, key);
  }
  return key;
}

let started: Promise<boolean> | undefined;

/**
 * Whether module workers start here: a bundler may not have copied their file, a policy may forbid them. Tried once; the
 * worker is kept.
 */
export async function canStartWorkers(): Promise<boolean> {
  if (typeof Worker !== 'function') return false;
  started ??= (async () => {
    const thread = new ShardThread();
    const starts = await thread.started;
    if (starts) thread.rest();
    else thread.end();
    return starts;
  })();
  return await started;
}

/** @returns seconds, from the moment when every shard was ready. */
export async function runWebShards(plan: ShardPlan, runtime: WebShardRuntime): Promise<number> {
  const { board, model, search, workers } = plan;
  if (model.provider !== 'wasm') {
    throw invalidArgument('workers', `1 with provider ${model.provider}, which workers would only share,`, workers);
  }
  const graph = model.gradientGraph(search.smoothable === true);
  const common = {
    ...{ wasm: absolute(runtime.wasm), assets: absolute(runtime.assets), search },
    ...{ graphKey: keyOf(graph), imageShape: model.description.imageShape },
  };
  const threads = Array.from({ length: workers }, () => takeThread(common.graphKey));
  let kept = false;
  try {
    const tasks = threads.map((thread, shard) => {
      const known = thread.graphKey === common.graphKey;
      return thread.run({ ...common, graph: known ? undefined : graph, board: board.part(shard, workers) }, (result) =>
        board.deliver(result),
      );
    });
    await tickUntil(Promise.all(tasks.map(({ ready }) => ready)), { board, onTick: async () => undefined });
    const start = performance.now();
    await tickUntil(Promise.all(tasks.map(({ done }) => done)), plan);
    kept = !board.stopped;
    return (performance.now() - start) / 1000;
  } finally {
    for (const thread of threads) {
      if (kept) thread.rest();
      else thread.end();
    }
  }
}

/** Ends at once when the board is stopped: what was found until then has come. */
async function tickUntil(
  done: Promise<unknown>,
  { board, onTick }: Pick<ShardPlan, 'board' | 'onTick'>,
): Promise<void> {
  let running = true;
  const end = (): void => {
    running = false;
  };
  const settled = done.then(end, end);
  while (running && !board.stopped) {
    await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, TICK_MILLISECONDS))]);
    if (running) await onTick();
  }
  if (!board.stopped) await done;
}

interface RunningTask {
  readonly ready: Promise<void>;
  readonly done: Promise<void>;
}

class ShardThread {
  readonly #worker: Worker;
  #boredom: ReturnType<typeof setTimeout> | undefined;
  /** Of the graph whose session it holds. */
  graphKey: number | undefined;

  /** Whether its script runs. */
  readonly started: Promise<boolean>;

  constructor() {
    this.#worker = new Worker(new URL('./web_shard_worker.js', import.meta.url), { type: 'module' });
    this.started = new Promise((resolve) => {
      this.#worker.addEventListener('message', () => resolve(true), { once: true });
      this.#worker.addEventListener('error', () => resolve(false), { once: true });
    });
  }

  run(task: WebShardTask, onResult: (result: SearchResult) => void): RunningTask {
    this.graphKey = task.graphKey;
    const ready = settling();
    const done = settling();
    // Awaited later, or not at all when another shard has failed.
    for (const { promise } of [ready, done]) promise.catch(() => undefined);
    const fail = (error: Error): void => {
      this.graphKey = undefined;
      ready.reject(error);
      done.reject(error);
    };
    this.#worker.onmessage = ({ data }: MessageEvent<WebShardMessage>) => {
      if (data.type === 'ready') ready.resolve();
      if (data.type === 'found') for (const result of data.results) onResult(result);
      if (data.type === 'done') done.resolve();
      if (data.type === 'failed') {
        fail(data.code === undefined ? new Error(data.message) : new BlindspotError(data.code, data.message));
      }
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const reason = event.message || 'its file was not found, or may not run here';
      fail(
        new BlindspotError('PROVIDER_UNAVAILABLE', `A worker of the search did not start: ${reason}; use workers: 1`),
      );
    };
    this.#worker.postMessage(task);
    return { ready: ready.promise, done: done.promise };
  }

  rest(): void {
    this.#worker.onmessage = null;
    this.#boredom = setTimeout(() => this.end(), IDLE_MILLISECONDS);
    idle.add(this);
  }

  wake(): void {
    idle.delete(this);
    clearTimeout(this.#boredom);
  }

  end(): void {
    this.wake();
    this.#worker.terminate();
  }
}

interface Settling {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Promise.withResolvers, which browsers of 2023 do not have. */
function settling(): Settling {
  let functions: Omit<Settling, 'promise'> = { resolve: () => undefined, reject: () => undefined };
  const promise = new Promise<void>((resolve, reject) => {
    functions = { resolve, reject };
  });
  return { promise, ...functions };
}

/** One that holds the session wanted, if there is one. */
function takeThread(graphKey: number): ShardThread {
  const kept = [...idle];
  const thread = kept.find((each) => each.graphKey === graphKey) ?? kept[0];
  thread?.wake();
  return thread ?? new ShardThread();
}

/** A worker's own address is another than the page's. */
function absolute<S>(source: S): S | string {
  return typeof source === 'string'
    ? new URL(source, globalThis.document?.baseURI ?? globalThis.location.href).href
    : source;
}
