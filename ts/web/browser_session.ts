/**
 * A page of ours in a headless Chromium, for tests: a TypeScript entry is bundled as a user's would be, served from
 * 127.0.0.1 cross-origin isolated (ONNX Runtime runs one thread without), and opened through playwright-core.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';

export interface BrowserSession extends AsyncDisposable {
  readonly page: Page;
  /** What the page threw, or logged as an error, so far. */
  readonly errors: readonly string[];
}

export interface BrowserSessionOptions {
  /** The module that the page runs. */
  entry: URL;
  /** Further files, or their bytes, by their path on the server: `/blindspot.wasm`. */
  files?: Readonly<Record<string, URL | Uint8Array>>;
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

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** @throws when there is no Chromium (with the command that installs it) or the entry does not bundle. */
export async function openBrowserSession(options: BrowserSessionOptions): Promise<BrowserSession> {
  const executablePath = chromiumPath();
  const contents = await bundle(options.entry);
  const script = [...contents.keys()].find((path) => path.startsWith('/entry'));
  contents.set('/', `<!doctype html><meta charset="utf-8"><script type="module" src="${script}"></script>`);
  const server = await serve(contents, options.files ?? {});
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    await new Promise((resolve) => server.close(resolve));
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
    const { port } = server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/`, { waitUntil: 'load' });
    return { page, errors, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** CHROMIUM_PATH, or the first Chromium on the PATH. */
export function chromiumPath(): string {
  const chosen = process.env['CHROMIUM_PATH'];
  if (chosen) {
    if (existsSync(chosen)) return chosen;
    throw new Error(`CHROMIUM_PATH names ${chosen}, which does not exist`);
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error('No Chromium on the PATH: apt-get install chromium, or set CHROMIUM_PATH');
}

/** Path on the server to text or bytes. */
async function bundle(entry: URL): Promise<Map<string, string | Uint8Array>> {
  const result = await build({
    configFile: false,
    root: fileURLToPath(new URL('.', entry)),
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      target: 'es2023',
      rollupOptions: { input: fileURLToPath(entry), output: { entryFileNames: 'entry.js' } },
    },
  });
  if (!('output' in result)) throw new Error(`${entry} does not bundle into one output`);
  return new Map(result.output.map((part) => [`/${part.fileName}`, part.type === 'chunk' ? part.code : part.source]));
}

async function serve(
  contents: ReadonlyMap<string, string | Uint8Array>,
  files: Readonly<Record<string, URL | Uint8Array>>,
): Promise<Server> {
  const find = async (path: string): Promise<string | Uint8Array | undefined> => {
    const file = files[path];
    if (file === undefined) return contents.get(path);
    return file instanceof URL ? await readFile(file) : file;
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    find(pathname).then(
      (content) => {
        if (content === undefined) {
          response.writeHead(pathname === '/favicon.ico' ? 204 : 404, isolation).end();
          return;
        }
        const mediaType = mediaTypes[extname(pathname) || '.html'] ?? 'application/octet-stream';
        response.writeHead(200, { ...isolation, 'Content-Type': mediaType }).end(content);
      },
      (error: unknown) => response.writeHead(500, isolation).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
