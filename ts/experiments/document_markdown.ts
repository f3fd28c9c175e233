/** Blocks as Markdown, for docs/reproduction.md. */
import type { Block, Cell, Claim, TableBlock } from './document.ts';

/** @param figures folder of the figures, as seen from the document. */
export function blockMarkdown(block: Block, figures: string): string {
  switch (block.kind) {
    case 'paragraph':
      return `${escapeText(block.text)}\n`;
    case 'table':
      return tableMarkdown(block);
    case 'claims':
      return block.claims.map(claimMarkdown).join('');
    case 'figure':
      return `![${escapeText(block.alt)}](${figures}/${block.file})\n\n*${escapeText(block.caption)}*\n`;
  }
}

const SIGNS = { holds: '✔', 'holds in part': '◐', 'does not hold': '✘' } as const;

function claimMarkdown({ claim, verdict, finding }: Claim): string {
  return `- ${SIGNS[verdict]} **${verdict}**: ${escapeText(claim)} ${escapeText(finding)}\n`;
}

function tableMarkdown({ caption, columns, rows }: TableBlock): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const head = line(columns.map(escapeText)) + line(columns.map((_, i) => (i === 0 ? '---' : '---:')));
  const body = rows.map(({ label, cells }) => line([escapeText(label), ...cells.map(cellMarkdown)])).join('');
  return `*${escapeText(caption)}*\n\n${head}${body}`;
}

function cellMarkdown({ ours, paper, interval, strong }: Cell): string {
  const value = strong === true ? `**${escapeText(ours)}**` : escapeText(ours);
  const beside = paper === undefined ? '' : ` (${escapeText(paper)})`;
  return `${value}${beside}${interval === undefined ? '' : `<br><sub>${escapeText(interval)}</sub>`}`;
}

function escapeText(text: string): string {
  return text.replaceAll(/[\\|*_<>[\]]/g, (sign) => `\\${sign}`);
}
