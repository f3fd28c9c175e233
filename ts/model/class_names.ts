/** Names of a model's classes: told, or found beside the model or in it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readUserFile } from '../data/read_file.ts';
import { BlindspotError } from '../errors.ts';
import { modelFolders } from './find_preprocessor.ts';
import { metadataNames, namesOf } from './metadata_names.ts';

/** What `npx blindspot demo` runs on, and the names of ImageNet's classes. The same from the sources and from dist. */
export const EXAMPLES = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../examples/imagenet/' : '../../../examples/imagenet/',
    import.meta.url,
  ),
);

/**
 * @param told a file (one name a line, or JSON: an array, or an object by index), or `imagenet`.
 * @param model the model's file: without `told`, labels.txt and config.json (id2label) beside it are looked at, or above a
 *   folder called onnx, and last the metadata of the file itself.
 * @param classes how many there have to be.
 * @param bytes the file's; default: its metadata is not looked at.
 * @returns undefined when there are none.
 * @throws INVALID_DATA when the file told does not hold as many; FILE_NOT_FOUND.
 */
export async function readClassNames(
  told: string | undefined,
  model: string,
  classes: number,
  bytes?: Uint8Array,
): Promise<string[] | undefined> {
  if (told !== undefined) {
    const file = told === 'imagenet' ? path.join(EXAMPLES, 'classes.json') : told;
    const names = parseNames(new TextDecoder().decode(await readUserFile(file, 'class names')));
    if (names?.length === classes) return names;
    throw new BlindspotError(
      'INVALID_DATA',
      `${told} holds ${names === undefined ? 'no list of names' : `${names.length} class names`} but the model has ${classes} classes; give one name a line, or a JSON array`,
    );
  }
  for (const folder of modelFolders(model)) {
    for (const name of ['labels.txt', 'config.json']) {
      const text = await readFile(path.join(folder, name), 'utf8').catch(() => undefined);
      const names = text === undefined ? undefined : parseNames(text);
      // Whatever else such a file may be, as many names as classes are theirs.
      if (names?.length === classes) return names;
    }
  }
  return bytes && metadataNames(bytes).find((names) => names.length === classes);
}

const Config = z.looseObject({ id2label: z.unknown() });

function parseNames(text: string): string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }
  const config = Config.safeParse(value);
  return namesOf(config.success && config.data.id2label !== undefined ? config.data.id2label : value);
}
