// Whether a program can be started by its bare name.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of the commands that some folder of PATH holds. */
export function firstOnPath(...commands) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return commands.find((command) => folders.some((folder) => existsSync(join(folder, command))));
}
