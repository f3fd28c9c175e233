/** Files of a tar archive (POSIX.1-1988, ustar): blocks of 512 bytes, a header before each file. */
import { BlindspotError } from '../errors.ts';

const BLOCK = 512;

export interface TarEntry {
  readonly name: string;
  /** A view. */
  readonly content: Uint8Array;
}

/** Ordinary files in their order; whatever else there is, is passed over. @throws INVALID_DATA when it is cut short. */
export function* tarEntries(archive: Uint8Array): Generator<TarEntry> {
  const text = new TextDecoder('latin1');
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const field = (start: number, length: number) =>
      text.decode(archive.subarray(at + start, at + start + length)).replace(/\0.*$/s, '');
    const name = field(0, 100);
    if (name === '') return;
    const size = Number.parseInt(field(124, 12), 8);
    const content = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (!(size >= 0) || content.length < size)
      throw new BlindspotError('INVALID_DATA', `The archive ends within ${name}`);
    const kind = field(156, 1);
    const prefix = field(345, 155);
    if (kind === '' || kind === '0') yield { name: prefix === '' ? name : `${prefix}/${name}`, content };
    at += BLOCK * (1 + Math.ceil(size / BLOCK));
  }
}
