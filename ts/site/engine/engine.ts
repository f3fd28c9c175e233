/**
 * The page's side of the worker. Cancelling ends the worker, within a call of ONNX Runtime too, and starts another one;
 * models are opened there again when they are next asked for.
 */
import type { InputOptions } from '../../onnx/preprocessing.ts';
import { address } from '../catalog.ts';
import type { Answers, FromWorker, OpenedModel, Request, SearchStep, ToWorker } from './messages.ts';

export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

interface Waiting {
  resolve(answer: never): void;
  reject(error: Error): void;
  onStep: ((step: SearchStep) => void) | undefined;
}

interface ModelSource {
  readonly bytes: Uint8Array;
  readonly input: InputOptions | undefined;
}

export class Engine {
  #worker: Worker | undefined;
  #waiting = new Map<number, Waiting>();
  #next = 0;
  #sources = new Map<string, ModelSource>();
  #opened = new Map<string, Promise<OpenedModel>>();

  /** Makes a model known; one of the same name is replaced. */
  async open(model: string, bytes: Uint8Array, input?: InputOptions): Promise<OpenedModel> {
    this.#sources.set(model, { bytes, input });
    this.#opened.delete(model);
    return await this.#ready(model);
  }

  has(model: string): boolean {
    return this.#sources.has(model);
  }

  async check(bytes: Uint8Array, input?: InputOptions): Promise<Answers['check']> {
    return await this.#ask({ type: 'check', bytes, input });
  }

  async score(model: string, pixels: Float32Array, rows: number): Promise<Answers['score']> {
    await this.#ready(model);
    return await this.#ask({ type: 'score', model, pixels, rows });
  }

  async attack(
    request: Omit<Request & { type: 'attack' }, 'type' | 'traced'>,
    onStep?: (step: SearchStep) => void,
  ): Promise<Answers['attack']> {
    await this.#ready(request.model);
    return await this.#ask({ type: 'attack', traced: onStep !== undefined, ...request }, onStep);
  }

  async units(request: Omit<Request & { type: 'units' }, 'type'>): Promise<Answers['units']> {
    await this.#ready(request.model);
    return await this.#ask({ type: 'units', ...request });
  }

  async speed(model: string, pixels: Float32Array): Promise<Answers['speed']> {
    await this.#ready(model);
    return await this.#ask({ type: 'speed', model, pixels });
  }

  /** Everything that was asked ends with Cancelled, at once. */
  cancel(): void {
    this.#end(new Cancelled('Cancelled'));
  }

  async #ready(model: string): Promise<OpenedModel> {
    const source = this.#sources.get(model);
    if (source === undefined) throw new Error(`The model ${model} is not loaded`);
    let opened = this.#opened.get(model);
    if (opened === undefined) {
      opened = this.#ask({ type: 'open', model, ...source });
      this.#opened.set(model, opened);
      // What failed is tried again when it is next asked for.
      opened.catch(() => this.#opened.delete(model));
    }
    return await opened;
  }

  #ask<T extends Request['type']>(
    request: Request & { type: T },
    onStep?: (step: SearchStep) => void,
  ): Promise<Answers[T]> {
    const id = this.#next++;
    return new Promise<Answers[T]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onStep });
      this.#tell({ id, request });
    });
  }

  #tell(message: ToWorker): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./engine_worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      const waiting = this.#waiting.get(data.id);
      if (waiting === undefined) return;
      if ('step' in data) {
        waiting.onStep?.(data.step);
        return;
      }
      this.#waiting.delete(data.id);
      if ('error' in data) waiting.reject(new Error(data.error));
      else waiting.resolve(data.answer as never);
    });
    worker.addEventListener('error', (event) => {
      this.#end(
        new Error(`The search could not be started: ${event.message || 'its script did not load'}; reload the page`),
      );
    });
    worker.postMessage({ type: 'start', wasm: address('data/blindspot.wasm') } satisfies ToWorker);
    return worker;
  }

  #end(error: Error): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#opened.clear();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}
