/** Blocks as HTML, figures inlined, for report.html. */

import { dataUri } from '../report/data_uri.ts';
import { type Html, html, trusted } from '../report/html.ts';
import type { Block, Cell, Claim, TableBlock } from './document.ts';

/** @param figures PNG files by name. */
export function blockHtml(block: Block, figures: ReadonlyMap<string, Uint8Array>): Html {
  switch (block.kind) {
    case 'paragraph':
      return html`<p>${block.text}</p>\n`;
    case 'table':
      return tableHtml(block);
    case 'claims':
      return html`<ul class="claims">${block.claims.map(claimHtml)}</ul>\n`;
    case 'figure': {
      const png = figures.get(block.file);
      if (png === undefined) return html`<p class="note">${block.caption}</p>\n`;
      return html`<figure class="plate"><img src="${dataUri(png)}" alt="${block.alt}">
<figcaption>${block.caption}</figcaption></figure>\n`;
    }
  }
}

const CLASSES = { holds: 'good', 'holds in part': 'part', 'does not hold': 'bad' } as const;

function claimHtml({ claim, verdict, finding }: Claim): Html {
  return html`<li><span class="tag ${CLASSES[verdict]}">${verdict}</span><div><strong>${claim}</strong> ${finding}</div></li>\n`;
}

function tableHtml({ caption, columns, rows }: TableBlock): Html {
  const heads = columns.map((column, i) => html`<th scope="col"${i > 0 && trusted(' class="numeric"')}>${column}</th>`);
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
<table class="paper"><caption>${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${rows.map(
  ({ label, cells, ruled }) =>
    html`<tr${ruled === true && trusted(' class="ruled"')}><th scope="row">${label}</th>${cells.map(cellHtml)}</tr>\n`,
)}</tbody></table></div>\n`;
}

function cellHtml({ ours, paper, interval, strong }: Cell): Html {
  return html`<td class="numeric"><span class="${strong === true ? 'ours strong' : 'ours'}">${ours}</span>${
    paper !== undefined && html` <span class="theirs">(${paper})</span>`
  }${interval !== undefined && html`<small>${interval}</small>`}</td>`;
}

export const DOCUMENT_STYLE = `
.lead + .about { max-width: 88ch; }
section p { max-width: 80ch; margin-top: 10px; }
.contents { margin-top: 28px; padding: 0; list-style: none; columns: 3; column-gap: 36px; font-size: 0.9375rem; }
.contents li { break-inside: avoid; padding: 2px 0; }
.contents a { text-decoration: none; }
.contents a:hover { text-decoration: underline; }
.paper { width: auto; min-width: 55%; border-top: 1.5px solid var(--ink); border-bottom: 1.5px solid var(--ink); }
.paper caption { max-width: 80ch; white-space: normal; }
.paper thead th { border-bottom: 1px solid var(--ink); padding-left: 18px; white-space: normal; min-width: 5.5em; }
.paper thead th:first-child { padding-left: 0; min-width: 0; }
.paper tbody th { font-weight: 400; vertical-align: top; }
.paper tbody td { padding-left: 18px; vertical-align: top; }
.paper tbody tr:last-child > * { border-bottom: 0; }
.paper .ruled > * { border-top: 1px solid var(--ink); }
.paper .theirs { color: var(--muted); }
.paper .strong { font-weight: 650; }
.paper small { display: block; color: var(--muted); font-size: 0.75rem; line-height: 1.3; }
.claims { list-style: none; padding: 0; margin: 20px 0 0; max-width: 92ch; }
.claims li { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: 4px 14px; padding: 9px 0; border-top: 1px solid var(--rule); align-items: baseline; }
.claims .tag { justify-self: start; white-space: nowrap; }
.claims strong { font-weight: 600; }
.part { color: var(--highlight); }
.plate { margin-top: 22px; }
.plate img { display: block; max-width: 100%; height: auto; background: #fff; border: 1px solid var(--rule); border-radius: 8px; }
.plate figcaption { margin-top: 8px; max-width: 88ch; }
@media (max-width: 1000px) { .contents { columns: 2; } }
@media (max-width: 520px) { .contents { columns: 1; } .claims li { grid-template-columns: 1fr; } }
`;
