/** The adversarial search of any binding: refusals of the core become errors that name the label, target or pixel. */
import { BlindspotError, invalidArgument } from '../errors.ts';
import { type LaneStatus, SEARCH_RESULT_FIELDS, Status, StatusMeaning } from './abi.generated.ts';
import type { Refusal, SearchBackend } from './backend.ts';
import { Handle } from './handle.ts';
import type { Search, SearchOptions, SearchResult } from './kernel.ts';

type ResultField = (typeof SEARCH_RESULT_FIELDS)[number];

const PLACE = Object.fromEntries(SEARCH_RESULT_FIELDS.map((name, place) => [name, place])) as Record<
  ResultField,
  number
>;

export class SearchHandle extends Handle<SearchBackend> implements Search {
  readonly options: Required<SearchOptions>;

  constructor(backend: SearchBackend, options: Required<SearchOptions>) {
    super('search', backend);
    this.options = Object.freeze({ ...options });
  }

  get points(): Float32Array {
    return this.backend.points;
  }

  get oneHot(): Float32Array {
    return this.backend.oneHot;
  }

  get sign(): Float32Array {
    return this.backend.sign;
  }

  get temperature(): Float32Array {
    return this.backend.temperature;
  }

  get smoothing(): Float32Array {
    return this.backend.smoothing;
  }

  get logits(): Float32Array {
    return this.backend.logits;
  }

  get gradients(): Float32Array {
    return this.backend.gradients;
  }

  get freeLanes(): number {
    return this.backend.freeLanes();
  }

  submit(id: number, image: Float32Array, label: number, target: number, start?: Float32Array): void {
    const { backend } = this;
    const { n } = this.options;
    if (image.length !== n) {
      throw new BlindspotError('INVALID_ARGUMENT', `Expected ${n} pixels for image but received ${image.length}`);
    }
    // A fraction would be cut off silently on its way into the core's int32_t.
    if (!Number.isInteger(label) || !Number.isInteger(target)) {
      throw this.#refusal(Status.ERROR_LABEL, image, label, target);
    }
    if (start !== undefined && start.length !== n) {
      throw new BlindspotError('INVALID_ARGUMENT', `Expected ${n} pixels for start but received ${start.length}`);
    }
    backend.image.set(image);
    if (start !== undefined) backend.start.set(start);
    const status = backend.submit(id, label, target);
    if (status !== Status.OK) {
      backend.start[0] = Number.NaN;
      throw this.#refusal(status, image, label, target, start);
    }
  }

  ask(): number {
    return this.backend.ask();
  }

  tell(): void {
    if (this.backend.tell() !== Status.OK) {
      throw new BlindspotError('INVALID_ARGUMENT', 'There is nothing to tell: call ask() first, once for each tell()');
    }
  }

  take(): SearchResult | undefined {
    const { backend } = this;
    if (backend.take() === 0) return undefined;
    const { result } = backend;
    const field = (name: ResultField): number => result[PLACE[name]] ?? Number.NaN;
    return {
      id: field('id'),
      status: field('status') as LaneStatus,
      distance: field('distance'),
      norm: this.options.norm,
      margin: field('margin'),
      prediction: field('prediction'),
      cleanPrediction: field('cleanPrediction'),
      evaluations: field('evaluations'),
      kktResidual: field('kktResidual'),
      starts: field('starts'),
      slope: field('slope'),
      example: backend.example.slice(),
    };
  }

  /** Says which argument of submit the core refused. */
  #refusal(status: Refusal, image: Float32Array, label: number, target: number, start?: Float32Array): BlindspotError {
    const { classes, lower, upper, lanes } = this.options;
    const isClass = (value: number) => Number.isInteger(value) && value >= 0 && value < classes;
    if (status === Status.ERROR_FULL) {
      return new BlindspotError('INVALID_ARGUMENT', `All ${lanes} lanes are taken: take() a result before submit()`);
    }
    if (status === Status.ERROR_LABEL) {
      if (!isClass(label)) return invalidArgument('label', `a class from 0 to ${classes - 1}`, label);
      if (target === label) return invalidArgument('target', 'a class other than the label', target);
      return invalidArgument('target', `a class from 0 to ${classes - 1}, or -1,`, target);
    }
    if (status === Status.ERROR_START) {
      const at = image.findIndex((pixel) => !(pixel >= lower && pixel <= upper));
      if (at >= 0) return invalidArgument(`image[${at}]`, `a pixel in [${lower}, ${upper}]`, image[at]);
      const off = start?.findIndex((pixel) => !(pixel >= lower && pixel <= upper)) ?? -1;
      if (off >= 0) return invalidArgument(`start[${off}]`, `a pixel in [${lower}, ${upper}]`, start?.[off]);
    }
    return new BlindspotError('INVALID_ARGUMENT', `The image was refused: ${StatusMeaning[status]}`);
  }
}
