/** `reproduce` end to end on a part of the quick run; the executable, as compiled, is killed: scripts/build --ts comes first. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { EXPERIMENT_NAMES } from '../experiments/experiments.ts';
import type { ShownTable } from '../experiments/shown_examples.ts';
import { recordedRun } from './testing/recorded_run.ts';

const main = fileURLToPath(new URL('../../dist/ts/cli/main.js', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-reproduce-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quick = (out: string) => ['reproduce', '--quick', '--only', 'table3', '--images', '8', '--out', out];

describe('reproduce', () => {
  test.each(['tabel1', 'table1,figure8', ''])('answers --only %j with what there is', async (only) => {
    const { code, err } = await recordedRun(['reproduce', '--only', only, '--out', path.join(folder, 'never')]);
    expect(code).toBe(2);
    expect(err).toContain(EXPERIMENT_NAMES.join(', '));
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(existsSync(path.join(folder, 'never'))).toBe(false);
  });

  test('killed at any moment, goes on where it was', async () => {
    if (!existsSync(main)) throw new Error(`${main} is not there: run "node scripts/build --ts" first`);
    const out = path.join(folder, 'killed');
    const child = spawn(process.execPath, [main, ...quick(out)], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('model FC100-100-10 on P1\n')) child.kill('SIGKILL');
      });
      child.on('exit', (_code, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error(`ended: ${said}`))));
    });
    expect(existsSync(path.join(out, 'report.html'))).toBe(false);

    const again = spawnSync(process.execPath, [main, ...quick(out)], { encoding: 'utf8' });
    expect(again.status).toBe(0);
    const lines = again.stdout.split('\n');
    expect(lines[0]).toBe('model FC100-100-10 on P1 (kept from before)');
    expect(lines.slice(2, 4)).toEqual(['model FC100-100-10 on P2', 'table3']);
    const results = JSON.parse(readFileSync(path.join(out, 'results.json'), 'utf8')) as {
      experiments: { table3: { rows: { distortion: number }[] } };
    };
    const [shown] = JSON.parse(readFileSync(path.join(out, 'examples.json'), 'utf8')) as ShownTable[];
    expect(shown?.rows.map(({ row, column }) => `${row}: ${column}`)).toEqual([
      'FC100-100-10: av. min. distortion',
      'FC123-456-10: av. min. distortion',
      'FC100-100-10′: av. min. distortion',
    ]);
    for (const { label, original, change, predictions } of shown?.rows.flatMap(({ examples }) => examples) ?? []) {
      expect([original, change].map((text) => Buffer.from(text, 'base64').length)).toEqual([784, 784]);
      expect(predictions[0]).not.toBe(label);
    }
    expect(results.experiments.table3.rows.map(({ distortion }) => distortion > 0)).toEqual([true, true, true]);
    expect(readdirSync(path.join(out, 'cache')).filter((name) => /unfinished|part$/.test(name))).toEqual([]);

    const third = spawnSync(process.execPath, [main, ...quick(out)], { encoding: 'utf8' });
    expect(third.status).toBe(0);
    expect(third.stdout.match(/kept from before/g)).toHaveLength(4);
    expect(readFileSync(path.join(out, 'results.json'), 'utf8')).toBe(`${JSON.stringify(results, undefined, 1)}\n`);
  }, 120_000);

  test('on Ctrl-C says what is missing and keeps the rest', async () => {
    const out = path.join(folder, 'interrupted');
    const interruption = new AbortController();
    const stop = (text: string) => text.includes('on P1\n') && interruption.abort();
    const first = await recordedRun(quick(out), { signal: interruption.signal, onOut: stop });
    expect(first.code).toBe(130);
    expect(first.out).toContain('Interrupted before table3');
    expect(readFileSync(path.join(out, 'report.html'), 'utf8')).toContain('Interrupted before table3');
  });
});
