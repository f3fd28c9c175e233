import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import { minimizeWith } from '../optimize/minimize_with.ts';
import { type BrowserSession, openBrowserSession } from './browser_session.ts';

const entry = new URL('./browser_page.ts', import.meta.url);

describe('the wasm kernel in Chromium', () => {
  let session: BrowserSession;
  beforeAll(async () => {
    const wasm = new URL('../../dist/wasm/blindspot.wasm', import.meta.url);
    session = await openBrowserSession({ entry, files: { '/blindspot.wasm': wasm } });
  });
  afterAll(async () => {
    await session?.[Symbol.asyncDispose]();
  });

  it('has a page that is cross-origin isolated and runs without an error', async () => {
    expect(await session.page.evaluate(() => globalThis.blindspotPage.crossOriginIsolated)).toBe(true);
    expect(session.errors).toEqual([]);
  });

  it('minimises bounded Rosenbrock to the bits that Node gets', async () => {
    const { kernel, instructionSet, result } = await session.page.evaluate(() =>
      globalThis.blindspotPage.minimizeRosenbrock('/blindspot.wasm'),
    );
    expect(kernel).toBe('wasm');
    expect(instructionSet).toBe('simd128');
    expect(result.success).toBe(true);
    expect(result.x[0]).toBe(0.5);
    expect(result.x[1]).toBeCloseTo(0.25, 5);
    const inNode = minimizeWith(
      await loadKernel('wasm'),
      ([a = 0, b = 0]) => {
        const curve = b - a * a;
        return { value: 100 * curve ** 2 + (1 - a) ** 2, gradient: [-400 * a * curve - 2 * (1 - a), 200 * curve] };
      },
      [-1.2, 1],
      { bounds: { upper: [0.5, Infinity] } },
    );
    expect(result).toEqual({ ...inNode, x: [...inNode.x], jac: [...inNode.jac] });
  });

  it('says what to do when the module is not there', async () => {
    const failure = await session.page.evaluate(() =>
      globalThis.blindspotPage.minimizeRosenbrock('/absent.wasm').then(
        () => 'no error',
        (error: Error) => error.message,
      ),
    );
    expect(failure).toContain('cannot fetch /absent.wasm: 404');
    expect(failure).toContain('to fix: pass { wasm: the address of blindspot.wasm }');
  });
});

describe('a browser that is absent', () => {
  it('fails with the command that installs it', async () => {
    vi.stubEnv('CHROMIUM_PATH', '');
    vi.stubEnv('PATH', '');
    try {
      await expect(openBrowserSession({ entry })).rejects.toThrow('apt-get install chromium');
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
