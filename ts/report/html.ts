/**
 * HTML by a tagged template that escapes every value unless it is itself `Html`: names of models, classes and
 * files come from outside, so escaping is the default and never the author's duty.
 */

/** Markup that is known to be safe. Made only by `html`, `join` and `trusted`. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }

  toString(): string {
    return this.markup;
  }
}

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

/** `html\`<p>${name}</p>\``: strings are escaped, `Html` is inserted as it is, lists are joined, null is nothing. */
export function html(parts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  let markup = parts[0] ?? '';
  values.forEach((value, i) => {
    markup += toMarkup(value) + (parts[i + 1] ?? '');
  });
  return new Html(markup);
}

/** Markup from our own code (an SVG plot, a style sheet). Never pass text that a user or a file gave. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

function toMarkup(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.markup;
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return value.map(toMarkup).join('');
}

/** A figure that answers one question: "Median L2 0.873, half of the images need less". */
export interface Tile {
  label: string;
  value: string;
  note?: string;
}

export function tiles(list: readonly Tile[]): Html {
  return html`<dl class="tiles">${list.map(
    (tile) =>
      html`<div class="tile"><dt>${tile.label}</dt><dd class="tile-value">${tile.value}</dd>${
        tile.note !== undefined && html`<dd class="tile-note">${tile.note}</dd>`
      }</div>`,
  )}</dl>`;
}

export interface TableColumn {
  label: string;
  /** Numbers are set right with figures of one width. */
  numeric?: boolean;
  /** Shown as a tooltip on the heading. */
  explanation?: string;
}

export interface TableCell {
  content: HtmlValue;
  /** What sorting compares; the content's text when absent. null sorts last. */
  sortBy?: number | string | null;
}

/** A table with a caption; `sortable` adds a button to each heading (needs `TABLE_SORT_SCRIPT` in the page). */
export function table(options: {
  caption: string;
  columns: readonly TableColumn[];
  rows: readonly (readonly TableCell[])[];
  sortable?: boolean;
}): Html {
  const sortable = options.sortable === true;
  const heading = (column: TableColumn): Html =>
    html`<th scope="col"${
      column.numeric === true && trusted(' class="numeric"')
    }${column.explanation !== undefined && html` title="${column.explanation}"`}>${
      sortable ? html`<button type="button">${column.label}</button>` : column.label
    }</th>`;
  const cell = (content: TableCell, i: number): Html =>
    html`<td${
      options.columns[i]?.numeric === true && trusted(' class="numeric"')
    }${content.sortBy !== undefined && html` data-sort="${sortKey(content.sortBy)}"`}>${content.content}</td>`;
  return html`<div class="scroll" role="region" aria-label="${options.caption}" tabindex="0">
<table${sortable && trusted(' class="sortable"')}><caption>${options.caption}</caption>
<thead><tr>${options.columns.map(heading)}</tr></thead>
<tbody>
${options.rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody></table></div>`;
}

function sortKey(value: number | string | null): string {
  return value === null || Number.isNaN(value) ? '' : String(value);
}

/** Names and values side by side: settings, versions. */
export function definitions(entries: readonly (readonly [name: string, value: HtmlValue])[]): Html {
  return html`<dl class="definitions">${entries.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`,
  )}</dl>`;
}

/** A whole document that asks the network for nothing. */
export function page(options: { title: string; style: string; body: Html; script?: string }): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="blindspot">
<title>${options.title}</title>
<link rel="icon" href="data:,">
<style>${trusted(options.style)}</style>
</head>
<body>
${options.body}
${options.script !== undefined && html`<script>${trusted(options.script)}</script>\n`}</body>
</html>
`.markup;
}

/** Sorts any `table.sortable` by the clicked heading: numbers by value, missing ones last, a second click reverses. */
export const TABLE_SORT_SCRIPT = `
for (const table of document.querySelectorAll('table.sortable')) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.querySelector('button')?.addEventListener('click', () => {
    const down = heading.getAttribute('aria-sort') === 'ascending';
    for (const other of headings) other.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
    const compare = (a, b) => {
      const [p, q] = [key(a), key(b)];
      if (p === '' || q === '') return (p === '') - (q === '');
      const order = p - q || (p - q === 0 ? 0 : p.localeCompare(q, 'en', { numeric: true }));
      return down ? -order : order;
    };
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  }));
}
`;
