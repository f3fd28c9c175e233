/** What a preprocessor_config.json says, and how it goes with what is given. Reading one is preprocessor_config.ts. */
import type { PictureFitOptions } from '../data/picture_fit.ts';
import type { InputOptions } from '../onnx/preprocessing.ts';

export interface PreprocessorConfig {
  /** Where it stands, for messages. */
  readonly file: string;
  /** range, mean, std and channels, where the file says them; `defaultSize`: height and width of a model that takes any. */
  readonly input: InputOptions;
  /** For loadData and readPictures: how pictures of another size are made to fit. */
  readonly pictures: PictureFitOptions;
}

/**
 * What is given, and the file's where nothing is. A range that is given sets the file's mean and std aside, which are in
 * units of its own range.
 */
export function withPreprocessor(
  given: InputOptions | undefined,
  config: PreprocessorConfig | undefined,
): InputOptions | undefined {
  if (config === undefined) return given;
  const { mean, std, ...rest } = config.input;
  const statistics = { ...(mean === undefined ? {} : { mean }), ...(std === undefined ? {} : { std }) };
  const merged = { ...rest, ...(given?.range === undefined ? statistics : {}), ...given };
  return Object.keys(merged).length === 0 ? undefined : merged;
}
