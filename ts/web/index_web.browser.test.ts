/** The package's web entry in a real Chromium, against Node on the same WebAssembly kernel. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fc } from '../../models/fc.ts';
import { attack as attackInNode } from '../attack/attack.ts';
import type { AttackOutcome } from '../attack/result.ts';
import type { ImageSet } from '../data/image_set.ts';
import { loadMnist } from '../data/mnist.ts';
import type { WebAttackOptions } from '../index_web.ts';
import { evaluate } from '../nn/evaluate.ts';
import { minimize as minimizeInNode } from '../optimize/minimize.ts';
import { createSession } from '../runtime/node_session.ts';
import { type BrowserSession, openBrowserSession } from './browser_session.ts';

const entry = new URL('./browser_page.ts', import.meta.url);
const wasm = '/blindspot.wasm';

/** Small, but right about nine images in ten; a second to train. */
async function trainedModel(): Promise<Uint8Array> {
  const train = await loadMnist({ split: 'train', count: 4000 });
  return (await fc([32, 10]).train({ train, recipe: { epochs: 4 }, createSession })).bytes;
}

describe('the web entry in Chromium', () => {
  let session: BrowserSession;
  let model: Uint8Array;
  let data: ImageSet;
  let labels: number[];
  let inNode: AttackOutcome;
  beforeAll(async () => {
    [model, data] = await Promise.all([trainedModel(), loadMnist({ split: 'test', count: 20 })]);
    labels = [...data.labels];
    inNode = await attackInNode(model, data, { kernel: 'wasm' });
    session = await openBrowserSession({
      entry,
      files: {
        [wasm]: new URL('../../dist/wasm/blindspot.wasm', import.meta.url),
        '/model.onnx': model,
        '/images.f32': new Uint8Array(data.images.buffer, data.images.byteOffset, data.images.byteLength),
      },
      browserArguments: ['--enable-unsafe-webgpu'],
    });
  });
  afterAll(async () => {
    await session?.[Symbol.asyncDispose]();
  });

  const attackInPage = (options: WebAttackOptions) =>
    session.page.evaluate(([of, given]) => globalThis.blindspotPage.attackServed(of, given), [
      labels,
      options,
    ] as const);

  it('has a page that is cross-origin isolated and runs without an error', async () => {
    expect(await session.page.evaluate(() => globalThis.blindspotPage.crossOriginIsolated)).toBe(true);
    expect(session.errors).toEqual([]);
  });

  it('minimises bounded Rosenbrock to the bits that Node gets', async () => {
    const { kernel, instructionSet, result } = await session.page.evaluate(
      (address) => globalThis.blindspotPage.minimizeRosenbrock(address),
      wasm,
    );
    expect(kernel).toBe('wasm');
    expect(instructionSet).toBe('simd128');
    expect(result.success).toBe(true);
    expect(result.x[0]).toBe(0.5);
    expect(result.x[1]).toBeCloseTo(0.25, 5);
    const expected = await minimizeInNode(
      ([a = 0, b = 0]) => {
        const curve = b - a * a;
        return { value: 100 * curve ** 2 + (1 - a) ** 2, gradient: [-400 * a * curve - 2 * (1 - a), 200 * curve] };
      },
      [-1.2, 1],
      { bounds: { upper: [0.5, Infinity] }, kernel: 'wasm' },
    );
    expect(result).toEqual({ ...expected, x: [...expected.x], jac: [...expected.jac] });
  });

  it('says what to do when the kernel is not there', async () => {
    const failure = await session.page.evaluate(() =>
      globalThis.blindspotPage.minimizeRosenbrock('/absent.wasm').then(
        () => 'no error',
        (error: Error) => error.message,
      ),
    );
    expect(failure).toContain('cannot fetch /absent.wasm: 404');
    expect(failure).toContain('to fix: pass { wasm: the address of blindspot.wasm }');
  });

  // Runtimes sum in other orders: a search may end in another of two minima that are nearly as near.
  it.each([
    { provider: 'wasm', threads: 2, tolerance: 1e-3 },
    { provider: 'webgpu', tolerance: 5e-3 },
  ] as const)('attacks MNIST images on $provider as Node does', async (given) => {
    const { tolerance, ...options } = given;
    const { summary, examples, adversarial } = await attackInPage({ wasm, ...options });
    expect(summary).toMatchObject({ kernel: 'wasm', provider: given.provider, workers: 1, successRate: 1 });
    expect(summary.versions).toEqual({ browser: expect.stringContaining('Chrome') });
    expect(summary.alreadyMisclassified).toBeLessThan(10);
    expect(examples.map(({ success }) => success)).toEqual(inNode.examples.map(({ success }) => success));
    expect(Math.abs((summary.meanL2 as number) / (inNode.summary.meanL2 as number) - 1)).toBeLessThan(tolerance);

    const delivered = { ...data, images: Float32Array.from(adversarial) };
    const { error, predictions } = await evaluate(model, delivered, { createSession });
    expect(error).toBe(1);
    expect([...predictions]).toEqual(examples.map(({ prediction }) => prediction));
  });

  it('runs the two threads asked for: the page and one worker', () => {
    expect(session.page.workers()).toHaveLength(1);
  });

  it('refuses what only Node has', async () => {
    const failure = (options: WebAttackOptions) =>
      session.page.evaluate(([of, given]) => globalThis.blindspotPage.attackFailure(of, given), [
        labels,
        options,
      ] as const);
    expect(await failure({ wasm, provider: 'cpu' })).toBe('PROVIDER_UNAVAILABLE');
    expect(await failure({ wasm, kernel: 'native' })).toBe('INVALID_ARGUMENT');
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
