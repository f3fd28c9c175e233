/** A model's file in Node: unpacked where it is compressed, with the weights that it keeps in files beside it. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { readUserFile } from '../data/read_file.ts';
import { BlindspotError } from '../errors.ts';
import { externalFiles, withExternalData } from '../onnx/external_data.ts';
import { fetchModel } from './fetch_model.ts';

/**
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE; INVALID_MODEL for weights in a file outside the model's folder.
 */
export async function readModelFile(file: string): Promise<Uint8Array> {
  const bytes = unpacked(await readUserFile(file, 'model'), file);
  const names = externalFiles(bytes);
  if (names.length === 0) return bytes;
  const folder = path.dirname(path.resolve(file));
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const place = path.resolve(folder, name);
    const inside = path.relative(folder, place);
    if (name === '' || path.isAbsolute(name) || inside === '' || inside.startsWith('..') || path.isAbsolute(inside)) {
      throw new BlindspotError(
        'INVALID_MODEL',
        `The model ${file} keeps weights in ${JSON.stringify(name)}, which is not in its own folder; only files there are read`,
      );
    }
    files.set(name, await readUserFile(place, `weights file of ${file}`));
  }
  return withExternalData(bytes, files);
}

/**
 * @param source a path, or the address of a file or of one to fetch.
 * @throws as readModelFile and fetchModel do.
 */
export async function readModelSource(source: string | URL): Promise<Uint8Array> {
  const address = typeof source === 'string' && /^(?:https?|file):\/\//i.test(source) ? new URL(source) : source;
  if (typeof address === 'string') return await readModelFile(address);
  return address.protocol === 'file:' ? await readModelFile(fileURLToPath(address)) : await fetchModel(address);
}

function unpacked(bytes: Uint8Array, file: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return new Uint8Array(gunzipSync(bytes, { maxOutputLength: 2 ** 31 - 1 }));
  } catch (cause) {
    throw new BlindspotError('FILE_UNREADABLE', `Cannot unpack the model ${file}: the file is damaged or over 2 GiB`, {
      cause,
    });
  }
}
