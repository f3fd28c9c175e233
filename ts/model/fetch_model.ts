/** A model that is fetched, in browsers and in Node: unpacked where it is compressed, with the weights kept beside it. */
import { BlindspotError } from '../errors.ts';
import { externalFiles, withExternalData } from '../onnx/external_data.ts';

/**
 * @param address absolute, or in a page relative to it.
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE; INVALID_MODEL for weights outside the model's folder.
 */
export async function fetchModel(address: string | URL): Promise<Uint8Array> {
  const response = await fetchFile(address, 'model');
  const bytes = await unpacked(new Uint8Array(await response.arrayBuffer()), address);
  const names = externalFiles(bytes);
  if (names.length === 0) return bytes;
  const base = response.url === '' ? String(address) : response.url;
  const folder = new URL('.', base).href;
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const place = new URL(name.split('/').map(encodeURIComponent).join('/'), base).href;
    if (!place.startsWith(folder) || name.includes('..')) {
      throw new BlindspotError(
        'INVALID_MODEL',
        `The model ${address} keeps weights in ${JSON.stringify(name)}, which is not in its own folder; only files there are read`,
      );
    }
    files.set(name, new Uint8Array(await (await fetchFile(place, 'weights file')).arrayBuffer()));
  }
  return withExternalData(bytes, files);
}

async function fetchFile(address: string | URL, what: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindspotError('FILE_UNREADABLE', `Cannot fetch the ${what} ${address}: ${reason}`, { cause });
  }
  if (response.ok) return response;
  const code = response.status === 404 || response.status === 410 ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE';
  throw new BlindspotError(code, `Cannot fetch the ${what} ${address}: ${response.status} ${response.statusText}`);
}

async function unpacked(bytes: Uint8Array<ArrayBuffer>, address: string | URL): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch (cause) {
    throw new BlindspotError('FILE_UNREADABLE', `Cannot unpack the model ${address}: the file is damaged`, { cause });
  }
}
