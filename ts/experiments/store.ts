/**
 * What a run has finished, kept under the hash of the settings that decide it: a folder an entry, filled beside and
 * then renamed, so that it is whole or absent whenever the run is killed.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BlindspotError } from '../errors.ts';

export interface Key {
  /** Such as model-fc100-100-10; for people who look into the folder. */
  readonly name: string;
  /** All that decides the content; JSON. */
  readonly settings: unknown;
}

export class Store {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  has(key: Key): Promise<boolean> {
    return exists(this.#entry(key));
  }

  /** undefined when there is no such entry. */
  async read(key: Key, file: string): Promise<Uint8Array | undefined> {
    const place = path.join(this.#entry(key), file);
    if (!(await exists(place))) return undefined;
    const bytes = await readFile(place);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @throws OUTPUT_NOT_WRITABLE. */
  async write(key: Key, files: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
    const entry = this.#entry(key);
    const beside = `${entry}.${process.pid}.part`;
    try {
      await mkdir(beside, { recursive: true });
      for (const [name, content] of files) await writeFile(path.join(beside, name), content);
      await rm(entry, { recursive: true, force: true });
      await rename(beside, entry);
    } catch (cause) {
      await rm(beside, { recursive: true, force: true }).catch(() => undefined);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BlindspotError('OUTPUT_NOT_WRITABLE', `Cannot write ${entry}: ${reason}; choose another --out`, {
        cause,
      });
    }
  }

  /** Where work on an entry keeps its checkpoints until it is done. */
  unfinished(key: Key): string {
    return `${this.#entry(key)}.unfinished`;
  }

  async removeUnfinished(key: Key): Promise<void> {
    await rm(this.unfinished(key), { recursive: true, force: true });
  }

  #entry({ name, settings }: Key): string {
    const hash = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
    return path.join(this.#folder, `${name.replaceAll(/[^\w.-]+/g, '_')}-${hash}`);
  }
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
