import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StaticServer, startStaticServer } from './static_server.ts';

let folder: string;
let runtimeFolder: string;
let docsFolder: string;
let server: StaticServer;
beforeAll(async () => {
  const parent = mkdtempSync(path.join(tmpdir(), 'blindspot-serve-'));
  folder = mkdtempSync(path.join(parent, 'site-'));
  runtimeFolder = mkdtempSync(path.join(parent, 'ort-'));
  docsFolder = mkdtempSync(path.join(parent, 'docs-'));
  writeFileSync(path.join(docsFolder, 'index.html'), 'documentation');
  writeFileSync(path.join(parent, 'secret.txt'), 'secret');
  writeFileSync(path.join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(path.join(folder, 'a.wasm'), 'wasm');
  writeFileSync(path.join(runtimeFolder, 'b.wasm'), 'runtime');
  server = await startStaticServer({ folder, runtimeFolder, docsFolder, port: 0 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(path.dirname(folder), { recursive: true });
});

/** As it stands: fetch would tidy the path up. */
function raw(target: string, method = 'GET'): Promise<number | undefined> {
  const { port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: target, method }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });
}

test.each([
  ['', 'text/html; charset=utf-8', '<!doctype html>'],
  ['a.wasm?x=1', 'application/wasm', 'wasm'],
  ['docs/', 'text/html; charset=utf-8', 'documentation'],
  ['ort/b.wasm', 'application/wasm', 'runtime'],
])('serves %s as %s', async (name, type, content) => {
  const response = await fetch(server.url + name);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe(type);
  expect(await response.text()).toBe(content);
});

test.each(['/../secret.txt', '/%2e%2e/secret.txt', '/ort/../../secret.txt', '/..%5csecret.txt', '/%', '/none'])(
  'answers 404 to %s',
  async (target) => {
    expect(await raw(target)).toBe(404);
  },
);

test('takes GET and HEAD alone', async () => {
  expect(await raw('/', 'HEAD')).toBe(200);
  expect(await raw('/', 'POST')).toBe(405);
});

test('a port that is taken is said in one line', async () => {
  const port = Number(new URL(server.url).port);
  await expect(startStaticServer({ folder, port })).rejects.toThrow(`Port ${port} is in use: give another one`);
});

test('says what to do where the documentation is not built', async () => {
  await using bare = await startStaticServer({ folder, port: 0 });
  const response = await fetch(`${bare.url}docs/`);
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('npm run build:docs');
});
