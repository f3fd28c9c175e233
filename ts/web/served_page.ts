/**
 * A page of ours for the browser tests: a TypeScript entry is bundled as a user's would be, and served from 127.0.0.1
 * cross-origin isolated (ONNX Runtime runs one thread without) and under a strict content security policy.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export interface PageFiles {
  /** The module that the page runs. */
  entry: URL;
  /** Further files, or their bytes, by their path on the server: `/blindspot.wasm`. */
  files?: Readonly<Record<string, URL | Uint8Array>>;
}

export interface ServedPage extends AsyncDisposable {
  readonly url: string;
}

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Strict as the documentation allows: no eval. */
const headers = {
  'Content-Security-Policy': "script-src 'self' 'wasm-unsafe-eval'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** @throws when the entry does not bundle. */
export async function servePage({ entry, files }: PageFiles): Promise<ServedPage> {
  const contents = await bundle(entry);
  const script = [...contents.keys()].find((path) => path.startsWith('/entry'));
  contents.set('/', `<!doctype html><meta charset="utf-8"><script type="module" src="${script}"></script>`);
  const server = await serve(contents, files ?? {});
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
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
  files: NonNullable<PageFiles['files']>,
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
          response.writeHead(pathname === '/favicon.ico' ? 204 : 404, headers).end();
          return;
        }
        const mediaType = mediaTypes[extname(pathname) || '.html'] ?? 'application/octet-stream';
        response.writeHead(200, { ...headers, 'Content-Type': mediaType }).end(content);
      },
      (error: unknown) => response.writeHead(500, headers).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
