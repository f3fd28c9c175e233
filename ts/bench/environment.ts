/** The machine, and the versions of all that took part. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { versions } from '../attack/versions.ts';
import { loadKernelSelection } from '../kernel/load_kernel_node.ts';
import type { Environment } from './report.ts';

export async function describeEnvironment(quick: boolean): Promise<Environment> {
  const { kernel } = await loadKernelSelection('auto');
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpuName(),
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    instructionSet: kernel.instructionSet,
    coresBusy: Math.round((await coresBusy()) * 10) / 10,
    quick,
    versions: await versions(),
  };
}

const SAMPLE_MILLISECONDS = 1000;

/** By others: this process sleeps meanwhile. */
async function coresBusy(): Promise<number> {
  const before = coreTimes();
  await sleep(SAMPLE_MILLISECONDS);
  const after = coreTimes();
  return (os.availableParallelism() * (after.busy - before.busy)) / (after.all - before.all);
}

/** Milliseconds since the machine started, of all cores together. */
function coreTimes(): { readonly busy: number; readonly all: number } {
  const times = os.cpus().map((core) => core.times);
  const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
  return { busy: all - times.reduce((sum, { idle }) => sum + idle, 0), all };
}

/** Hypervisors give bare names such as "Intel Xeon Processor": family and model then tell more. */
function cpuName(): string {
  const name = os.cpus()[0]?.model.trim() ?? 'unknown';
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    const field = (key: string) => new RegExp(`^${key}\\s*: (.+)$`, 'm').exec(text)?.[1];
    return `${name} (family ${field('cpu family')}, model ${field('model')}, ${field('cache size')} of cache)`;
  } catch {
    return name;
  }
}
