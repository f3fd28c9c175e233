/**
 * The Node addon (bindings/node) as a kernel. Its typed arrays are external: they lie over the core's own memory,
 * keep it alive while they are reachable, and are detached (length 0) by dispose().
 */
import { BlindspotError } from '../errors.ts';
import type { Status } from './abi.generated.ts';
import type { KernelBackend, MinimizerBackend, Refusal, SearchBackend } from './backend.ts';
import { BackendKernel } from './backend_kernel.ts';
import type { Kernel } from './kernel.ts';

/** What `require('blindspot.node')` answers. Handles carry their views as plain properties. */
export interface NativeAddon {
  instructionSet(): string;
  useInstructionSet(name: string): Status;
  lastOption(): string;
  createMinimizer(options: Float64Array): MinimizerBackend | Refusal;
  createSearch(options: Float64Array): SearchBackend | Refusal;
  searchBytes(options: Float64Array): number;
}

const functions = [
  'instructionSet',
  'useInstructionSet',
  'lastOption',
  'createMinimizer',
  'createSearch',
  'searchBytes',
] as const satisfies readonly (keyof NativeAddon)[];

/** @throws KERNEL_UNAVAILABLE when the module is not the addon, or one built from other sources. */
export function createNativeKernel(addon: unknown): Kernel {
  if (!isAddon(addon)) {
    throw new BlindspotError('KERNEL_UNAVAILABLE', 'the addon lacks functions: it was built from other sources');
  }
  const backend: KernelBackend = {
    name: 'native',
    instructionSet: addon.instructionSet,
    useInstructionSet: addon.useInstructionSet,
    lastOption: addon.lastOption,
    createMinimizer: addon.createMinimizer,
    createSearch: addon.createSearch,
    searchBytes: addon.searchBytes,
  };
  return new BackendKernel(backend);
}

function isAddon(addon: unknown): addon is NativeAddon {
  if (typeof addon !== 'object' || addon === null) return false;
  const members = addon as Readonly<Record<string, unknown>>;
  return functions.every((name) => typeof members[name] === 'function');
}
