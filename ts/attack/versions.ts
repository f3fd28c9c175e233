/** Versions of what a result was made with, in Node. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { runtimeVersion } from '../runtime/node_session.ts';

const Package = z.object({ name: z.literal('blindspot'), version: z.string() });

export async function versions(): Promise<Record<string, string>> {
  return { blindspot: packageVersion(), onnxruntime: await runtimeVersion(), node: process.versions.node };
}

/** From the nearest package.json above: this file runs from ts/ and, compiled, from dist/ts/. */
export function packageVersion(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json')) && folder !== path.dirname(folder))
    folder = path.dirname(folder);
  return Package.parse(JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))).version;
}
