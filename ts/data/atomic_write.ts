/** Files that are either whole or absent: written beside the final name, then renamed. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BlindspotError } from '../errors.ts';

/**
 * Writes a file, making its folder.
 * @throws OUTPUT_NOT_WRITABLE with the reason.
 */
export async function writeFileAtomically(file: string, content: Uint8Array | string): Promise<void> {
  const beside = `${file}.${process.pid}.part`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(beside, content);
    await rename(beside, file);
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => undefined);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindspotError('OUTPUT_NOT_WRITABLE', `Cannot write ${file}: ${reason}`, { cause });
  }
}
