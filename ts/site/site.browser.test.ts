/** The built page in a real Chromium, served as a user has it, by clicks and keys. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { attack } from '../attack/attack.ts';
import { parseNpz } from '../data/npz.ts';
import { type StaticServer, startStaticServer } from '../serve/static_server.ts';
import { chromiumPath, quietArguments } from '../web/browser_session.ts';

const dist = fileURLToPath(new URL('../../dist/site/', import.meta.url));
const models = fileURLToPath(new URL('../../examples/mnist/', import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** On a busy machine; vitest's own second is for values that are there already. */
const soon = { timeout: 20_000 };

/** A test picture in place of a camera, and nobody to ask. */
const fakeCamera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

let server: StaticServer;
let browser: Browser;
let folder: string;
beforeAll(async () => {
  server = await startStaticServer({ folder: dist, port: 0 });
  browser = await chromium.launch({ executablePath: chromiumPath(), args: [...quietArguments, ...fakeCamera] });
  folder = mkdtempSync(path.join(tmpdir(), 'blindspot-site-'));
});
afterAll(async () => {
  await browser?.close();
  await server?.[Symbol.asyncDispose]();
  if (folder) rmSync(folder, { recursive: true });
});

let page: Page;
let errors: string[];
/** Hosts and ports that the page asked anything of. */
let asked: Set<string>;

async function open(hash = '', options: BrowserContextOptions = {}): Promise<void> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  page = await context.newPage();
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (entry) => entry.type() === 'error' && errors.push(entry.text()));
  page.on('request', (request) => asked.add(new URL(request.url()).origin));
  await page.goto(server.url + hash);
}

beforeEach(() => {
  errors = [];
  asked = new Set();
});
afterEach(async () => {
  await page.context().close();
  expect(errors).toEqual([]);
  for (const origin of asked) expect([new URL(server.url).origin, 'null']).toContain(origin);
});

const verdict = () => page.locator('.verdict strong');
const row = () => page.locator('.row li');

