/** Some of the images that a table counts, as docs/reproduction/examples.json has them, found by a cell of the table. */
import type { ShownExample, ShownRow, ShownTable } from '../../experiments/shown_examples.ts';

export interface CellExample {
  readonly label: number;
  readonly original: Float32Array;
  readonly changed: Float32Array;
  readonly distortion: number;
  /** What the column's model answers; the row's own where the column has none. */
  readonly prediction: number;
}

export interface CellExamples {
  /** The model that was asked. */
  readonly model: string;
  readonly examples: readonly CellExample[];
}

/** What a cell shows, not decoded yet. */
interface FoundCell {
  /** The model that was asked. */
  readonly model: string;
  /** Its place among those asked. */
  readonly at: number;
  readonly row: ShownRow;
}

function findCell(tables: readonly ShownTable[], table: number, row: string, column: string): FoundCell | undefined {
  const shown = tables.find((each) => each.table === table);
  const found = shown?.rows.find((each) => each.row === row && (each.column ?? column) === column);
  if (shown === undefined || found === undefined) return undefined;
  // Where the columns are no models, it is the row's.
  if (shown.models.length === 0) return { model: row, at: 0, row: found };
  const at = shown.models.indexOf(column);
  return at < 0 ? undefined : { model: column, at, row: found };
}

/** Whether images belong to a cell. */
export function hasExamples(tables: readonly ShownTable[], table: number, row: string, column: string): boolean {
  return findCell(tables, table, row, column) !== undefined;
}

/** undefined where no images belong to a cell. */
export function cellExamples(
  tables: readonly ShownTable[],
  table: number,
  row: string,
  column: string,
): CellExamples | undefined {
  const found = findCell(tables, table, row, column);
  return found && { model: found.model, examples: found.row.examples.map((example) => decoded(example, found.at)) };
}

function decoded({ label, original, change, largest, distortion, predictions }: ShownExample, at: number): CellExample {
  const before = Float32Array.from(bytesOf(original), (value) => value / 255);
  const steps = new Int8Array(bytesOf(change).buffer);
  const changed = before.map((value, i) => value + ((steps[i] ?? 0) * largest) / 127);
  return { label, original: before, changed, distortion, prediction: predictions[at] ?? label };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Where a cell is, as the address has it: table, row and column, from 1. */
export interface CellPlace {
  readonly table: number;
  readonly row: number;
  readonly column: number;
}

export function parseCell(text: string): CellPlace | undefined {
  const [, table, row, column] = /^(\d{1,2})\.(\d{1,2})\.(\d{1,2})$/.exec(text) ?? [];
  if (table === undefined || row === undefined || column === undefined) return undefined;
  return { table: Number(table), row: Number(row), column: Number(column) };
}

export function formatCell({ table, row, column }: CellPlace): string {
  return `${table}.${row}.${column}`;
}
