/**
 * The built page on this machine: files alone, to this machine alone. ONNX Runtime's files come from its own package where
 * the page was installed without them.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { BlindspotError } from '../errors.ts';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
};

export interface StaticServer extends AsyncDisposable {
  readonly url: string;
}

export interface StaticServerOptions {
  readonly folder: string;
  /** Where what stands under `/ort/` is looked for when the folder lacks it. */
  readonly runtimeFolder?: string;
  /** Where what stands under `/docs/` is; undefined: nowhere, which is then said there. */
  readonly docsFolder?: string | undefined;
  /** 0: any that is free. */
  readonly port: number;
}

/** @throws INVALID_ARGUMENT when the port is taken or not allowed. */
export async function startStaticServer({
  folder,
  runtimeFolder,
  docsFolder,
  port,
}: StaticServerOptions): Promise<StaticServer> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD' }).end();
      return;
    }
    answer(request.url ?? '/', request.method, response).catch(() => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });

  async function answer(url: string, method: string, response: ServerResponse): Promise<void> {
    const found = await find(url);
    if (found === undefined) {
      const text = /^\/docs\/?$/.test(url) ? 'The documentation is not built: npm run build:docs\n' : 'Not found\n';
      response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text);
      return;
    }
    const type = MEDIA_TYPES[path.extname(found.file)] ?? 'application/octet-stream';
    // Built files change with the next build, and this machine is near.
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': found.size, 'Cache-Control': 'no-cache' });
    if (method === 'HEAD') response.end();
    else
      createReadStream(found.file)
        .once('error', () => response.destroy())
        .pipe(response);
  }

  async function find(url: string): Promise<{ file: string; size: number } | undefined> {
    let name: string;
    try {
      name = decodeURIComponent(url.replace(/[?#].*$/s, ''));
    } catch {
      return undefined;
    }
    const inside = path.posix.normalize(name);
    if (!inside.startsWith('/') || inside.includes('\0') || inside.includes('\\')) return undefined;
    const wanted = inside.endsWith('/') ? `${inside}index.html` : inside;
    const places = [path.join(folder, wanted)];
    if (docsFolder !== undefined && wanted.startsWith('/docs/')) {
      places.push(path.join(docsFolder, wanted.slice('/docs/'.length)));
    }
    if (runtimeFolder !== undefined && wanted.startsWith('/ort/')) {
      places.push(path.join(runtimeFolder, wanted.slice('/ort/'.length)));
    }
    for (const file of places) {
      const entry = await stat(file).catch(() => undefined);
      if (entry?.isFile() === true) return { file, size: entry.size };
    }
    return undefined;
  }

  const address = await listen(server, port);
  return {
    url: `http://127.0.0.1:${address.port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'EADDRINUSE'
          ? `Port ${port} is in use: give another one with --port, or 0 for any that is free`
          : `Cannot listen on port ${port}: ${cause.message}`;
      reject(new BlindspotError('INVALID_ARGUMENT', reason, { cause }));
    });
    server.listen(port, '127.0.0.1', () => resolve(server.address() as AddressInfo));
  });
}
