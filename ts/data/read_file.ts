/** Reading a user's file, with the two things that go wrong said in one line. */
import { readFile, stat } from 'node:fs/promises';
import { BlindspotError } from '../errors.ts';

/** What Node reads into one buffer. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * @param what how the message calls it, such as "model".
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE.
 */
export async function readUserFile(file: string, what: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) {
      throw new BlindspotError(
        'FILE_UNREADABLE',
        `The ${what} ${file} has ${size} bytes; at most ${MOST_BYTES} are read`,
      );
    }
    const buffer = await readFile(file);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } catch (cause) {
    if (cause instanceof BlindspotError) throw cause;
    throw fileError(file, what, cause);
  }
}

/** A failed file operation as a user's mistake. */
export function fileError(file: string, what: string, cause: unknown): BlindspotError {
  if ((cause as NodeJS.ErrnoException | null)?.code === 'ENOENT') {
    return new BlindspotError('FILE_NOT_FOUND', `There is no ${what} at ${file}`, { cause });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BlindspotError('FILE_UNREADABLE', `Cannot read the ${what} ${file}: ${reason}`, { cause });
}
