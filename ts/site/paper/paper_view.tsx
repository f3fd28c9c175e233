/** The paper's tables as heat maps: ours, and beneath each value the paper's. */
import { useEffect, useState } from 'preact/hooks';
import { fetched } from '../catalog.ts';
import type { PaperCell, PaperTable } from './reproduction_tables.ts';

export function PaperView() {
  const [tables, setTables] = useState<readonly PaperTable[]>([]);
  const [error, setError] = useState<string | undefined>();
  useEffect(() => {
    fetched('data/reproduction.json').then(
      (bytes) => setTables(JSON.parse(new TextDecoder().decode(bytes)) as PaperTable[]),
      (cause: unknown) => setError(cause instanceof Error ? cause.message : String(cause)),
    );
  }, []);
  return (
    <>
      <h1>The paper, reproduced</h1>
      <p class="lead">Ours in large, the paper’s in brackets; the darker, the larger within its column.</p>
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
            <HeatTable table={table} />
          </section>
        </section>
      ))}
    </>
  );
}

function HeatTable({ table: { caption, columns, rows } }: { table: PaperTable }) {
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
        {rows.map(({ name, cells }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {cells.map((cell, at) => (
              <Cell key={columns[at]} cell={cell} largest={largest[at] ?? 0} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell({ cell: { text, ours, paper, interval }, largest }: { cell: PaperCell; largest: number }) {
  if (ours === null) return <td>{text}</td>;
  // As they are printed: 7.0 is another claim than 7.
  const [value, printed] = text.split(' (');
  const share = largest > 0 ? Math.round((45 * ours) / largest) : 0;
  return (
    <td
      style={{ background: `color-mix(in srgb, var(--heat) ${share}%, var(--paper))` }}
      title={interval === null ? '' : `95 % interval ${interval}`}
    >
      <strong>{value}</strong>
      {paper !== null && <small> ({printed}</small>}
    </td>
  );
}
