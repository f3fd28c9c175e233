/** The web entry and the built page in a stock Firefox, through WebDriver BiDi. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attack } from '../attack/attack.ts';
import { loadMnist } from '../data/mnist.ts';
import { fixtureLines } from '../kernel/testing/fixture_lines.ts';
import { startStaticServer } from '../serve/static_server.ts';
import { browserPath } from './browser_session.ts';
import { servePage } from './served_page.ts';

const wasm = '/blindspot.wasm';
const model = '/fc100-100-10.onnx';
const bytes = new Uint8Array(readFileSync(new URL('../../examples/mnist/fc100-100-10.onnx', import.meta.url)));

let browser: Browser;
beforeAll(async () => {
  const executablePath = browserPath('FIREFOX_PATH', ['firefox-esr', 'firefox']);
  browser = await puppeteer.launch({ browser: 'firefox', executablePath, headless: true, protocolTimeout: 110_000 });
}, 110_000);
afterAll(async () => {
  await browser?.close();
});

async function opened(url: string): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url);
  return { page, errors };
}

it('Firefox repeats the kernel’s fixtures, and finds what Node finds for 100 digits', async () => {
  const data = await loadMnist({ split: 'test', count: 100 });
  const labels = [...data.labels];
  const { buffer, byteOffset, byteLength } = data.images;
  await using server = await servePage({
    entry: new URL('./browser_page.ts', import.meta.url),
    files: {
      [wasm]: new URL('../../dist/wasm/blindspot.wasm', import.meta.url),
      [model]: bytes,
      '/images.f32': new Uint8Array(buffer, byteOffset, byteLength),
    },
  });
  const { page, errors } = await opened(server.url);
  await page.waitForFunction(() => 'blindspotPage' in globalThis);
  const lines = await page.evaluate((address) => globalThis.blindspotPage.kernelBits(address), wasm);
  expect(lines).toHaveLength(56);
  expect(fixtureLines()).toEqual(expect.arrayContaining(lines));

  const inNode = await attack(bytes, data, { kernel: 'wasm', workers: 1 });
  const { summary, examples } = await page.evaluate(
    async (at, of, options) => {
      const outcome = await globalThis.blindspotPage.attackServed(at, of, options);
      return { summary: outcome.summary, examples: outcome.examples };
    },
    ...([model, labels, { wasm }] as const),
  );
  expect(summary.versions).toEqual({ browser: expect.stringContaining('Firefox') });
  expect(examples.map(({ success }) => success)).toEqual(inNode.examples.map(({ success }) => success));
  expect(Math.abs((summary.meanL2 as number) / (inNode.summary.meanL2 as number) - 1)).toBeLessThan(1e-3);
  expect(errors).toEqual([]);
  await page.close();
});

it('Firefox shows the page: a mistake without a click, and the slider goes back to the image', async () => {
  const folder = fileURLToPath(new URL('../../dist/site/', import.meta.url));
  await using server = await startStaticServer({ folder, port: 0 });
  const { page, errors } = await opened(server.url);
  await page.waitForSelector('.verdict strong', { timeout: 60_000 });
  const slider = 'input[type=range]:not(:disabled)';
  await page.waitForSelector(slider, { timeout: 60_000 });
  await page.focus(slider);
  await page.keyboard.press('Home');
  await page.waitForFunction(() => document.querySelector('.trio figure:last-child strong')?.textContent === '7');
  expect(new URL(page.url()).hash).toBe('#play?t=0');
  await page.waitForSelector('.plane[aria-busy=false]', { timeout: 60_000 });
  expect(errors).toEqual([]);
  await page.close();
});
