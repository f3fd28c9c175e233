/** A search and a session that measure the time spent in them, in the place of those they wrap. */
import type { Search, SearchResult } from '../kernel/kernel.ts';
import type { Session, Tensor } from '../runtime/session.ts';

export class Stopwatch {
  seconds = 0;

  time<T>(work: () => T): T {
    const start = performance.now();
    try {
      return work();
    } finally {
      this.seconds += (performance.now() - start) / 1000;
    }
  }

  async timeAsync<T>(work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.seconds += (performance.now() - start) / 1000;
    }
  }
}

export class TimedSearch implements Search {
  readonly watch = new Stopwatch();
  readonly #search: Search;

  constructor(search: Search) {
    this.#search = search;
  }

  get options() {
    return this.#search.options;
  }
  get points() {
    return this.#search.points;
  }
  get oneHot() {
    return this.#search.oneHot;
  }
  get sign() {
    return this.#search.sign;
  }
  get temperature() {
    return this.#search.temperature;
  }
  get smoothing() {
    return this.#search.smoothing;
  }
  get logits() {
    return this.#search.logits;
  }
  get gradients() {
    return this.#search.gradients;
  }
  get freeLanes() {
    return this.#search.freeLanes;
  }

  submit(id: number, image: Float32Array, label: number, target: number, start?: Float32Array): void {
    this.watch.time(() => this.#search.submit(id, image, label, target, start));
  }

  ask(): number {
    return this.watch.time(() => this.#search.ask());
  }

  tell(): void {
    this.watch.time(() => this.#search.tell());
  }

  take(): SearchResult | undefined {
    return this.watch.time(() => this.#search.take());
  }

  dispose(): void {
    this.#search.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export class TimedSession implements Session {
  readonly watch = new Stopwatch();
  /** Calls of run. */
  runs = 0;
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get provider() {
    return this.#session.provider;
  }
  get threads() {
    return this.#session.threads;
  }
  get inputs() {
    return this.#session.inputs;
  }
  get outputs() {
    return this.#session.outputs;
  }

  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches?: Readonly<Record<string, Tensor | null>>,
  ): Promise<Record<string, Tensor>> {
    this.runs += 1;
    return this.watch.timeAsync(() => this.#session.run(feeds, fetches));
  }

  release(): Promise<void> {
    return this.#session.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
