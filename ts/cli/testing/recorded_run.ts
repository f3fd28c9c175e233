/** Runs the command line in the test's own process and keeps what it says. */
import { PassThrough } from 'node:stream';
import { run } from '../run.ts';
import type { ExitCode } from '../terminal.ts';

export interface RecordedRun {
  code: ExitCode;
  out: string;
  err: string;
}

export async function recordedRun(
  argv: readonly string[],
  signal = new AbortController().signal,
): Promise<RecordedRun> {
  const out = new PassThrough();
  const err = new PassThrough();
  const code = await run(argv, { out, err, signal });
  const text = (stream: PassThrough) => String(stream.read() ?? '');
  return { code, out: text(out), err: text(err) };
}
