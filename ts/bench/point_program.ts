/** Runs scale_point.ts, compiled, in a child process. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runForJson } from './native_program.ts';
import { ScaleAnswer, type ScaleTask } from './scale_task.ts';

/** undefined when it is not compiled: Node runs JavaScript alone in a child process. */
export function pointProgram(): string | undefined {
  const fromSources = import.meta.url.endsWith('.ts');
  const url = new URL(fromSources ? '../../dist/ts/bench/scale_point.js' : './scale_point.js', import.meta.url);
  const file = fileURLToPath(url);
  return existsSync(file) ? file : undefined;
}

export async function runPoint(program: string, task: ScaleTask, signal: AbortSignal): Promise<ScaleAnswer> {
  return ScaleAnswer.parse(await runForJson(process.execPath, [program, JSON.stringify(task)], signal));
}
