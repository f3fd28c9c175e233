/**
 * What the browser tests run inside the page, on the modules that a browser user imports. A whole attack with
 * onnxruntime-web joins here as one more function of BrowserPage.
 */
import { loadKernel } from '../kernel/load_kernel_web.ts';
import { type MinimizeResult, minimizeWith } from '../optimize/minimize_with.ts';

export interface BrowserPage {
  readonly crossOriginIsolated: boolean;
  /** Bounded Rosenbrock on the kernel at an address; arrays as plain ones, to cross into Node. */
  minimizeRosenbrock(wasm: string): Promise<{
    kernel: string;
    instructionSet: string;
    result: Omit<MinimizeResult, 'x' | 'jac'> & { x: number[]; jac: number[] };
  }>;
}

declare global {
  var blindspotPage: BrowserPage;
}

globalThis.blindspotPage = {
  crossOriginIsolated: globalThis.crossOriginIsolated,

  async minimizeRosenbrock(wasm) {
    const kernel = await loadKernel('auto', { wasm });
    const result = minimizeWith(
      kernel,
      ([a = 0, b = 0]) => {
        const curve = b - a * a;
        return { value: 100 * curve ** 2 + (1 - a) ** 2, gradient: [-400 * a * curve - 2 * (1 - a), 200 * curve] };
      },
      [-1.2, 1],
      { bounds: { upper: [0.5, Infinity] } },
    );
    const plain = { ...result, x: [...result.x], jac: [...result.jac] };
    return { kernel: kernel.name, instructionSet: kernel.instructionSet, result: plain };
  },
};
