import { describe, expect, test } from 'vitest';
import type { ShownTable } from '../../experiments/shown_examples.ts';
import { cellExamples, formatCell, hasExamples, parseCell } from './paper_examples.ts';

const base64 = (...bytes: number[]) => Buffer.from(Uint8Array.from(bytes)).toString('base64');
const example = { label: 7, largest: 0.5, distortion: 0.1, original: base64(0, 255), change: base64(127, 129) };
const tables: ShownTable[] = [
  { table: 1, models: [], rows: [{ row: 'A', column: 'any class', examples: [{ ...example, predictions: [2] }] }] },
  { table: 2, models: ['A', 'B'], rows: [{ row: 'noise', examples: [{ ...example, predictions: [7, 4] }] }] },
];

describe('cellExamples', () => {
  test('decodes pixels and changes, and says what the column’s model answers', () => {
    expect(hasExamples(tables, 2, 'noise', 'B')).toBe(true);
    const found = cellExamples(tables, 2, 'noise', 'B');
    expect(found?.model).toBe('B');
    const [first] = found?.examples ?? [];
    expect([...(first?.original ?? [])]).toEqual([0, 1]);
    expect([...(first?.changed ?? [])]).toEqual([0.5, 0.5]);
    expect(first).toMatchObject({ label: 7, prediction: 4, distortion: 0.1 });
  });

  test('where the columns are no models, it is the row’s', () => {
    expect(cellExamples(tables, 1, 'A', 'any class')).toMatchObject({ model: 'A', examples: [{ prediction: 2 }] });
  });

  test('cells without images have none', () => {
    expect(hasExamples(tables, 1, 'A', 'test error')).toBe(false);
    expect(cellExamples(tables, 1, 'A', 'test error')).toBeUndefined();
    expect(cellExamples(tables, 2, 'noise', 'av. distortion')).toBeUndefined();
    expect(cellExamples(tables, 2, 'undistorted', 'A')).toBeUndefined();
    expect(cellExamples(tables, 5, 'Conv. 1', 'norm')).toBeUndefined();
  });
});

test('a cell’s place goes through the address', () => {
  const place = { table: 2, row: 4, column: 6 };
  expect(parseCell(formatCell(place))).toEqual(place);
  for (const text of ['', '2.3', '2.3.x', '-1.2.3']) expect(parseCell(text)).toBeUndefined();
});
