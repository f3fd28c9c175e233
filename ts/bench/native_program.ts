/**
 * The C++ benchmarks of native/bench and the SciPy one, as child processes that print JSON. They exist in a clone of the
 * repository alone, where scripts/bench builds them.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MOST_OUTPUT = 2 ** 26;

/** The nearest folder above with a package.json: this file runs from ts/ and, compiled, from dist/ts/. */
function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json')) && folder !== path.dirname(folder))
    folder = path.dirname(folder);
  return folder;
}

/** undefined when it is not built. */
export function nativeProgram(name: string): string | undefined {
  const file = path.join(packageRoot(), 'build/bench/native/bench', name);
  return existsSync(file) ? file : undefined;
}

export function scipyScript(): string | undefined {
  const file = path.join(packageRoot(), 'native/bench/scipy_bench.py');
  return existsSync(file) ? file : undefined;
}

export const NOT_BUILT = 'not built: run `npm run bench` in a clone of the repository, which builds it';

/** What it prints, parsed. */
export async function runForJson(
  file: string,
  args: readonly (string | number)[],
  signal: AbortSignal,
): Promise<unknown> {
  const { stdout } = await run(file, args.map(String), { signal, maxBuffer: MOST_OUTPUT });
  return JSON.parse(stdout) as unknown;
}
