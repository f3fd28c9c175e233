/** The machine, and the versions of all that took part. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { versions } from '../attack/versions.ts';
import { describeKernel } from '../kernel/load_kernel_node.ts';
import type { Environment } from './report.ts';

export async function describeEnvironment(quick: boolean): Promise<Environment> {
  const { kernel } = await describeKernel('auto');
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpuName(),
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    instructionSet: kernel.instructionSet,
    loadBefore: Math.round((os.loadavg()[0] ?? 0) * 10) / 10,
    quick,
    versions: await versions(),
  };
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
