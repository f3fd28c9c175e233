/** The tables of docs/reproduction.md as data: `22.3 (28.9)<br><sub>17.6–27.8</sub>` is ours, the paper's, our interval. */

export interface PaperCell {
  readonly text: string;
  /** null where the cell holds no number. */
  readonly ours: number | null;
  readonly paper: number | null;
  readonly interval: string | null;
}

export interface PaperTable {
  readonly number: number;
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly cells: readonly PaperCell[] }[];
}

/** @throws when a table has no row, since the page would then show nothing without a word. */
export function reproductionTables(markdown: string): PaperTable[] {
  const lines = markdown.split('\n');
  const tables: PaperTable[] = [];
  for (const [at, line] of lines.entries()) {
    const [, number, caption] = /^\*Table (\d+)\. (.*)\*$/.exec(line) ?? [];
    if (number === undefined || caption === undefined) continue;
    const start = lines.findIndex((text, index) => index > at && text.startsWith('|'));
    const end = lines.findIndex((text, index) => index > start && !text.startsWith('|'));
    const [header = [], , ...rows] = lines.slice(start, end).map(cellsOf);
    if (start < 0 || rows.length === 0) throw new RangeError(`Table ${number} has no rows`);
    tables.push({
      number: Number(number),
      caption: plain(caption),
      columns: header.slice(1).map(plain),
      rows: rows.map(([name = '', ...cells]) => ({ name: plain(name), cells: cells.map(parseCell) })),
    });
  }
  return tables;
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, line.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

function parseCell(cell: string): PaperCell {
  const [main = '', below] = cell.split('<br>');
  const text = plain(main);
  const [, ours, paper] = /^(-?[\d.]+)(?:\s*\((-?[\d.]+)\))?$/.exec(text) ?? [];
  return {
    text,
    ours: ours === undefined ? null : Number(ours),
    paper: paper === undefined ? null : Number(paper),
    interval: below === undefined ? null : plain(below),
  };
}

/** Without Markdown's marks and the escapes that keep them from being any. */
function plain(text: string): string {
  return text
    .replaceAll(/<\/?\w+>/g, '')
    .replaceAll('**', '')
    .replaceAll(/\\([^\w\s])/g, '$1');
}
