/**
 * A labelled grid of images as one figure: rows with names at the left, columns with names on top, captions under the
 * images, and a legend for the colours of magnified changes. Drawn as SVG, so that words stay sharp at any scale.
 */
import { divergingStops } from './colour_map.ts';
import { dataUri } from './data_uri.ts';
import { FIGURE_FONT } from './figure_font.ts';
import { type FigurePngOptions, svgToPng } from './figure_png.ts';
import { escapeHtml } from './html.ts';
import { PRINT_THEME } from './plots.ts';

export interface GridCell {
  png: Uint8Array;
  /** Lines under the image; the first is set stronger. */
  caption?: readonly string[];
}

export interface GridRow {
  /** Lines at the left; the first is set stronger. */
  label?: readonly string[];
  cells: readonly (GridCell | null)[];
}

export interface ImageGrid {
  rows: readonly GridRow[];
  title?: string;
  columnLabels?: readonly string[];
  /** Side of an image in units of the SVG; a multiple of the image's own side keeps its pixels square. Default 84. */
  cellSize?: number;
  /** Show the single pixels (for images smaller than a cell). Default true. */
  pixelated?: boolean;
  /** Legend of the diverging colours: words at −1, 0 and 1. */
  legend?: { low: string; middle: string; high: string };
}

const MARGIN = 16;
const GAP = 8;
const LABEL_SIZE = 12;
const CAPTION_SIZE = 11;
const TITLE_SIZE = 14;
const LINE = 15;
const LEGEND_WIDTH = 200;
/** Control characters and lone surrogates, which an XML document may not hold even escaped. */
const NOT_XML = /[\p{Cc}\p{Cs}\ufffe\uffff]/gu;

/** The figure as an SVG document. */
export function imageGridSvg(grid: ImageGrid): string {
  const cell = grid.cellSize ?? 84;
  const columns = Math.max(1, ...grid.rows.map(({ cells }) => cells.length));
  const labelLines = grid.rows.flatMap(({ label }) => label ?? []);
  const labelWidth =
    labelLines.length === 0 ? 0 : Math.max(...labelLines.map((text) => textWidth(text, LABEL_SIZE))) + 12;
  const left = MARGIN + labelWidth;
  const gridWidth = columns * (cell + GAP) - GAP;
  const width = Math.max(left + gridWidth, grid.legend ? MARGIN + 2 * LEGEND_WIDTH : 0) + MARGIN;

  const parts: string[] = [];
  let y = MARGIN;
  if (grid.title !== undefined) {
    const title = fit(grid.title, width - 2 * MARGIN, TITLE_SIZE);
    parts.push(words(MARGIN, y + TITLE_SIZE, title, { size: TITLE_SIZE, strong: true }));
    y += TITLE_SIZE + 14;
  }
  if (grid.columnLabels !== undefined) {
    grid.columnLabels.forEach((label, i) => {
      const x = left + i * (cell + GAP) + cell / 2;
      parts.push(
        words(x, y + 10, fit(label, cell + GAP, LABEL_SIZE), { size: LABEL_SIZE, anchor: 'middle', strong: true }),
      );
    });
    y += LINE + 4;
  }
  for (const { label, cells } of grid.rows) {
    (label ?? []).forEach((text, line, { length }) => {
      const baseline = y + cell / 2 + (line - (length - 1) / 2) * LINE + LABEL_SIZE * 0.35;
      parts.push(
        words(left - 12, baseline, text, { size: LABEL_SIZE, anchor: 'end', strong: line === 0, muted: line > 0 }),
      );
    });
    const captions = cells.map((content) => captionLines(content, cell + GAP - 4));
    const headLines = Math.max(0, ...captions.map(({ head }) => head.length));
    const lines = headLines + Math.max(0, ...captions.map(({ rest }) => rest.length));
    cells.forEach((content, i) => {
      if (content === null) return;
      const x = left + i * (cell + GAP);
      parts.push(picture(x, y, cell, content.png, grid.pixelated ?? true));
      const under = (text: string, line: number, strong: boolean): void => {
        const style = { size: CAPTION_SIZE, anchor: 'middle', strong, muted: !strong } as const;
        parts.push(words(x + cell / 2, y + cell + 14 + line * LINE, text, style));
      };
      for (const [line, text] of captions[i]?.head.entries() ?? []) under(text, line, true);
      for (const [line, text] of captions[i]?.rest.entries() ?? []) under(text, headLines + line, false);
    });
    y += cell + (lines > 0 ? lines * LINE + 8 : 0) + GAP;
  }
  if (grid.legend !== undefined) {
    parts.push(legend(grid.legend, left + gridWidth / 2 - LEGEND_WIDTH / 2, y + 4));
    y += 34;
  }
  const height = Math.ceil(y - GAP + MARGIN);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${height}"`,
    ` viewBox="0 0 ${Math.ceil(width)} ${height}" font-family="${FIGURE_FONT}, sans-serif">\n`,
    parts.join('\n'),
    '\n</svg>\n',
  ].join('');
}

