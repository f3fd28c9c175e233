import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { attack } from '../attack/attack.ts';
import type { AttackJournal } from '../attack/journal.ts';
import type { Delivery } from '../attack/shard_board.ts';
import { linearImages, linearModel } from '../attack/testing/linear_classifier.ts';
import { AttackJournalFile } from './attack_journal.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'blindspot-journal-'));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const place = () => path.join(folder, `out${made++}`);

const result = (id: number): Delivery => ({
  ...{ id, status: 1, distance: id / 7, evaluations: 20 + id, kktResidual: 0.01, starts: 2, slope: 3 },
  example: Float32Array.of(id, 0.1, 0.2),
});

describe('the file', () => {
  test('gives back what was recorded, bit for bit', () => {
    const out = place();
    const journal = new AttackJournalFile(out, { model: 'a' });
    expect(journal.restore(3)).toEqual([]);
    journal.record([result(4), result(1)]);
    journal.record([result(2)]);
    journal.close();
    const again = new AttackJournalFile(out, { model: 'a' });
    expect(again.restore(3)).toEqual([result(4), result(1), result(2)]);
    again.remove();
    expect(existsSync(again.path)).toBe(false);
  });

  test('that was cut off, or damaged, gives what is whole, and goes on after it', () => {
    const out = place();
    const journal = new AttackJournalFile(out, {});
    journal.restore(3);
    journal.record([result(0), result(1), result(2)]);
    journal.close();
    truncateSync(journal.path, statSync(journal.path).size - 1);
    const cut = new AttackJournalFile(out, {});
    expect(cut.restore(3)).toEqual([result(0), result(1)]);
    cut.record([result(5)]);
    cut.close();
    const bytes = readFileSync(journal.path);
    bytes[bytes.length - 30] = (bytes[bytes.length - 30] as number) ^ 1;
    writeFileSync(journal.path, bytes);
    appendFileSync(journal.path, 'abc');
    const damaged = new AttackJournalFile(out, {});
    expect(damaged.restore(3)).toEqual([result(0), result(1)]);
    damaged.close();
  });

  test('of another attack is begun anew', () => {
    const out = place();
    const journal = new AttackJournalFile(out, { seed: 1 });
    journal.restore(3);
    journal.record([result(0)]);
    journal.close();
    const other = new AttackJournalFile(out, { seed: 2 });
    expect(other.restore(3)).toEqual([]);
    other.close();
  });

  test('that cannot be written is one error', () => {
    writeFileSync(path.join(folder, 'file'), '');
    const journal = new AttackJournalFile(path.join(folder, 'file', 'out'), {});
    expect(() => journal.restore(3)).toThrow(/^Cannot keep what was found in /);
  });
});

test('an attack searches only what the journal lacks, and ends as an undisturbed one', async () => {
  const data = linearImages(12);
  const kept: Delivery[] = [];
  const recording: AttackJournal = { restore: () => [], record: (results) => kept.push(...results) };
  const whole = await attack(linearModel(), data, { journal: recording });
  expect(kept.map(({ id }) => id).sort((a, b) => a - b)).toEqual([...Array(12).keys()]);
  const half = kept.filter(({ id }) => id % 2 === 0);
  const more: Delivery[] = [];
  const resumed = await attack(linearModel(), data, {
    journal: { restore: () => half, record: (results) => more.push(...results) },
  });
  expect(more.map(({ id }) => id % 2)).toEqual(Array(6).fill(1));
  expect(resumed.examples).toEqual(whole.examples);
  expect(resumed.adversarial).toEqual(whole.adversarial);
});
