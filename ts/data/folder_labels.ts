/** Labels of an image folder: a table beside the images, or numbers in the names. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BlindspotError } from '../errors.ts';
import { readUserFile } from './read_file.ts';

export interface FolderLabels {
  readonly label: number;
  readonly target: number | undefined;
}

const JsonTable = z.record(z.string(), z.int().nonnegative());

/** The table in labels.csv or labels.json, by file name; undefined when there is neither. */
export async function readLabels(folder: string): Promise<Map<string, FolderLabels> | undefined> {
  for (const [name, parse] of [
    ['labels.csv', parseCsv],
    ['labels.json', parseJson],
  ] as const) {
    const file = path.join(folder, name);
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return parse(new TextDecoder().decode(await readUserFile(file, 'label table')), file);
  }
  return undefined;
}

function parseCsv(text: string, file: string): Map<string, FolderLabels> {
  const table = new Map<string, FolderLabels>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const fields = line.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
    const [name = '', label = '', target] = fields;
    if (line.trim() === '' || (index === 0 && label === 'label')) continue;
    if (name === '' || fields.length > 3 || !isClass(label) || (target !== undefined && !isClass(target))) {
      throw new BlindspotError(
        'INVALID_DATA',
        `${file}, line ${index + 1}: expected file,label or file,label,target with whole numbers but received ${JSON.stringify(line)}`,
      );
    }
    const key = name.replaceAll('\\', '/');
    table.set(key, { label: Number(label), target: target === undefined ? undefined : Number(target) });
  }
  return table;
}

function parseJson(text: string, file: string): Map<string, FolderLabels> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BlindspotError('INVALID_DATA', `${file} is not JSON: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  const parsed = JsonTable.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new BlindspotError(
      'INVALID_DATA',
      `${file}: expected { "file": label, … } with whole numbers from 0; ${issue?.path.join('.') || 'the file'}: ${issue?.message}`,
    );
  }
  return new Map(Object.entries(parsed.data).map(([name, label]) => [name, { label, target: undefined }]));
}

/**
 * Classes by the names of the sub-folders, in the order of their letters, as torchvision's ImageFolder has them; undefined
 * unless every image lies in one, none begins with a number, and there are as many as the model has classes.
 */
export function classesByFolder(names: readonly string[], classCount: number | undefined): string[] | undefined {
  const folders = [...new Set(names.map((name) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : '')))];
  if (folders.some((folder) => folder === '' || /^\d/.test(folder)) || folders.length < 2) return undefined;
  return classCount === undefined || folders.length === classCount ? folders.sort() : undefined;
}

/** Whether no image has a label: neither a table, nor sub-folders, nor numbers in front of names. */
export function isUnlabelled(names: readonly string[], table: ReadonlyMap<string, FolderLabels> | undefined): boolean {
  return table === undefined && names.every((name) => !name.includes('/') && !/^\d+[-_]/.test(name));
}

/** @throws INVALID_DATA when neither the table nor the name says the class. */
export function labelOf(
  folder: string,
  name: string,
  table: ReadonlyMap<string, FolderLabels> | undefined,
  classes: readonly string[] | undefined,
): FolderLabels {
  const listed = table?.get(name);
  if (listed !== undefined) return listed;
  const slash = name.indexOf('/');
  const labelled = slash < 0 ? name : name.slice(0, slash);
  const byName = slash < 0 ? -1 : (classes?.indexOf(labelled) ?? -1);
  if (byName >= 0) return { label: byName, target: undefined };
  const number = (slash < 0 ? /^(\d+)[-_]/ : /^(\d+)(?=$|[-_ ])/).exec(labelled)?.[1];
  if (number !== undefined) return { label: Number(number), target: undefined };
  throw new BlindspotError(
    'INVALID_DATA',
    `${folder}: no label for ${name}; put it into a folder named by its class index (3/${path.basename(name)}), name it ` +
      `3_${path.basename(name)}, or list it in labels.csv`,
  );
}

function isClass(text: string): boolean {
  return /^\d{1,9}$/.test(text);
}
