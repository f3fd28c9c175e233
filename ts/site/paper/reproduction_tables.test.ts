import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reproductionTables } from './reproduction_tables.ts';

const document = readFileSync(new URL('../../../docs/reproduction.md', import.meta.url), 'utf8');

test('the tables of the document, ours beside the paper’s', () => {
  const tables = reproductionTables(document);
  expect(tables.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  const second = tables[1];
  expect(second?.columns.slice(0, 2)).toEqual(['FC10(1e-4)', 'FC10(1e-2)']);
  const row = second?.rows.find(({ name }) => name === 'FC100-100-10');
  expect(row?.cells[0]).toMatchObject({
    ours: expect.any(Number),
    paper: 28.9,
    interval: expect.stringContaining('–'),
  });
  for (const { columns, rows } of tables) {
    for (const { cells } of rows) expect(cells).toHaveLength(columns.length);
  }
});

test('a table without rows is an error, not an empty page', () => {
  expect(() => reproductionTables('*Table 1. Nothing.*\n\n| a |\n| --- |\n')).toThrow('Table 1 has no rows');
});
