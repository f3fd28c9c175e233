/** The command line on a folder of more images than memory is to hold; the executable, as compiled, is killed: scripts/build --ts comes first. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AttackResults } from '../attack/result.ts';
import { imageAt } from '../data/image_set.ts';
import { loadMnist } from '../data/mnist.ts';
import { parseNpz } from '../data/npz.ts';
import { windowsOf } from './attack_windows.ts';
import { recordedRun } from './testing/recorded_run.ts';

const main = fileURLToPath(new URL('../../dist/ts/cli/main.js', import.meta.url));
const model = fileURLToPath(new URL('../../examples/mnist/fc10.onnx', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-windows-'));
const digits = path.join(folder, 'digits');
const COUNT = 90;
/** Windows of 19 images. */
const SMALL = ['--max-memory', '480K'];

beforeAll(async () => {
  const set = await loadMnist({ count: COUNT });
  for (let i = 0; i < COUNT; i++) {
    const place = path.join(digits, String(set.labels[i]));
    mkdirSync(place, { recursive: true });
    const raw = { width: 28, height: 28, channels: 1 } as const;
    const pixels = Buffer.from(imageAt(set, i).map((value) => Math.round(255 * value)));
    await sharp(pixels, { raw })
      .png()
      .toFile(path.join(place, `${i}.png`));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const command = (out: string, ...more: string[]) => [
  ...['attack', '--model', model, '--data', digits, '--workers', '1', '--target', 'random'],
  ...['--out', path.join(folder, out), ...more],
];
const results = (out: string) =>
  JSON.parse(readFileSync(path.join(folder, out, 'results.json'), 'utf8')) as AttackResults;
const parts = (out: string) => readdirSync(path.join(folder, out)).filter((name) => name.startsWith('adversarial'));

describe('windowsOf', () => {
  test('cover the images asked for, once, in order', async () => {
    const windows = await windowsOf(digits, { start: 5, count: 80, maxMemory: 480 * 1024 }, [784]);
    expect(windows?.total).toBe(80);
    const covered = windows?.list.flatMap(({ start, count }) => Array.from({ length: count }, (_, i) => start + i));
    expect(covered).toEqual(Array.from({ length: 80 }, (_, i) => 5 + i));
    expect(windows?.list.every(({ count }) => count <= 19)).toBe(true);
  });

  test('are not needed where all fits into memory, nor for other data', async () => {
    expect(await windowsOf(digits, {}, [784])).toBeUndefined();
    expect(await windowsOf(digits, { count: 38, maxMemory: 480 * 1024 }, [784])).toBeUndefined();
    expect(await windowsOf('mnist', { maxMemory: 1024 }, [784])).toBeUndefined();
  });

  test('a slice that is not there is refused before anything is decoded', async () => {
    const slice = { start: 20, count: 80, maxMemory: 480 * 1024 };
    await expect(windowsOf(digits, slice, [784])).rejects.toThrow(
      `has ${COUNT} images but images 20 to 99 are asked for`,
    );
  });

  test('another folder has another digest', async () => {
    const digest = async () => (await windowsOf(digits, { maxMemory: 480 * 1024 }, [784]))?.digest;
    const before = await digest();
    expect(await digest()).toBe(before);
    const [name = ''] = readdirSync(path.join(digits, '7'));
    utimesSync(path.join(digits, '7', name), 1, 1);
    expect(await digest()).not.toBe(before);
  });
});

describe('attack in windows', () => {
  test('finds what it finds at once, and leaves nothing else behind', async () => {
    const whole = await recordedRun(command('whole'));
    const windowed = await recordedRun(command('windowed', ...SMALL));
    expect([whole.code, windowed.code]).toEqual([0, 0]);
    expect(windowed.out).toContain(`data    ${digits}: ${COUNT} images\n`);
    const [one, many] = [results('whole'), results('windowed')];
    expect(many.examples.map(({ index, prediction, target }) => [index, prediction, target])).toEqual(
      one.examples.map(({ index, prediction, target }) => [index, prediction, target]),
    );
    // Sums of other batches round otherwise.
    for (const [i, { l2 }] of many.examples.entries()) expect(l2 ?? -1).toBeCloseTo(one.examples[i]?.l2 ?? -1, 4);
    expect(many.summary).toMatchObject({ images: COUNT, succeeded: one.summary.succeeded });
    expect(many.summary.medianL2).toBeCloseTo(one.summary.medianL2 ?? -1, 4);
    expect(readdirSync(folder).sort()).toEqual(['digits', 'whole', 'windowed']);

    const files = parts('windowed');
    expect(files).toEqual([1, 2, 3, 4, 5].map((i) => `adversarial-0000${i}.npz`));
    const indices = files.flatMap((name) => {
      const arrays = parseNpz(new Uint8Array(readFileSync(path.join(folder, 'windowed', name))));
      expect(arrays.get('images')?.shape.slice(1)).toEqual([784]);
      return Array.from(arrays.get('indices')?.data as Int32Array);
    });
    expect(indices).toEqual(many.examples.map(({ index }) => index));
    expect(readFileSync(path.join(folder, 'windowed', 'report.html'), 'utf8')).toContain('the median distortion');
    expect(existsSync(path.join(folder, 'windowed', 'figures', 'examples.png'))).toBe(true);
  });

  test('leaves no examples of an earlier attack, in parts or whole', async () => {
    const again = (...more: string[]) => recordedRun(command('again', '--max-evaluations', '5', ...more));
    await again(...SMALL);
    expect(parts('again')).toHaveLength(5);
    await again(...SMALL, '--count', '50');
    expect(parts('again')).toEqual([1, 2, 3].map((i) => `adversarial-0000${i}.npz`));
    await again();
    expect(parts('again')).toEqual(['adversarial.npz']);
  });

  test('on Ctrl-C keeps the windows that are done, says so, and goes on after them', async () => {
    const interruption = new AbortController();
    const second = path.join(folder, 'stopped.parts', '19-19', 'results.json');
    const watch = setInterval(() => existsSync(second) && interruption.abort(), 1);
    const first = await recordedRun(command('stopped', ...SMALL), { signal: interruption.signal });
    clearInterval(watch);
    expect(first.code).toBe(130);
    expect(results('stopped').summary).toMatchObject({ interruptedOf: COUNT });
    expect(existsSync(path.join(folder, 'stopped.parts'))).toBe(true);
    expect((await recordedRun(command('stopped', ...SMALL))).code).toBe(0);
    expect(results('stopped').examples).toEqual(results('windowed').examples);
    expect(parts('stopped')).toEqual(parts('windowed'));
    expect(existsSync(path.join(folder, 'stopped.parts'))).toBe(false);
  });

  test('killed and started again ends with the same bytes', async () => {
    if (!existsSync(main)) throw new Error(`${main} is not there: run "node scripts/build --ts" first`);
    const child = spawn(process.execPath, [main, ...command('killed', ...SMALL)], { stdio: 'ignore' });
    const second = path.join(folder, 'killed.parts', '19-19', 'results.json');
    await new Promise<void>((resolve) => {
      const watch = setInterval(() => existsSync(second) && child.kill('SIGKILL'), 1);
      child.on('exit', () => {
        clearInterval(watch);
        resolve();
      });
    });
    const again = spawnSync(process.execPath, [main, ...command('killed', ...SMALL)], { encoding: 'utf8' });
    expect(again.status).toBe(0);
    expect(results('killed').examples).toEqual(results('windowed').examples);
    const bytes = (out: string) => parts(out).map((name) => readFileSync(path.join(folder, out, name)));
    expect(bytes('killed')).toEqual(bytes('windowed'));
  });
});
