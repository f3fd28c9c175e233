#!/usr/bin/env node
/** The executable `blindspot`. */
import { run } from './run.ts';
import { ExitCode } from './terminal.ts';

const interruption = new AbortController();
process.on('SIGINT', () => {
  // The first one keeps what is done; whoever asks again does not want to wait for it.
  if (interruption.signal.aborted) process.exit(ExitCode.INTERRUPTED);
  interruption.abort();
});

// A reader that has seen enough, such as head, closes the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  signal: interruption.signal,
});
