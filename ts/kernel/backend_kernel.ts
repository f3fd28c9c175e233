/** Kernel over any binding: everything that native and wasm share, which is all but the memory and the calls. */
import { BlindspotError, invalidArgument } from '../errors.ts';
import { Status, StatusMeaning } from './abi.generated.ts';
import type { KernelBackend, Refusal } from './backend.ts';
import type { Kernel, KernelName, Minimizer, MinimizerOptions, Search, SearchOptions } from './kernel.ts';
import { MinimizerHandle } from './minimizer_handle.ts';
import {
  completeMinimizerOptions,
  completeSearchOptions,
  encodeMinimizerOptions,
  encodeSearchOptions,
} from './options.ts';
import { SearchHandle } from './search_handle.ts';

export class BackendKernel implements Kernel {
  readonly name: KernelName;
  readonly #backend: KernelBackend;

  constructor(backend: KernelBackend) {
    this.name = backend.name;
    this.#backend = backend;
  }

  get instructionSet(): string {
    return this.#backend.instructionSet();
  }

  useInstructionSet(name: string): void {
    if (this.#backend.useInstructionSet(name) !== Status.OK) {
      throw invalidArgument('instruction set', `one that the ${this.name} kernel has on this machine`, name);
    }
  }

  createMinimizer(options: MinimizerOptions): Minimizer {
    const complete = completeMinimizerOptions(options);
    const backend = this.#backend.createMinimizer(encodeMinimizerOptions(complete));
    if (typeof backend === 'number') throw this.#refusal(backend, `a minimizer of ${complete.n} variables`, complete);
    return new MinimizerHandle(backend);
  }

  createSearch(options: SearchOptions): Search {
    const complete = completeSearchOptions(options);
    const backend = this.#backend.createSearch(encodeSearchOptions(complete));
    if (typeof backend === 'number') {
      const { lanes, n } = complete;
      throw this.#refusal(backend, `a search of ${lanes} lanes of ${n} pixels; use fewer lanes`, complete);
    }
    return new SearchHandle(backend, complete);
  }

  searchBytes(options: SearchOptions): number {
    return this.#backend.searchBytes(encodeSearchOptions(completeSearchOptions(options)));
  }

  #refusal(status: Refusal, what: string, options: object): BlindspotError {
    if (status === Status.ERROR_ALLOCATION) {
      return new BlindspotError('OUT_OF_MEMORY', `The ${this.name} kernel has not enough memory for ${what}`);
    }
    if (status === Status.ERROR_OPTION) {
      const name = this.#backend.lastOption().replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase());
      const received = Object.entries(options).find(([key]) => key === name)?.[1];
      return invalidArgument(name, 'a value in the range that blindspot.h states', received);
    }
    return new BlindspotError('INVALID_ARGUMENT', `The ${this.name} kernel refused: ${StatusMeaning[status]}`);
  }
}
