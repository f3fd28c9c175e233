/** The kernel in browsers: WebAssembly alone. Nothing here, nor below, imports a module of Node's. */
import type { Kernel } from './kernel.ts';
import { type KernelChoice, type KernelSelection, selectKernel } from './load_kernel.ts';
import { createWasmKernel } from './wasm_kernel.ts';
import type { WasmSource } from './wasm_loader.ts';

export interface WebKernelOptions {
  /** Bytes or address of blindspot.wasm; by default dist/wasm/blindspot.wasm of the package, which bundlers copy. */
  wasm?: WasmSource;
}

/** @throws INVALID_ARGUMENT for 'native', which browsers cannot run; KERNEL_UNAVAILABLE with the cause. */
export async function loadKernelSelection(
  choice: KernelChoice = 'auto',
  options: WebKernelOptions = {},
): Promise<KernelSelection> {
  const source = {
    name: 'wasm',
    remedy: 'pass { wasm: the address of blindspot.wasm }, in a browser with WebAssembly SIMD',
    load: () => createWasmKernel(options.wasm ?? new URL('../../wasm/blindspot.wasm', import.meta.url)),
  } as const;
  return await selectKernel([source], choice);
}

/** The kernel that loadKernelSelection selects. */
export async function loadKernel(choice: KernelChoice = 'auto', options: WebKernelOptions = {}): Promise<Kernel> {
  return (await loadKernelSelection(choice, options)).kernel;
}
