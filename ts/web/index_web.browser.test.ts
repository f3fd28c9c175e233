/** The package's web entry in a real Chromium, against Node on the same WebAssembly kernel. */
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fc } from '../../models/fc.ts';
import { classifierEntry, type ModelEntry } from '../../models/model_entry.ts';
import { attack as attackInNode } from '../attack/attack.ts';
import type { ImageSet } from '../data/image_set.ts';
import { loadMnist } from '../data/mnist.ts';
import type { AttackExample, WebAttackOptions } from '../index_web.ts';
import { fixtureLines } from '../kernel/testing/fixture_lines.ts';
import { evaluate } from '../nn/evaluate.ts';
import { conv, dense, flatten, maxPool, relu } from '../nn/layers.ts';
import { describeClassifier } from '../onnx/classifier.ts';
import { readModel } from '../onnx/read_model.ts';
import { minimize as minimizeInNode } from '../optimize/minimize.ts';
import { createSession } from '../runtime/node_session.ts';
import { type BrowserSession, openBrowserSession } from './browser_session.ts';

const entry = new URL('./browser_page.ts', import.meta.url);
const wasm = '/blindspot.wasm';

/** With the kinks of ReLU and max-pooling. */
const KINKED = classifierEntry(
  {
    name: 'kinked',
    inputShape: [1, 28, 28],
    layers: [conv(4, 5), relu, maxPool(2), flatten, dense(10)],
  },
  { epochs: 4, batchSize: 64, optimizer: { type: 'adam', learningRate: 2e-3 }, schedule: 'cosine' },
);

/** Small, but right about nine images in ten; a second or two to train. */
async function trainedModel({ definition, train }: ModelEntry): Promise<Uint8Array> {
  const images = await loadMnist({ split: 'train', count: 4000 });
  const shaped = { ...images, shape: definition.inputShape };
  return (await train({ train: shaped, recipe: { epochs: 4 }, createSession })).bytes;
}

const smooth = '/smooth.onnx';
const kinked = '/kinked.onnx';

