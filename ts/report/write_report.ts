/** Writes a report so that a reader never finds half of one: each file is written beside its place, then renamed. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlindspotError } from '../errors.ts';
import type { Figure } from './attack_report.ts';

/**
 * Writes `report.html` and `figures/*.png` into `dir`, which is made when it is missing.
 *
 * @returns the path of report.html
 * @throws {BlindspotError} OUTPUT_NOT_WRITABLE; nothing half-written is left
 */
export async function writeReport(dir: string, report: { html: string; figures: readonly Figure[] }): Promise<string> {
  const target = join(dir, 'report.html');
  const files: [path: string, content: string | Uint8Array][] = [
    ...report.figures.map(({ name, png }): [string, Uint8Array] => [join(dir, 'figures', name), png]),
    [target, report.html],
  ];
  const beside = (path: string): string => `${path}.${process.pid}.partial`;
  try {
    await mkdir(report.figures.length > 0 ? join(dir, 'figures') : dir, { recursive: true });
    for (const [path, content] of files) await writeFile(beside(path), content);
    for (const [path] of files) await rename(beside(path), path);
  } catch (cause) {
    await Promise.all(files.map(([path]) => rm(beside(path), { force: true }).catch(() => undefined)));
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindspotError(
      'OUTPUT_NOT_WRITABLE',
      `Cannot write the report into ${dir}: ${reason}. Choose another folder`,
      {
        cause,
      },
    );
  }
  return target;
}
