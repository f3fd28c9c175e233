/**
 * An open model: read once, its sessions and graphs kept between calls, so that asking it again costs only the answer.
 *
 *     await using model = await openModel('model.onnx');
 *     const { classes } = await model.predict({ images });
 *     const { summary } = await model.attack({ images, labels });
 */
import type { ImageSet } from '../data/image_set.ts';
import { imageSize } from '../data/image_set.ts';
import { invalidArgument } from '../errors.ts';
import { checkLoaded, type ModelCheck } from '../model/check_model.ts';
import { LoadedClassifier } from '../model/loaded_classifier.ts';
import { type PreprocessorConfig, withPreprocessor } from '../model/preprocessor.ts';
import { largest } from '../nn/evaluate.ts';
import type { ClassifierOptions } from '../onnx/read_classifier.ts';
import { wrapModel } from '../onnx/wrapped_model.ts';
import type { ProviderName } from '../runtime/session.ts';
import { type AttackData, prepareData } from './attack_data.ts';
import { type AttackPlatform, attackOn } from './attack_on.ts';
import { completeAttackOptions, type ModelAttackOptions } from './attack_options.ts';
import { judgeRows } from './lanes.ts';
import type { AttackOutcome } from './result.ts';

/** A path, an address, or the bytes of an ONNX file. */
export type ModelSource = string | URL | Uint8Array;

export interface OpenModelOptions extends ClassifierOptions {
  /**
   * A preprocessor_config.json of Hugging Face, whose numbers are the defaults of `input`; false for none. Default: the one
   * beside the model's file (or a folder above, where its own is called onnx). In browsers there are no files, and none is
   * looked for.
   */
  preprocessor?: string | false | undefined;
  /** Where the model runs; default cpu in Node, wasm in the browser. */
  provider?: ProviderName | undefined;
}

export interface Predictions {
  /** Class of the largest score, the first of equals, [images]; -1 where one is NaN. */
  readonly classes: Int32Array;
  /** [images, classes]: the model's scores, or the logarithms of its probabilities. */
  readonly logits: Float32Array;
}

export class OpenedModel implements AsyncDisposable {
  readonly #platform: AttackPlatform;
  readonly #loaded: LoadedClassifier;

  /**
   * What was read from a preprocessor_config.json; undefined when nothing was. Its `pictures` are options of loadData:
   * `loadData('photos', { imageShape: model.imageShape, ...model.preprocessor?.pictures })`.
   */
  readonly preprocessor: PreprocessorConfig | undefined;

  /** Use openModel. */
  constructor(platform: AttackPlatform, loaded: LoadedClassifier, preprocessor?: PreprocessorConfig) {
    this.#platform = platform;
    this.#loaded = loaded;
    this.preprocessor = preprocessor;
  }

  get classes(): number {
    return this.#loaded.description.classes;
  }

  /** Of one image, as the model takes it: [784], [1, 28, 28], [224, 224, 3]. */
  get imageShape(): readonly number[] {
    return this.#loaded.description.imageShape;
  }

  get provider(): ProviderName {
    return this.#loaded.provider;
  }

  /**
   * What the file itself answers, in plain ONNX Runtime.
   * @param data pixels in [0, 1]; labels are not needed.
   * @throws INVALID_ARGUMENT, INVALID_DATA, MODEL_DATA_MISMATCH, INVALID_MODEL, PROVIDER_UNAVAILABLE, DISPOSED.
   */
  async predict(data: AttackData | Float32Array): Promise<Predictions> {
    const set = this.#prepare(data instanceof Float32Array ? { images: data } : data);
    const { scorer } = await this.#loaded.judge();
    const { classes } = this;
    const rows = judgeRows(this.#loaded.classifier.model);
    const size = imageSize(set.shape);
    const logits = new Float32Array(set.count * classes);
    for (let start = 0; start < set.count; start += rows) {
      const count = Math.min(rows, set.count - start);
      const pixels = set.images.subarray(start * size, (start + count) * size);
      logits.set(await scorer.score(pixels, count, set.shape), start * classes);
    }
    return {
      logits,
      classes: Int32Array.from({ length: set.count }, (_, row) => largest(logits, row * classes, classes)),
    };
  }

  /** See `attack`. @throws as it does. */
  async attack(data: AttackData, options: ModelAttackOptions = {}): Promise<AttackOutcome> {
    return await attackOn(this.#platform, this.#loaded, data, completeAttackOptions(options));
  }

  /**
   * What the file is, whether its gradients are of use, and with labelled images its accuracy and what it seems to want of
   * its pixels.
   * @throws as predict does.
   */
  async check(data?: AttackData): Promise<ModelCheck> {
    const set = data === undefined ? undefined : this.#prepare(data);
    return await checkLoaded(this.#platform.createSession, this.#loaded, set);
  }

  /**
   * The model with its preprocessing in front, as an ONNX file of its own, which any ONNX Runtime runs: `pixels`
   * [N, …imageShape], float32 in [0, 1], to `scores` [N, classes], float32, in the file's own precision and batch. The
   * scores are the file's own, probabilities where it gives those.
   * @throws INVALID_MODEL.
   */
  wrapped(): Uint8Array<ArrayBuffer> {
    return wrapModel(this.#loaded.bytes, this.#loaded.classifier);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loaded[Symbol.asyncDispose]();
  }

  #prepare(data: AttackData): ImageSet {
    return prepareData(data, this.#loaded.description);
  }
}

/** @throws INVALID_ARGUMENT, FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_DATA, INVALID_MODEL, UNSUPPORTED_OP. */
export async function openModelOn(
  platform: AttackPlatform,
  source: ModelSource,
  { provider = platform.defaultProvider, preprocessor, ...options }: OpenModelOptions = {},
): Promise<OpenedModel> {
  const bytes = await modelBytes(platform, source);
  const config = await preprocessorOf(platform, source, preprocessor);
  const own = { ...options, input: withPreprocessor(options.input, config) };
  return new OpenedModel(platform, new LoadedClassifier(platform.createSession, bytes, provider, own), config);
}

/** @throws INVALID_ARGUMENT, FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_DATA. */
export async function preprocessorOf(
  platform: Pick<AttackPlatform, 'findPreprocessor'>,
  source: ModelSource,
  told: OpenModelOptions['preprocessor'],
): Promise<PreprocessorConfig | undefined> {
  if (told !== undefined && told !== false && (typeof told !== 'string' || platform.findPreprocessor === undefined)) {
    const expected = platform.findPreprocessor === undefined ? 'false (there are no files here)' : 'a file or false';
    throw invalidArgument('preprocessor', expected, told);
  }
  return await platform.findPreprocessor?.(told, source instanceof Uint8Array ? undefined : source);
}

/** @throws INVALID_ARGUMENT, FILE_NOT_FOUND, FILE_UNREADABLE. */
export async function modelBytes(
  platform: Pick<AttackPlatform, 'readModel'>,
  source: ModelSource,
): Promise<Uint8Array> {
  if (typeof source === 'string' || source instanceof URL) return await platform.readModel(source);
  if (!(source instanceof Uint8Array)) {
    throw invalidArgument('model', 'a path, a URL or the bytes of an ONNX file', source);
  }
  // A Buffer is one, too, but its slice() is a view, where Uint8Array's is a copy: readers rely on the copy.
  return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
}