describe('the web entry in Chromium', () => {
  let session: BrowserSession;
  let models: Record<string, Uint8Array>;
  let data: ImageSet;
  let labels: number[];
  beforeAll(async () => {
    models = { [smooth]: await trainedModel(fc([32, 10])), [kinked]: await trainedModel(KINKED) };
    data = await loadMnist({ split: 'test', count: 20 });
    labels = [...data.labels];
    session = await openBrowserSession({
      entry,
      files: {
        [wasm]: new URL('../../dist/wasm/blindspot.wasm', import.meta.url),
        ...models,
        '/images.f32': new Uint8Array(data.images.buffer, data.images.byteOffset, data.images.byteLength),
      },
      browserArguments: ['--enable-unsafe-webgpu'],
    });
  });
  afterAll(async () => {
    await session?.[Symbol.asyncDispose]();
  });

  const attackInPage = (model: string, options: WebAttackOptions) =>
    session.page.evaluate(([at, of, given]) => globalThis.blindspotPage.attackServed(at, of, given), [
      model,
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

  it('repeats the kernel’s fixtures bit for bit', async () => {
    const lines = await session.page.evaluate((address) => globalThis.blindspotPage.kernelBits(address), wasm);
    expect(lines).toHaveLength(56);
    expect(fixtureLines()).toEqual(expect.arrayContaining(lines));
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
    { model: smooth, provider: 'wasm', threads: 2, tolerance: 1e-3 },
    { model: smooth, provider: 'webgpu', tolerance: 5e-3 },
    { model: kinked, provider: 'wasm', threads: 2, tolerance: 1e-2 },
    { model: kinked, provider: 'webgpu', tolerance: 2e-2 },
  ] as const)('attacks MNIST images on $provider as Node does: $model', async (given) => {
    const { model, tolerance, ...options } = given;
    const bytes = models[model] as Uint8Array;
    const { imageShape } = describeClassifier(readModel(bytes));
    const shaped = { ...data, shape: imageShape };
    const inNode = await attackInNode(bytes, shaped, { kernel: 'wasm' });
    const { summary, examples, adversarial } = await attackInPage(model, { wasm, ...options });
    expect(summary).toMatchObject({ kernel: 'wasm', provider: given.provider, workers: 1, successRate: 1 });
    expect(summary.versions).toEqual({ browser: expect.stringContaining('Chrome') });
    expect(summary.alreadyMisclassified).toBeLessThan(10);
    expect(examples.map(({ success }) => success)).toEqual(inNode.examples.map(({ success }) => success));
    expect(Math.abs((summary.meanL2 as number) / (inNode.summary.meanL2 as number) - 1)).toBeLessThan(tolerance);

    const delivered = { ...shaped, images: Float32Array.from(adversarial) };
    const { error, predictions } = await evaluate(bytes, delivered, { createSession });
    expect(error).toBe(1);
    expect([...predictions]).toEqual(examples.map(({ prediction }) => prediction));
  });

  it('renders the report of an attack: pictures, plots, and nothing that is elsewhere', async () => {
    const before = [...session.errors];
    const html = await session.page.evaluate(
      ([at, of, address]) => globalThis.blindspotPage.reportServed(at, of, address),
      [kinked, labels, wasm] as const,
    );
    expect(html).toContain('<title>How far is Ours from a mistake?</title>');
    expect(html).toMatch(/Made by blindspot:/);
    expect(html.match(/<svg/g)?.length).toBeGreaterThanOrEqual(2);
    expect(html).not.toMatch(/(?:src|href)="(?!data:|#)/);
    const [, picture = ''] = /src="data:image\/png;base64,([^"]+)"/.exec(html) ?? [];
    const { width, height } = await sharp(Buffer.from(picture, 'base64')).metadata();
    expect([width, height]).toEqual([28, 28]);
    expect(session.errors).toEqual(before);
  });

  it('runs the two threads asked for: the page and one worker', () => {
    expect(session.page.workers()).toHaveLength(1);
  });

  it.each([smooth, kinked])('finds in module workers what the page finds alone: %s', async (model) => {
    const alone = await attackInPage(model, { wasm, workers: 1 });
    for (const workers of [2, 3]) {
      const shared = await attackInPage(model, { wasm, workers });
      expect(shared.summary.workers).toBe(workers);
      const found = ({ index, l2, success, prediction }: AttackExample) => ({ index, success, prediction, l2 });
      expect(shared.examples.map(found)).toEqual(
        alone.examples.map((example) => ({ ...found(example), l2: expect.closeTo(example.l2 as number, 2) })),
      );
    }
  });

  it('keeps its workers and their sessions, and ends them within 200 ms of an abort', async () => {
    const workersNow = () => session.page.workers().length;
    await attackInPage(smooth, { wasm, workers: 3 });
    const before = workersNow();
    await attackInPage(smooth, { wasm, workers: 3 });
    expect(workersNow()).toBe(before);
    const { milliseconds, reason } = await session.page.evaluate(
      ([at, address]) => globalThis.blindspotPage.abortAttack(at, address),
      [kinked, wasm] as const,
    );
    expect(reason).toBe('enough');
    expect(milliseconds).toBeLessThan(200);
    // Chromium gives one that is busy two seconds.
    await expect.poll(workersNow, { timeout: 10_000 }).toBeLessThan(before);
  });

  it('opens a model by its address, predicts, and attacks it again at once', async () => {
    const { classes, first, again } = await session.page.evaluate(
      ([at, address]) => globalThis.blindspotPage.openServed(at, address),
      [smooth, wasm] as const,
    );
    const inNode = await evaluate(models[smooth] as Uint8Array, data, { createSession });
    expect(classes).toEqual([...inNode.predictions]);
    expect(again.l2).toEqual(first.l2);
    expect(first.sessions).toBeGreaterThan(0);
    expect(again.sessions).toBe(0);
  });

  it('reads pictures of a page as pixels', async () => {
    const planar = await session.page.evaluate((shape) => globalThis.blindspotPage.readColours(shape), [3, 2, 2]);
    const colours = [1, 0, 0.2, 0.2, 0, 1, 0.2, 0.2, 0, 0, 0.2, 0.2];
    for (const kind of ['data', 'canvas', 'bitmap', 'blob']) {
      for (const [i, value] of colours.entries()) expect(planar[kind]?.[i], kind).toBeCloseTo(value, 2);
    }
    const grey = await session.page.evaluate((shape) => globalThis.blindspotPage.readColours(shape), [2, 2]);
    expect(grey['data']?.[3]).toBeCloseTo(51 / 255, 7);
    const [size, shape, file, resized] = await session.page.evaluate(() =>
      globalThis.blindspotPage.readPicturesFailure(),
    );
    expect(size).toContain('Expected a picture of 2×2 but received 3×2');
    expect(shape).toContain('which pictures cannot fill');
    expect(file).toContain('Cannot read a picture');
    expect(resized).toBe('0,0,0,0');
  });

  it('fits pictures of another size to the model', async () => {
    expect(await session.page.evaluate(() => globalThis.blindspotPage.readFits())).toEqual({
      cover: '1111'.repeat(4),
      contain: '0000011001100000',
      exact: '0110'.repeat(4),
      cropped: '1111'.repeat(4),
    });
  });

  it('refuses what only Node has', async () => {
    const failure = (options: WebAttackOptions) =>
      session.page.evaluate(([at, of, given]) => globalThis.blindspotPage.attackFailure(at, of, given), [
        smooth,
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
