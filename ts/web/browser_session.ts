/** A page of ours in a headless Chromium, for tests, opened through playwright-core. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type PageFiles, servePage } from './served_page.ts';

export interface BrowserSession extends AsyncDisposable {
  readonly page: Page;
  /** What the page threw, or logged as an error, so far. */
  readonly errors: readonly string[];
}

export interface BrowserSessionOptions extends PageFiles {
  /** Beyond those that every session has: `--enable-unsafe-webgpu`. */
  browserArguments?: readonly string[];
}

/** Without a display, a sandbox for root, or a word to the internet. */
export const quietArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @throws when there is no Chromium (with the command that installs it) or the entry does not bundle. */
export async function openBrowserSession(options: BrowserSessionOptions): Promise<BrowserSession> {
  const executablePath = chromiumPath();
  const server = await servePage(options);
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    await server[Symbol.asyncDispose]();
  };
  try {
    const args = [...quietArguments, ...(options.browserArguments ?? [])];
    browser = await chromium.launch({ executablePath, args });
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (entry) => {
      if (entry.type() === 'error') errors.push(`${entry.text()} (${entry.location().url})`);
    });
    await page.goto(server.url, { waitUntil: 'load' });
    return { page, errors, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** CHROMIUM_PATH, or the first Chromium on the PATH. */
export function chromiumPath(): string {
  return browserPath('CHROMIUM_PATH', ['chromium', 'chromium-browser', 'google-chrome']);
}

/** @param names of the program, the first also that of Debian's package. @throws with the command that installs it. */
export function browserPath(variable: string, names: readonly string[]): string {
  const chosen = process.env[variable];
  if (chosen) {
    if (existsSync(chosen)) return chosen;
    throw new Error(`${variable} names ${chosen}, which does not exist`);
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(`No ${names[0]} on the PATH: apt-get install ${names[0]}, or set ${variable}`);
}
