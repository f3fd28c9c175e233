import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkOutputFolder, writeOutputFolder } from './output_folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'blindspot-output-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (content: string) => (staging: string) => writeFile(path.join(staging, 'result'), content);

describe('an output folder', () => {
  test('appears whole, with the folders above it', async () => {
    const out = path.join(root, 'a', 'b');
    await writeOutputFolder(out, async (staging) => {
      await write('done')(staging);
      expect(readdirSync(path.join(root, 'a'))).not.toContain('b');
    });
    expect(readdirSync(path.join(root, 'a'))).toEqual(['b']);
    expect(readFileSync(path.join(out, 'result'), 'utf8')).toBe('done');
  });

  test('that is there keeps its other files, and has its own replaced', async () => {
    const out = path.join(root, 'out');
    mkdirSync(path.join(out, 'figures'), { recursive: true });
    for (const name of ['mine', 'result', 'figures/old.png']) writeFileSync(path.join(out, name), 'old');
    await writeOutputFolder(out, async (staging) => {
      await write('new')(staging);
      mkdirSync(path.join(staging, 'figures'));
      writeFileSync(path.join(staging, 'figures', 'new.png'), 'new');
    });
    expect(readdirSync(out).sort()).toEqual(['figures', 'mine', 'result']);
    expect(readFileSync(path.join(out, 'result'), 'utf8')).toBe('new');
    expect(readdirSync(path.join(out, 'figures'))).toEqual(['new.png']);
  });

  test('is not there when writing fails, nor the folders above that were made for it', async () => {
    const failing = writeOutputFolder(path.join(root, 'a', 'b'), async (staging) => {
      await write('half')(staging);
      throw new Error('in the middle');
    });
    await expect(failing).rejects.toThrow('in the middle');
    expect(readdirSync(root)).toEqual([]);
  });

  test('leaves folders above that were there before', async () => {
    mkdirSync(path.join(root, 'a'));
    await checkOutputFolder(path.join(root, 'a', 'b', 'c'));
    expect(readdirSync(root)).toEqual(['a']);
    expect(readdirSync(path.join(root, 'a'))).toEqual([]);
  });

  test('under a file, or a file itself, is refused', async () => {
    writeFileSync(path.join(root, 'file'), '');
    for (const out of ['file', 'file/out', 'file/out/deeper']) {
      await expect(checkOutputFolder(path.join(root, out))).rejects.toMatchObject({ code: 'OUTPUT_NOT_WRITABLE' });
    }
    expect(readdirSync(root)).toEqual(['file']);
  });

  test("a disk that fails while writing is the user's to know", async () => {
    const failing = writeOutputFolder(path.join(root, 'out'), (staging) =>
      writeFile(path.join(staging, 'no', 'such'), ''),
    );
    await expect(failing).rejects.toMatchObject({
      code: 'OUTPUT_NOT_WRITABLE',
      message: expect.stringContaining('ENOENT'),
    });
    expect(readdirSync(root)).toEqual([]);
  });
});
