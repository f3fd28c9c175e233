/** The version in package.json, the nearest one above this file: it runs from ts/ and, compiled, from dist/ts/. */
import { createRequire } from 'node:module';
import { z } from 'zod';

const Package = z.object({ name: z.literal('blindspot'), version: z.string() });

let version: string | undefined;

export function packageVersion(): string {
  version ??= read();
  return version;
}

function read(): string {
  const require = createRequire(import.meta.url);
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      return Package.parse(require(path)).version;
    } catch {
      // Not this one: dist/ has no package.json.
    }
  }
  throw new Error('blindspot is installed without its package.json');
}
