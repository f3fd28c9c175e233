/** The `preprocessor_config.json` that belongs to a model's file. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readUserFile } from '../data/read_file.ts';
import type { PreprocessorConfig } from './preprocessor.ts';
import { parsePreprocessorConfig } from './preprocessor_config.ts';

/**
 * @param told a file, or false for none; default: preprocessor_config.json in the model's folder, or in the one above
 *   where that folder is called onnx.
 * @param model a path or an address; without `told`, only files have folders to look in.
 * @returns undefined where there is none.
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE; INVALID_DATA naming the key that is odd.
 */
export async function findPreprocessor(
  told: string | false | undefined,
  model: string | URL | undefined,
): Promise<PreprocessorConfig | undefined> {
  if (told === false) return undefined;
  const file = told ?? (await fileBeside(model, 'preprocessor_config.json'));
  if (file === undefined) return undefined;
  return parsePreprocessorConfig(new TextDecoder().decode(await readUserFile(file, 'preprocessor')), file);
}

async function fileBeside(model: string | URL | undefined, name: string): Promise<string | undefined> {
  const file = localFile(model);
  if (file === undefined) return undefined;
  for (const folder of modelFolders(file)) {
    const place = path.join(folder, name);
    if (
      await stat(place).then(
        (entry) => entry.isFile(),
        () => false,
      )
    )
      return place;
  }
  return undefined;
}

function localFile(model: string | URL | undefined): string | undefined {
  if (model === undefined) return undefined;
  if (typeof model === 'string' && !/^(?:https?|file):\/\//i.test(model)) return model;
  const address = new URL(model);
  return address.protocol === 'file:' ? fileURLToPath(address) : undefined;
}

/** Where what belongs to a model lies: its folder, and the one above where that is called onnx, as on Hugging Face. */
export function modelFolders(model: string): string[] {
  const folder = path.dirname(path.resolve(model));
  const own = path.dirname(model);
  return path.basename(folder) === 'onnx' ? [own, path.join(own, '..')] : [own];
}
