/** The minimizer of any binding: refusals of the core become errors that say which element is to blame. */
import { BlindspotError, invalidArgument } from '../errors.ts';
import { MINIMIZER_RESULT_FIELDS, type MinimizerStatus, Status, StatusMeaning } from './abi.generated.ts';
import type { MinimizerBackend } from './backend.ts';
import { Handle } from './handle.ts';
import type { Minimizer, MinimizerResult } from './kernel.ts';

const statusField = MINIMIZER_RESULT_FIELDS.indexOf('status');
const fField = MINIMIZER_RESULT_FIELDS.indexOf('f');
const pgNormField = MINIMIZER_RESULT_FIELDS.indexOf('pgNorm');
const iterationsField = MINIMIZER_RESULT_FIELDS.indexOf('iterations');
const evaluationsField = MINIMIZER_RESULT_FIELDS.indexOf('evaluations');

export class MinimizerHandle extends Handle<MinimizerBackend> implements Minimizer {
  constructor(backend: MinimizerBackend) {
    super('minimizer', backend);
  }

  get x(): Float64Array | Float32Array {
    return this.backend.x;
  }

  get gradient(): Float64Array | Float32Array {
    return this.backend.gradient;
  }

  get lower(): Float64Array | Float32Array {
    return this.backend.lower;
  }

  get upper(): Float64Array | Float32Array {
    return this.backend.upper;
  }

  start(): void {
    const { backend } = this;
    const status = backend.start();
    if (status === Status.OK) return;
    if (status === Status.ERROR_BOUNDS) {
      const { lower, upper } = backend;
      for (let i = 0; i < lower.length; ++i) {
        const low = lower[i] ?? 0;
        const high = upper[i] ?? 0;
        if (!(low <= high)) throw invalidArgument(`upper[${i}]`, `a number of at least lower[${i}], ${low},`, high);
      }
    }
    if (status === Status.ERROR_START) {
      const at = backend.x.findIndex((value) => !Number.isFinite(value));
      if (at >= 0) throw invalidArgument(`x[${at}]`, 'a finite number', backend.x[at]);
    }
    throw new BlindspotError('INVALID_ARGUMENT', `The minimizer cannot start: ${StatusMeaning[status]}`);
  }

  tell(f: number): MinimizerStatus {
    const { backend } = this;
    if (backend.tell(f) !== Status.OK) {
      throw new BlindspotError(
        'INVALID_ARGUMENT',
        'There is nothing to tell: call start() first, or again after the end',
      );
    }
    return backend.result[statusField] as MinimizerStatus;
  }

  result(): MinimizerResult {
    const { result } = this.backend;
    return {
      status: result[statusField] as MinimizerStatus,
      f: result[fField] ?? Number.NaN,
      pgNorm: result[pgNormField] ?? Number.NaN,
      iterations: result[iterationsField] ?? Number.NaN,
      evaluations: result[evaluationsField] ?? Number.NaN,
    };
  }
}
