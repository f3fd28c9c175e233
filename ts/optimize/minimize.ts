/** `minimize` in Node: minimizeWith and the choice of a kernel. */
import type { Kernel } from '../kernel/kernel.ts';
import type { KernelChoice } from '../kernel/load_kernel.ts';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import type { AsyncObjective, Precision } from './evaluation.ts';
import { isKernel, type MinimizeOptions, type MinimizeResult, minimizeAsyncWith } from './minimize_with.ts';

export interface NodeMinimizeOptions<P extends Precision = 64> extends MinimizeOptions<P> {
  /** 'auto' (default), 'native', 'wasm', or one that is loaded. */
  kernel?: KernelChoice | Kernel;
}

/**
 * Minimises a smooth function of n variables in a box, by L-BFGS-B or by spectral projected gradient.
 *
 *     const { x, fun } = await minimize(
 *       ([a, b]) => ({ value: (a - 1) ** 2 + b ** 2, gradient: [2 * (a - 1), 2 * b] }),
 *       [0, 0],
 *       { bounds: [-1, 0.5] },
 *     );
 *
 * @param f answers f(x) and its gradient, at once or by a promise; see Objective.
 * @param x0 [n], moved into the bounds first.
 * @throws INVALID_ARGUMENT, NOT_FINITE as minimizeWith does; KERNEL_UNAVAILABLE when no kernel loads.
 */
export async function minimize<P extends Precision = 64>(
  f: AsyncObjective<P>,
  x0: ArrayLike<number>,
  options: NodeMinimizeOptions<P> = {},
): Promise<MinimizeResult<P>> {
  const { kernel = 'auto', ...rest } = options;
  const loaded = isKernel(kernel) ? kernel : await loadKernel(kernel);
  return await minimizeAsyncWith<P>(loaded, f, x0, rest as MinimizeOptions<P>);
}
