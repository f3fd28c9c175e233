/** Names of a model's classes: told, or found beside the model. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readUserFile } from '../data/read_file.ts';
import { BlindspotError } from '../errors.ts';

/** What `npx blindspot demo` runs on, and the names of ImageNet's classes. The same from the sources and from dist. */
export const EXAMPLES = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../examples/imagenet/' : '../../../examples/imagenet/',
    import.meta.url,
  ),
);

/**
 * @param told a file (one name a line, or JSON: an array, or an object by index), or `imagenet`.
 * @param model the model's file: without `told`, labels.txt and config.json (id2label) beside it are looked at.
 * @param classes how many there have to be.
 * @returns undefined when there are none.
 * @throws INVALID_DATA when the file told does not hold as many; FILE_NOT_FOUND.
 */
export async function readClassNames(
  told: string | undefined,
  model: string,
  classes: number,
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
  const folder = path.dirname(model);
  for (const name of ['labels.txt', 'config.json']) {
    const text = await readFile(path.join(folder, name), 'utf8').catch(() => undefined);
    const names = text === undefined ? undefined : parseNames(text);
    // Whatever else such a file may be, as many names as classes are theirs.
    if (names?.length === classes) return names;
  }
  return undefined;
}

const Names = z.array(z.string());
const ByIndex = z.record(z.string().regex(/^\d+$/), z.string());
const Config = z.looseObject({ id2label: ByIndex });

function parseNames(text: string): string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const lines = text.split(/\r?\n/).map((line) => line.trim());
    while (lines.at(-1) === '') lines.pop();
    return lines;
  }
  const list = Names.safeParse(value);
  if (list.success) return list.data;
  const config = Config.safeParse(value);
  const byIndex = ByIndex.safeParse(config.success ? config.data.id2label : value);
  if (!byIndex.success) return undefined;
  const size = Object.keys(byIndex.data).length;
  const names = Array.from({ length: size }, (_, index) => byIndex.data[String(index)]);
  return names.every((name) => name !== undefined) ? (names as string[]) : undefined;
}
