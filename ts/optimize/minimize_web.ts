/** `minimize` in browsers, on the WebAssembly kernel. Nothing here, nor below, imports a module of Node's. */
import type { Kernel } from '../kernel/kernel.ts';
import type { KernelChoice } from '../kernel/load_kernel.ts';
import { loadKernel, type WebKernelOptions } from '../kernel/load_kernel_web.ts';
import type { AsyncObjective, Precision } from './evaluation.ts';
import { isKernel, type MinimizeOptions, type MinimizeResult, minimizeAsyncWith } from './minimize_with.ts';

export interface WebMinimizeOptions<P extends Precision = 64> extends MinimizeOptions<P> {
  /** 'auto' (default), 'wasm', or one that is loaded. */
  kernel?: KernelChoice | Kernel;
  /** Bytes or address of blindspot.wasm; not used with a kernel that is loaded. */
  wasm?: WebKernelOptions['wasm'];
}

/**
 * As `minimize` in Node. To minimise often, load the kernel once and pass it.
 *
 * @throws as in Node; INVALID_ARGUMENT for the kernel 'native'.
 */
export async function minimize<P extends Precision = 64>(
  f: AsyncObjective<P>,
  x0: ArrayLike<number>,
  options: WebMinimizeOptions<P> = {},
): Promise<MinimizeResult<P>> {
  const { kernel = 'auto', wasm, ...rest } = options;
  const loaded = isKernel(kernel) ? kernel : await loadKernel(kernel, wasm === undefined ? {} : { wasm });
  return await minimizeAsyncWith<P>(loaded, f, x0, rest as MinimizeOptions<P>);
}
