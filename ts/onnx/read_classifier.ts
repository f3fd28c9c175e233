/** A classifier of pixels in [0, 1] from a file: its scores found, what it wants of its pixels made a part of it. */
import type { Model } from './model.ts';
import { type InputOptions, withPreprocessing } from './preprocessing.ts';
import { readModel } from './read_model.ts';
import { selectScores } from './scores.ts';

export interface ClassifierOptions {
  /** What the model wants of its pixels; default: pixels in [0, 1] as they are. */
  input?: InputOptions | undefined;
  /** Name of the output that holds the class scores; default: found by its shape. */
  output?: string | undefined;
}

/**
 * @param bytes an ONNX file.
 * @throws INVALID_MODEL, UNSUPPORTED_OP, INVALID_ARGUMENT.
 */
export function readClassifier(bytes: Uint8Array, options: ClassifierOptions = {}): Model {
  const { size, layout } = options.input ?? {};
  const model = readModel(bytes, {
    ...(options.output === undefined ? {} : { output: options.output }),
    ...(size === undefined ? {} : { size }),
    ...(layout === undefined ? {} : { layout }),
  });
  const prepared = options.input === undefined ? model : withPreprocessing(model, options.input);
  return selectScores(prepared, options.output);
}
