/** The paper's tables as heat maps: ours, and beneath each value the paper's; a click shows the images behind it. */
import { useEffect, useState } from 'preact/hooks';
import type { ShownTable } from '../../experiments/shown_examples.ts';
import { fetched } from '../catalog.ts';
import type { PageState } from '../state.ts';
import { CellExamples } from './cell_examples.tsx';
import { type CellPlace, cellExamples, formatCell, hasExamples, parseCell } from './paper_examples.ts';
import type { PaperCell, PaperTable } from './reproduction_tables.ts';

interface Props {
  state: PageState;
  change: (part: Partial<PageState>) => void;
}

async function fetchedJson<T>(path: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await fetched(path))) as T;
}

export function PaperView({ state, change }: Props) {
  const [tables, setTables] = useState<readonly PaperTable[]>([]);
  const [shown, setShown] = useState<readonly ShownTable[]>([]);
  const [error, setError] = useState<string | undefined>();
  useEffect(() => {
    const fail = (cause: unknown) => setError(cause instanceof Error ? cause.message : String(cause));
    fetchedJson<PaperTable[]>('data/reproduction.json').then(setTables, fail);
    fetchedJson<ShownTable[]>('data/paper_examples.json').then(setShown, fail);
  }, []);
  const chosen = parseCell(state.cell);
  return (
    <>
      <h1>The paper, reproduced</h1>
      <p class="lead">
        Ours in large, the paper’s in brackets; the darker, the larger within its column. Choose a value of tables 1 to
        4 to see some of its images.
      </p>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      {tables.map((table) => (
        <section key={table.number}>
          <h2 id={`table-${table.number}`}>Table {table.number}</h2>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
          <section class="scroll" tabIndex={0} aria-labelledby={`table-${table.number}`}>
            <HeatTable
              table={table}
              shown={shown}
              chosen={chosen?.table === table.number ? chosen : undefined}
              onChoose={(place) => change({ cell: formatCell(place) })}
            />
          </section>
          {chosen?.table === table.number && (
            <Chosen table={table} shown={shown} place={chosen} onClose={() => change({ cell: '' })} />
          )}
        </section>
      ))}
    </>
  );
}

interface ChosenProps {
  table: PaperTable;
  shown: readonly ShownTable[];
  place: CellPlace;
  onClose: () => void;
}

function Chosen({ table, shown, place, onClose }: ChosenProps) {
  const [row, column] = [table.rows[place.row - 1]?.name, table.columns[place.column - 1]];
  if (row === undefined || column === undefined) return null;
  const found = cellExamples(shown, table.number, row, column);
  return found ? <CellExamples row={row} found={found} onClose={onClose} /> : null;
}

interface HeatTableProps {
  table: PaperTable;
  shown: readonly ShownTable[];
  chosen: CellPlace | undefined;
  onChoose: (place: CellPlace) => void;
}

function HeatTable({ table: { number, caption, columns, rows }, shown, chosen, onChoose }: HeatTableProps) {
  const largest = columns.map((_, at) => {
    const values = rows.map(({ cells }) => cells[at]?.ours ?? 0);
    // Whole numbers alone, a stride say, are no measurement: nothing to shade.
    return values.every(Number.isInteger) ? 0 : Math.max(...values);
  });
  return (
    <table class="paper-heat">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <td />
          {columns.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, cells }, row) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {cells.map((cell, at) => {
              const place = { table: number, row: row + 1, column: at + 1 };
              const has = hasExamples(shown, number, name, columns[at] ?? '');
              return (
                <Cell
                  key={columns[at]}
                  cell={cell}
                  largest={largest[at] ?? 0}
                  chosen={chosen?.row === place.row && chosen.column === place.column}
                  onChoose={has ? () => onChoose(place) : undefined}
                />
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellProps {
  cell: PaperCell;
  largest: number;
  chosen: boolean;
  onChoose: (() => void) | undefined;
}

function Cell({ cell: { text, ours, paper, interval }, largest, chosen, onChoose }: CellProps) {
  if (ours === null) return <td>{text}</td>;
  // As they are printed: 7.0 is another claim than 7.
  const [value, printed] = text.split(' (');
  const share = largest > 0 ? Math.round((45 * ours) / largest) : 0;
  const values = (
    <>
      <strong>{value}</strong>
      {paper !== null && <small> ({printed}</small>}
    </>
  );
  return (
    <td
      style={{ background: `color-mix(in srgb, var(--heat) ${share}%, var(--paper))` }}
      title={interval === null ? '' : `95 % interval ${interval}`}
    >
      {onChoose ? (
        <button type="button" aria-pressed={chosen} onClick={onChoose}>
          {values}
        </button>
      ) : (
        values
      )}
    </td>
  );
}