/** The figure as a PNG at print quality. */
export function imageGridPng(grid: ImageGrid, options: FigurePngOptions = {}): Uint8Array {
  return svgToPng(imageGridSvg(grid), options);
}

function picture(x: number, y: number, side: number, png: Uint8Array, pixelated: boolean): string {
  const rendering = pixelated ? ' image-rendering="optimizeSpeed"' : '';
  return `<image x="${x}" y="${y}" width="${side}" height="${side}"${rendering} href="${dataUri(png)}"/>`;
}

/** A caption's first line, which may take two, and the others; these start at one height along the row. */
function captionLines(content: GridCell | null, width: number): { head: string[]; rest: string[] } {
  const [first, ...others] = content?.caption ?? [];
  return {
    head: first === undefined ? [] : wrap(first, width, CAPTION_SIZE),
    rest: others.map((text) => fit(text, width, CAPTION_SIZE)),
  };
}

function legend({ low, middle, high }: { low: string; middle: string; high: string }, x: number, y: number): string {
  const stops = divergingStops().map(({ offset, colour }) => `<stop offset="${offset}" stop-color="${colour}"/>`);
  const style = { size: CAPTION_SIZE, muted: true } as const;
  return [
    `<defs><linearGradient id="change">${stops.join('')}</linearGradient></defs>`,
    `<rect x="${x}" y="${y}" width="${LEGEND_WIDTH}" height="10" rx="2" fill="url(#change)"/>`,
    words(x - 8, y + 9, low, { ...style, anchor: 'end' }),
    words(x + LEGEND_WIDTH / 2, y + 25, middle, { ...style, anchor: 'middle' }),
    words(x + LEGEND_WIDTH + 8, y + 9, high, style),
  ].join('\n');
}

interface TextStyle {
  size: number;
  anchor?: 'middle' | 'end';
  strong?: boolean;
  muted?: boolean;
}

function words(x: number, y: number, text: string, { size, anchor, strong, muted }: TextStyle): string {
  const attributes = [
    `x="${x}" y="${y}" font-size="${size}" fill="${muted === true ? PRINT_THEME.muted : PRINT_THEME.ink}"`,
    anchor !== undefined ? ` text-anchor="${anchor}"` : '',
    strong === true ? ' font-weight="600"' : '',
  ];
  return `<text ${attributes.join('')}>${escapeHtml(text.replace(NOT_XML, ' '))}</text>`;
}

/** Mean advance of Inter is a little over half its size; wide enough that a fitted text never touches its neighbour. */
function textWidth(text: string, size: number): number {
  return [...text].length * size * 0.59;
}

/** Shortened with an ellipsis to about `width`. */
function fit(text: string, width: number, size: number): string {
  if (textWidth(text, size) <= width) return text;
  const room = Math.max(1, Math.floor(width / (size * 0.59)) - 1);
  return `${[...text].slice(0, room).join('').trimEnd()}…`;
}

/** Broken at a space into at most two lines. */
function wrap(text: string, width: number, size: number): string[] {
  if (textWidth(text, size) <= width) return [text];
  const words = text.split(' ');
  let taken = 1;
  while (taken < words.length && textWidth(words.slice(0, taken + 1).join(' '), size) <= width) taken += 1;
  const lines = [words.slice(0, taken).join(' '), words.slice(taken).join(' ')].filter((line) => line !== '');
  return lines.map((line) => fit(line, width, size));
}
