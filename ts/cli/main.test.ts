/** The executable itself, as compiled: scripts/build --ts comes first. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { linearImages, linearModel, PIXELS } from '../attack/testing/linear_classifier.ts';
import { formatNpz } from '../data/npz.ts';

const main = fileURLToPath(new URL('../../dist/ts/cli/main.js', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-main-'));
const at = (name: string) => path.join(folder, name);
const COUNT = 4000;

beforeAll(() => {
  if (!existsSync(main)) throw new Error(`${main} is not there: run "node scripts/build --ts" first`);
  const { images, labels } = linearImages(COUNT);
  writeFileSync(at('model.onnx'), linearModel());
  writeFileSync(
    at('data.npz'),
    formatNpz({ images: { shape: [COUNT, PIXELS], data: images }, labels: { shape: [COUNT], data: labels } }),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const attack = (...options: string[]) => ['attack', '--model', at('model.onnx'), '--data', at('data.npz'), ...options];

function execute(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
}

describe('the executable', () => {
  test('attacks, and is silent on stderr', () => {
    const { status, stdout, stderr } = execute(...attack('--count', '20', '--out', at('out')));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('found       20 of 20\u00a0images attacked');
    expect(existsSync(at('out/report.html'))).toBe(true);
  });

  test('answers a mistake with exit code 2 and one line', () => {
    const { status, stdout, stderr } = execute(...attack('--count', '4001', '--out', at('never')));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .*has 4000 images but count asks for 4001\n$/);
  });

  test('on Ctrl-C writes what is done and ends with 130', async () => {
    const options = [
      '--method',
      'penalty',
      '--effort',
      'thorough',
      '--lanes',
      '2',
      '--workers',
      '1',
      '--out',
      at('stopped'),
    ];
    const child = spawn(process.execPath, [main, ...attack(...options)], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      // The search has begun when the kernel is named.
      if (!said.includes('kernel') && (said + text).includes('kernel')) setTimeout(() => child.kill('SIGINT'), 1000);
      said += text;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(130);
    expect(said).toMatch(/Interrupted: [\d,]+ of 4,000\u00a0images were done and are kept\./);
    const { summary } = JSON.parse(readFileSync(at('stopped/results.json'), 'utf8'));
    expect(summary.images).toBeGreaterThan(0);
    expect(summary.images).toBeLessThan(COUNT);
  });
});
