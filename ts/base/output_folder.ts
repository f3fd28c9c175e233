/**
 * Output folders that are whole or absent: everything is written into a folder beside, which is then renamed. Into a
 * folder that is there already, the finished files are moved one by one, in place of those of the same name.
 */
import { access, constants, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { BlindspotError } from '../errors.ts';

/**
 * Tries it before the work begins, and leaves nothing behind.
 * @throws OUTPUT_NOT_WRITABLE.
 */
export async function checkOutputFolder(folder: string): Promise<void> {
  const staging = await stage(folder);
  await staging.discard();
}

/**
 * @param write fills the folder it is given.
 * @throws OUTPUT_NOT_WRITABLE; whatever write throws. Nothing is left behind then.
 */
export async function writeOutputFolder(folder: string, write: (staging: string) => Promise<void>): Promise<void> {
  const staging = await stage(folder);
  try {
    await write(staging.path);
    await staging.commit();
  } catch (error) {
    await staging.discard();
    throw error instanceof BlindspotError || !isFileError(error) ? error : notWritable(folder, error);
  }
}

interface Staging {
  readonly path: string;
  commit(): Promise<void>;
  discard(): Promise<void>;
}

async function stage(folder: string): Promise<Staging> {
  const target = path.resolve(folder);
  try {
    const exists = await isFolder(target);
    if (exists) await access(target, constants.W_OK);
    const name = `.${path.basename(target)}.${process.pid}.part`;
    // Inside a folder that exists, since the one above it may not be ours to write to.
    const place = path.join(exists ? target : path.dirname(target), name);
    const made = await mkdir(place, { recursive: true });
    return {
      path: place,
      commit: () => (exists ? moveEntries(place, target) : rename(place, target)),
      discard: () => discard(place, made),
    };
  } catch (cause) {
    throw cause instanceof BlindspotError ? cause : notWritable(folder, cause);
  }
}

async function isFolder(target: string): Promise<boolean> {
  const entry = await stat(target).catch((cause: unknown) => {
    if (isFileError(cause) && cause.code === 'ENOENT') return undefined;
    throw cause;
  });
  if (entry === undefined) return false;
  if (!entry.isDirectory())
    throw new BlindspotError('OUTPUT_NOT_WRITABLE', `Cannot write into ${target}: it is a file`);
  return true;
}

async function moveEntries(place: string, target: string): Promise<void> {
  for (const name of await readdir(place)) {
    const destination = path.join(target, name);
    await rm(destination, { recursive: true, force: true });
    await rename(path.join(place, name), destination);
  }
  await rmdir(place);
}

/** @param made the topmost folder that staging made; those between it and the staging folder go too while empty. */
async function discard(place: string, made: string | undefined): Promise<void> {
  await rm(place, { recursive: true, force: true });
  if (made === undefined) return;
  for (let parent = path.dirname(place); parent.length >= made.length; parent = path.dirname(parent)) {
    try {
      await rmdir(parent);
    } catch {
      return;
    }
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

function notWritable(folder: string, cause: unknown): BlindspotError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BlindspotError('OUTPUT_NOT_WRITABLE', `Cannot write into ${folder}: ${reason}; choose another --out`, {
    cause,
  });
}
