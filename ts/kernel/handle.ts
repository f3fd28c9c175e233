/**
 * A handle owns memory of the kernel and gives it back once: by dispose(), by leaving a `using` block, or, when it was
 * forgotten, by the garbage collector.
 */
import { BlindspotError } from '../errors.ts';

/** Symbol.dispose where the engine has it (Node 20.20 does; some browsers do not yet). */
const disposeSymbol: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');

export abstract class Handle<Backend extends { free(): void }> implements Disposable {
  readonly #kind: string;
  #backend: Backend | undefined;

  protected constructor(kind: string, backend: Backend) {
    this.#kind = kind;
    this.#backend = backend;
  }

  /** @throws DISPOSED */
  protected get backend(): Backend {
    if (this.#backend === undefined) {
      throw new BlindspotError('DISPOSED', `This ${this.#kind} was disposed: create a new one`);
    }
    return this.#backend;
  }

  /** Gives the memory back; views over it must not be used any more. @throws DISPOSED when called twice. */
  dispose(): void {
    const { backend } = this;
    this.#backend = undefined;
    backend.free();
  }

  /** The end of a `using` block: unlike dispose(), no mistake when the block has disposed of the handle already. */
  [disposeSymbol](): void {
    if (this.#backend !== undefined) this.dispose();
  }
}
