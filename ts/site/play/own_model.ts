/** A model of the user's, and what it wants of its pixels: chosen, or read from a preprocessor_config.json. */
import type { ModelCheck } from '../../model/check_model.ts';
import type { PreprocessorConfig } from '../../model/preprocessor.ts';
import type { InputOptions } from '../../onnx/preprocessing.ts';
import { INPUT_CHOICES } from '../catalog.ts';

/** In place of one of the choices. */
export const FROM_FILE = 'file';

export interface OwnModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly check: ModelCheck | undefined;
  /** One of INPUT_CHOICES, or FROM_FILE. */
  readonly range: string;
  readonly channels: 'rgb' | 'bgr';
  readonly preprocessor: PreprocessorConfig | undefined;
}

export function ownModel(name: string, bytes: Uint8Array, check: ModelCheck): OwnModel {
  return { name, bytes, check, range: 'unit', channels: 'rgb', preprocessor: undefined };
}

export function inputOf({ range, channels, preprocessor }: OwnModel): InputOptions | undefined {
  if (range === FROM_FILE) return preprocessor?.input;
  const input = INPUT_CHOICES.find(({ id }) => id === range)?.input;
  return channels === 'bgr' ? { ...input, channels } : input;
}