async function violations(): Promise<string[]> {
  await page.evaluate(axe);
  return await page.evaluate(async () => {
    const { axe: tool } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations: found } = await tool.run();
    return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}

describe('the page', () => {
  it('shows a first mistake without a click, the one that Node finds', async () => {
    await open();
    await verdict().waitFor();
    const digits = readFileSync(path.join(dist, 'data/digits.bin'));
    const image = Float32Array.from(digits.subarray(70 * 784, 71 * 784), (value) => value / 255);
    const bytes = new Uint8Array(readFileSync(path.join(models, 'fc100-100-10.onnx')));
    const { examples } = await attack(bytes, { images: image }, { kernel: 'wasm' });
    const shown = /distortion of ([\d.]+) the model takes it for (\d), not (\d)/.exec(
      (await verdict().textContent()) ?? '',
    );
    expect(Number(shown?.[1])).toBeCloseTo(examples[0]?.distortion ?? Number.NaN, 4);
    expect(shown?.slice(2)).toEqual([String(examples[0]?.prediction), String(examples[0]?.label)]);
    await row().nth(8).waitFor();
    expect(await page.locator('.ticks li').count()).toBe(2);
  });

  it('has no violation that axe finds, in any view, light or dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await open('', { colorScheme });
      await row().nth(8).waitFor();
      expect(await violations()).toEqual([]);
      await page.getByRole('link', { name: 'Units' }).click();
      await page.locator('.quiz-card').nth(1).click({ timeout: 20_000 });
      expect(await violations()).toEqual([]);
      await page.getByRole('link', { name: 'The paper' }).click();
      await page.locator('.paper-heat').nth(4).waitFor();
      await page.locator('.paper-heat td button').first().click();
      await page.locator('.cell-examples').waitFor();
      expect(await violations()).toEqual([]);
      await page.getByRole('link', { name: 'Speed' }).click();
      await page.locator('.speed tr').first().waitFor();
      expect(await violations()).toEqual([]);
      if (colorScheme === 'light') await page.context().close();
    }
  });

  it('fits 360 pixels', async () => {
    await open('', { viewport: { width: 360, height: 760 } });
    await row().nth(8).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    await page.getByRole('link', { name: 'Units' }).click();
    await page.locator('.quiz-card').nth(1).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    await page.getByRole('link', { name: 'The paper' }).click();
    await page.locator('.paper-heat td button').first().click();
    await page.locator('.cell-examples canvas').nth(14).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });

  it('shows the images behind a value of the paper’s tables, by clicks and keys, and keeps that in its address', async () => {
    await open('#paper');
    const table = page.locator('.paper-heat').nth(1);
    // Images made for the third model, seen by the first.
    await table.locator('tbody tr').nth(2).locator('button').first().click();
    const heading = page.locator('.cell-examples h3');
    await heading.waitFor();
    expect(await heading.textContent()).toBe('Images of FC10(1), seen by FC10(1e-4)');
    expect(await heading.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(new URL(page.url()).hash).toBe('#paper?cell=2.3.1');
    expect(await page.locator('.cell-examples li').count()).toBe(5);
    expect(await page.locator('.cell-examples canvas').count()).toBe(15);
    // Its own model answers all of them wrongly.
    await table.locator('tbody tr').nth(2).locator('button').nth(2).focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.cell-examples .bad').count(), soon).toBe(5);
    await page.getByRole('button', { name: 'Close' }).click();
    await expect.poll(() => new URL(page.url()).hash, soon).toBe('#paper');
    expect(await page.locator('.cell-examples').count()).toBe(0);
  });

  it('opens the images that an address names', async () => {
    await open('#paper?cell=4.1.2');
    await page.locator('.cell-examples').waitFor();
    expect(await page.locator('.cell-examples h3').textContent()).toContain('seen by FC123-456-10 (P1)');
  });

  it('goes along the line by the keyboard, and keeps that in its address', async () => {
    await open();
    await verdict().waitFor();
    const slider = page.getByRole('slider');
    await slider.focus();
    await page.keyboard.press('Home');
    await expect.poll(() => page.locator('.trio strong').last().textContent(), soon).toBe('7');
    await page.keyboard.press('End');
    await expect.poll(() => new URL(page.url()).hash, soon).toBe('#play?t=3');
    await expect.poll(() => page.locator('.trio strong').last().textContent(), soon).toBe('3');
  });

  it('draws the decision regions around the image, and another plane when asked', async () => {
    await open();
    const plane = page.locator('.plane[aria-busy=false]');
    await plane.waitFor();
    const shares = await plane.getAttribute('aria-label');
    expect(shares).toMatch(/7 \d+ %, 3 \d+ %/);
    const colours = () =>
      page.locator('.plane canvas').evaluate((element) => {
        const canvas = element as HTMLCanvasElement;
        return [...(canvas.getContext('2d')?.getImageData(0, 24, canvas.width, 1).data ?? [])];
      });
    const before = await colours();
    // At the image blue, well beyond the mistake orange.
    expect(before[4 * 16 + 2]).toBeGreaterThan(before[4 * 16] ?? 255);
    expect(before[4 * 32 + 2]).toBeLessThan(before[4 * 32] ?? 0);
    expect(await page.locator('.plane .step').count()).toBeGreaterThan(10);
    await page.getByLabel('Upwards').selectOption('random');
    await page.getByRole('button', { name: 'Another' }).click();
    expect(new URL(page.url()).hash).toBe('#play?across=random&seed=2');
    await expect.poll(() => plane.getAttribute('aria-label'), soon).not.toBe(shares);
  });

  it('comes back as its address says: a model, an image, a class, 8 bits', async () => {
    await open('#play?model=convnet&image=digit-12&target=8&png=1');
    await expect.poll(() => verdict().textContent(), soon).toContain('takes it for 8, not 1');
    expect(await page.locator('.verdict').textContent()).toContain('still wrong (8)');
    expect(await page.getByRole('checkbox').isChecked()).toBe(true);
  });

  it('saves what it found', async () => {
    await open('#play?png=1');
    await verdict().waitFor();
    const [archive] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save .npz' }).click(),
    ]);
    const arrays = parseNpz(new Uint8Array(readFileSync(await archive.path())));
    const adversarial = arrays.get('adversarial');
    expect(adversarial?.shape).toEqual([1, 784]);
    for (const value of adversarial?.data ?? [])
      expect(Math.abs(Number(value) * 255 - Math.round(Number(value) * 255))).toBeLessThan(1e-4);
    const [picture] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save PNG' }).click(),
    ]);
    expect(picture.suggestedFilename()).toBe('adversarial.png');
  });

  it('says what is wrong with a broken file, and goes on', async () => {
    await open();
    await verdict().waitFor();
    const broken = path.join(folder, 'broken.onnx');
    writeFileSync(broken, 'this is no model');
    await page.setInputFiles('input[accept=".onnx"]', broken);
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/^broken\.onnx: \S+/);
    await page.getByRole('radio', { name: /^FC10 / }).check();
    await expect.poll(() => new URL(page.url()).hash, soon).toContain('model=fc10');
    await expect.poll(() => alert.count(), soon).toBe(0);
  });

  it('takes a model of the user’s and says what it is', async () => {
    await open();
    await verdict().waitFor();
    await page.setInputFiles('input[accept=".onnx"]', path.join(models, 'convnet.onnx'));
    await page.locator('.model-facts').waitFor();
    expect(await page.locator('.model-facts').textContent()).toContain('1 × 28 × 28');
    await expect.poll(() => new URL(page.url()).hash, soon).toContain('model=own');
    await verdict().waitFor();
    const names = path.join(folder, 'names.txt');
    writeFileSync(names, 'nought\none\n');
    await page.setInputFiles('input[accept=".txt,.json"]', names);
    expect(await page.getByRole('alert').textContent()).toBe(
      'names.txt: Expected 10 class names but received 2; give one name a line, or a JSON array of them',
    );
    writeFileSync(names, 'nought\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n');
    await page.setInputFiles('input[accept=".txt,.json"]', names);
    await expect.poll(() => page.locator('.trio strong').first().textContent(), soon).toBe('seven');
  });

  it('takes what a model wants of its pixels from a preprocessor_config.json', async () => {
    await open();
    await verdict().waitFor();
    await page.setInputFiles('input[accept=".onnx"]', path.join(models, 'convnet.onnx'));
    await page.locator('.model-facts').waitFor();
    await verdict().waitFor();
    const before = await verdict().textContent();
    const config = path.join(folder, 'preprocessor_config.json');
    writeFileSync(config, '{ "image_mean": "grey" }');
    await page.setInputFiles('.model-facts input[accept=".json"]', config);
    expect(await page.getByRole('alert').textContent()).toContain('image_mean');
    writeFileSync(config, JSON.stringify({ image_mean: [0.1], image_std: [0.5], do_resize: true, size: 28 }));
    await page.setInputFiles('.model-facts input[accept=".json"]', config);
    const takes = page.locator('.model-facts select');
    await expect.poll(() => takes.inputValue(), soon).toBe('file');
    await expect.poll(() => page.getByRole('alert').count(), soon).toBe(0);
    // The same network of other pixels has another nearest mistake.
    await expect.poll(() => verdict().textContent(), soon).not.toBe(before);
  });

  it('makes a picture of another shape fit as told', async () => {
    await open();
    await verdict().waitFor();
    const wide = await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(120, 40);
      const context = canvas.getContext('2d');
      if (context) context.fillStyle = 'white';
      context?.fillRect(57, 4, 6, 32);
      const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
      return Array.from(bytes);
    });
    const picture = path.join(folder, 'wide.png');
    writeFileSync(picture, Uint8Array.from(wide));
    await page.setInputFiles('input[accept="image/*"]', picture);
    const first = page.locator('.trio canvas').first();
    const lit = () =>
      first.evaluate((element) => {
        const { data } = (element as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, 28, 28) ?? { data: [] };
        return data.filter((value, at) => at % 4 === 0 && value > 127).length;
      });
    // Cut, the stroke is 22 pixels high; whole, a third of that.
    await expect.poll(lit, soon).toBeGreaterThan(60);
    await page.getByLabel('Of another shape, it is').selectOption('contain');
    await expect.poll(lit, soon).toBeLessThan(30);
    expect(new URL(page.url()).hash).toContain('fit=contain');
  });

  it('takes a picture that is drawn', async () => {
    await open();
    await verdict().waitFor();
    // Until all stands where it stays, a place on the page is not a place on the pad.
    await row().nth(8).waitFor();
    await page.getByRole('button', { name: 'Draw one' }).click();
    const pad = page.locator('.draw canvas');
    await pad.hover({ position: { x: 140, y: 40 } });
    await page.mouse.down();
    for (const y of [90, 140, 190, 240]) await pad.hover({ position: { x: 140, y }, force: true });
    await page.mouse.up();
    await expect.poll(() => new URL(page.url()).hash, soon).toContain('image=own');
    await expect.poll(() => page.locator('.trio strong').first().textContent(), soon).toBe('1');
  });

  it('takes a picture from the camera', async () => {
    await open();
    await verdict().waitFor();
    await page.getByRole('button', { name: 'Camera', exact: true }).click();
    await page.getByRole('button', { name: 'Take this picture' }).click({ timeout: 20_000 });
    await expect.poll(() => new URL(page.url()).hash, soon).toContain('image=own');
    await page.getByRole('button', { name: 'Close the camera' }).click();
    await expect.poll(() => page.locator('video').count(), soon).toBe(0);
  });

  it('says so in its place where there is no camera', async () => {
    await open();
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('Permission denied'));
    });
    await page.getByRole('button', { name: 'Camera', exact: true }).click();
    await expect
      .poll(() => page.locator('.camera [role=alert]').textContent(), soon)
      .toContain('No camera: Permission');
  });

  it('cancels within 200 ms, and searches again', async () => {
    await open('#play?model=mobilenet&image=photo-bird');
    const cancel = page.getByRole('button', { name: 'Cancel' });
    const again = page.getByRole('button', { name: 'Search again' });
    let best = Number.POSITIVE_INFINITY;
    // A machine that is busy otherwise keeps the page waiting, too: one of three has to do.
    for (let attempt = 0; attempt < 3 && best >= 200; attempt++) {
      await cancel.waitFor({ timeout: 60_000 });
      const milliseconds = await cancel.evaluate(async (button) => {
        const start = performance.now();
        (button as HTMLButtonElement).click();
        const line = document.querySelector('.verdict');
        while (line?.textContent !== 'Cancelled.') await new Promise((resolve) => setTimeout(resolve, 5));
        return performance.now() - start;
      });
      best = Math.min(best, milliseconds);
      await again.click();
    }
    expect(best).toBeLessThan(200);
    await verdict().waitFor({ timeout: 60_000 });
  });

  it('plays the game with units by keys, and keeps the score in its address', async () => {
    await open('#units?model=convnet');
    await page.locator('.quiz-card').nth(1).waitFor({ timeout: 20_000 });
    let right = 0;
    for (const [answered, key] of ['a', 'ArrowRight', 'b'].entries()) {
      await page.keyboard.press(key);
      await page.locator('.quiz-card.unit').waitFor();
      const picked = page.locator('.quiz-card[aria-pressed=true]');
      const text = (await page.locator('main .verdict:visible').textContent()) ?? '';
      if (((await picked.getAttribute('class')) ?? '').includes('unit')) right += 1;
      expect(text).toMatch(/^(Right|Wrong): [AB] is unit \d+, with \d of 8 that are a \d/);
      expect(await page.locator('.quiz-score').textContent()).toContain(`${right} of ${answered + 1} right`);
      await page.keyboard.press('Enter');
    }
    const params = new URLSearchParams(new URL(page.url()).hash.split('?')[1]);
    expect(params.get('round')).toBe('4');
    expect(Number(params.get('right') ?? 0)).toBe(right);
    await page.locator('.quiz-controls select').nth(1).selectOption({ index: 2 });
    await page.locator('.quiz-card').nth(1).waitFor({ timeout: 20_000 });
    expect(await page.locator('.quiz-score').textContent()).toBe('No answer yet');
    expect(new URL(page.url()).hash).toContain('layer=');
  });

  it('measures this browser', async () => {
    await open('#speed');
    await page.getByRole('button', { name: 'Measure this browser' }).click();
    await page.getByRole('button', { name: 'Copy as Markdown' }).waitFor({ timeout: 60_000 });
    const own = await page.locator('.speed tr.wrong .numeric').allTextContents();
    expect(own).toHaveLength(2);
    for (const text of own) expect(Number(text.replaceAll(',', ''))).toBeGreaterThan(1);
  });

  it('sets native figures of the user’s beside its own', async () => {
    await open('#speed');
    const rows = page.locator('.speed th');
    await rows.first().waitFor();
    const before = await rows.count();
    const file = path.join(folder, 'results.json');
    writeFileSync(file, '{"quality": {}}');
    await page.setInputFiles('input[accept=".json"]', file);
    expect(await page.getByRole('alert').textContent()).toMatch(/^results\.json: Expected the file that .*quality$/);
    writeFileSync(file, readFileSync(new URL('../../docs/benchmarks.json', import.meta.url)));
    await page.setInputFiles('input[accept=".json"]', file);
    await expect.poll(() => rows.count(), soon).toBe(2 * before);
    expect(await rows.first().textContent()).toBe('yours, native, one worker');
    expect(await page.getByRole('alert').count()).toBe(0);
  });
});
