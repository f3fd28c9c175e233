/** `attack`, `openModel` and `check` in Node. */
import { writeFileAtomically } from '../data/atomic_write.ts';
import { invalidArgument } from '../errors.ts';
import type { ModelCheck } from '../model/check_model.ts';
import type { AttackData } from './attack_data.ts';
import { attackWith, checkWith } from './attack_model.ts';
import type { AttackOptions, ModelAttackOptions } from './attack_options.ts';
import { NODE_PLATFORM } from './node_platform.ts';
import { type ModelSource, OpenedModel, type OpenModelOptions, openModelOn } from './opened_model.ts';
import type { AttackOutcome } from './result.ts';

/**
 * Finds, for each image, a change as small as can be found that makes the model answer wrongly (or the class wanted).
 *
 *     const { summary, examples } = await attack('model.onnx', { images, labels }, { count: 100 });
 *
 * Results depend on the model, the data, `seed` and the search's own options; not on workers and lanes, but for the last
 * bits: float32 products of the model may differ between batch sizes.
 *
 * @param model path, address or bytes of an ONNX file (one image input in pixels [0, 1], one row of class scores per image),
 *   or an open model, which keeps its input, output and provider.
 * @param data images with their labels, as loadData gives them or as arrays; without labels the model's own answers count
 *   as right.
 * @throws INVALID_ARGUMENT, FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_MODEL, UNSUPPORTED_OP, MODEL_DATA_MISMATCH, INVALID_DATA,
 *   KERNEL_UNAVAILABLE, PROVIDER_UNAVAILABLE, OUT_OF_MEMORY, DISPOSED; the signal's reason when it is aborted before any
 *   image is done.
 */
export function attack(model: OpenedModel, data: AttackData, options?: ModelAttackOptions): Promise<AttackOutcome>;
export function attack(model: ModelSource, data: AttackData, options?: AttackOptions): Promise<AttackOutcome>;
export async function attack(
  model: ModelSource | OpenedModel,
  data: AttackData,
  options: AttackOptions = {},
): Promise<AttackOutcome> {
  return await attackWith(NODE_PLATFORM, model, data, options);
}

/**
 * Opens a model to be asked more than once.
 *
 *     await using model = await openModel('model.onnx');
 *     const { classes } = await model.predict({ images });
 *     const { summary } = await model.attack({ images, labels });
 *
 * @param model path, address or bytes of an ONNX file. Beside a file, a `preprocessor_config.json` of Hugging Face is looked for: what
 *   it says of range, mean, std and channels are the defaults of `input`; `preprocessor: false` leaves it out.
 * @throws INVALID_ARGUMENT, FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_MODEL, UNSUPPORTED_OP; INVALID_DATA for an odd
 *   preprocessor_config.json.
 */
export async function openModel(model: ModelSource, options: OpenModelOptions = {}): Promise<OpenedModel> {
  return await openModelOn(NODE_PLATFORM, model, options);
}

/**
 * Writes the model with its preprocessing in front as an ONNX file of its own, whole or not at all; see OpenedModel.wrapped.
 *
 *     await saveWrappedModel('wrapped.onnx', 'model.onnx', { input: { mean: 'imagenet', std: 'imagenet' } });
 *
 * @param file where to; its folder is made.
 * @param model an open model, or path, address or bytes of an ONNX file.
 * @throws as openModel does; OUTPUT_NOT_WRITABLE.
 */
export async function saveWrappedModel(
  file: string,
  model: ModelSource | OpenedModel,
  options: OpenModelOptions = {},
): Promise<void> {
  if (typeof file !== 'string' || file === '') throw invalidArgument('file', 'a path', file);
  if (model instanceof OpenedModel) return await writeFileAtomically(file, model.wrapped());
  await using opened = await openModel(model, options);
  await writeFileAtomically(file, opened.wrapped());
}

/**
 * What a file is, as a classifier to be attacked, and what blocks it where it cannot be.
 *
 * @param model path, address or bytes of an ONNX file.
 * @param data images with their labels: tells accuracy, the health of gradients, and what the model seems to want of its
 *   pixels.
 * @throws INVALID_ARGUMENT, FILE_NOT_FOUND, FILE_UNREADABLE, MODEL_DATA_MISMATCH, INVALID_DATA, PROVIDER_UNAVAILABLE.
 */
export async function check(
  model: ModelSource,
  data?: AttackData,
  options: OpenModelOptions = {},
): Promise<ModelCheck> {
  return await checkWith(NODE_PLATFORM, model, data, options);
}
