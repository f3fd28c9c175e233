import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { recordedRun } from './testing/recorded_run.ts';

test('--help tells what it does', async () => {
  const { code, out } = await recordedRun(['serve', '--help']);
  expect(code).toBe(0);
  expect(out).toContain('--port <n>');
});

test('what is no port is refused', async () => {
  const { code, err } = await recordedRun(['serve', '--port', '70000']);
  expect(code).toBe(2);
  expect(err).toContain('Expected a whole number from 0 to 65535');
});

test('a port in use is one line of error', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  try {
    const { code, out, err } = await recordedRun(['serve', '--port', String(port)]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe(`error: Port ${port} is in use: give another one with --port, or 0 for any that is free\n`);
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});

test('says where the page is, until Ctrl-C', async () => {
  const interruption = new AbortController();
  const { code, out } = await recordedRun(['serve', '--port', '0'], {
    signal: interruption.signal,
    onOut: () => interruption.abort(),
  });
  expect(code).toBe(0);
  expect(out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n/);
});
