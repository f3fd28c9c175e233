/** What the browser tests run inside the page, on what a browser user imports. Arrays cross to Node as plain ones. */
import {
  type AttackOutcome,
  attack,
  BlindspotError,
  loadKernel,
  type MinimizeResult,
  minimize,
  type WebAttackOptions,
} from '../index_web.ts';
import { kernelBits } from '../kernel/testing/kernel_bits.ts';

export interface BrowserPage {
  readonly crossOriginIsolated: boolean;
  /** Bounded Rosenbrock on the kernel at an address. */
  minimizeRosenbrock(wasm: string): Promise<{
    kernel: string;
    instructionSet: string;
    result: Omit<MinimizeResult, 'x' | 'jac'> & { x: number[]; jac: number[] };
  }>;
  /** The lines of the kernel's fixtures, from the kernel at an address. */
  kernelBits(wasm: string): Promise<string[]>;
  /** Attacks the model at an address on the pixels of /images.f32. */
  attackServed(
    model: string,
    labels: number[],
    options: WebAttackOptions,
  ): Promise<Pick<AttackOutcome, 'summary' | 'examples'> & { adversarial: number[] }>;
  /** The code of the BlindspotError that attackServed ends with, or what came instead. */
  attackFailure(model: string, labels: number[], options: WebAttackOptions): Promise<string>;
}

declare global {
  var blindspotPage: BrowserPage;
}

async function fetched(path: string): Promise<ArrayBuffer> {
  return await (await fetch(path)).arrayBuffer();
}

async function attackServed(model: string, labels: number[], options: WebAttackOptions): Promise<AttackOutcome> {
  const bytes = new Uint8Array(await fetched(model));
  const images = new Float32Array(await fetched('/images.f32'));
  return await attack(bytes, { images, labels }, options);
}

globalThis.blindspotPage = {
  crossOriginIsolated: globalThis.crossOriginIsolated,

  async minimizeRosenbrock(wasm) {
    const kernel = await loadKernel('auto', { wasm });
    const result = await minimize(
      ([a = 0, b = 0]) => {
        const curve = b - a * a;
        return { value: 100 * curve ** 2 + (1 - a) ** 2, gradient: [-400 * a * curve - 2 * (1 - a), 200 * curve] };
      },
      [-1.2, 1],
      { bounds: { upper: [0.5, Infinity] }, wasm },
    );
    const plain = { ...result, x: [...result.x], jac: [...result.jac] };
    return { kernel: kernel.name, instructionSet: kernel.instructionSet, result: plain };
  },

  async kernelBits(wasm) {
    return kernelBits(await loadKernel('wasm', { wasm }));
  },

  async attackServed(model, labels, options) {
    const { summary, examples, adversarial } = await attackServed(model, labels, options);
    return { summary, examples, adversarial: [...adversarial] };
  },

  async attackFailure(model, labels, options) {
    try {
      await attackServed(model, labels, options);
      return 'no error';
    } catch (error) {
      return error instanceof BlindspotError ? error.code : String(error);
    }
  },
};
