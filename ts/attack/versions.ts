/** Versions of what a result was made with, in Node. */
import { createRequire } from 'node:module';
import { z } from 'zod';
import { runtimeVersion } from '../runtime/node_session.ts';

const Package = z.object({ name: z.literal('blindspot'), version: z.string() });

export async function versions(): Promise<Record<string, string>> {
  return { blindspot: packageVersion(), onnxruntime: await runtimeVersion(), node: process.versions.node };
}

/** From the nearest package.json: this file runs from ts/ and, compiled, from dist/ts/. */
export function packageVersion(): string {
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
