/** Runs the command line in the test's own process and keeps what it says. */
import { PassThrough } from 'node:stream';
import { run } from '../run.ts';
import type { ExitCode } from '../terminal.ts';

export interface RecordedRun {
  code: ExitCode;
  out: string;
  err: string;
}

export interface RunHooks {
  signal?: AbortSignal;
  /** Told all that stdout has so far, at each write. */
  onOut?: (text: string) => void;
}

export async function recordedRun(argv: readonly string[], hooks: RunHooks = {}): Promise<RecordedRun> {
  const err = new PassThrough();
  let out = '';
  const write = (text: string) => {
    out += text;
    hooks.onOut?.(out);
  };
  const signal = hooks.signal ?? new AbortController().signal;
  const code = await run(argv, { out: { write }, err, signal });
  return { code, out, err: String(err.read() ?? '') };
}
