/**
 * A report as data: blocks that know nothing of HTML or Markdown, so that page and document always say the same.
 */
import type { Proportion } from './statistics.ts';

/** One value of ours beside the paper's. */
export interface Cell {
  readonly ours: string;
  /** Without parentheses; absent where the paper has none. */
  readonly paper?: string;
  /** 95 % interval, or spread. */
  readonly interval?: string;
  /** Set stronger: the diagonal. */
  readonly strong?: boolean;
}

export interface Row {
  readonly label: string;
  readonly cells: readonly Cell[];
  /** A rule above: another kind of rows begins. */
  readonly ruled?: boolean;
}

export interface TableBlock {
  readonly kind: 'table';
  readonly caption: string;
  /** The first names the rows. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

export type Verdict = 'holds' | 'holds in part' | 'does not hold';

/** A statement of the paper, measured. */
export interface Claim {
  readonly claim: string;
  readonly verdict: Verdict;
  /** In words, from the numbers. */
  readonly finding: string;
}

export interface ClaimsBlock {
  readonly kind: 'claims';
  readonly claims: readonly Claim[];
}

export interface FigureBlock {
  readonly kind: 'figure';
  /** Name in figures/. */
  readonly file: string;
  readonly alt: string;
  readonly caption: string;
}

export interface ParagraphBlock {
  readonly kind: 'paragraph';
  readonly text: string;
}

export type Block = TableBlock | ClaimsBlock | FigureBlock | ParagraphBlock;

export function paragraph(text: string): ParagraphBlock {
  return { kind: 'paragraph', text };
}

export function claimsBlock(claims: readonly Claim[]): ClaimsBlock {
  return { kind: 'claims', claims };
}

/** Percent to about three digits, as the paper prints them: 0, 1.64, 28.9, 100. */
export function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value === 100) return String(value);
  if (value < 10) return value.toFixed(2).replace(/0$/, '');
  return value.toFixed(1);
}

/** A percentage beside the paper's. */
export function percentCell(ours: Proportion, paper?: number, strong = false): Cell {
  return {
    ours: percent(ours.share),
    interval: `${percent(ours.low)}–${percent(ours.high)}`,
    ...(paper === undefined ? {} : { paper: percent(paper) }),
    ...(strong ? { strong } : {}),
  };
}

/** A distortion, to three decimals as the paper has it. */
export function distortionCell(ours: number, paper?: number): Cell {
  return { ours: ours.toFixed(3), ...(paper === undefined ? {} : { paper: String(paper) }) };
}

/** "a", "a and b", "a, b and c". */
export function enumerate(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** All: holds; none: does not hold; else in part. */
export function verdictOf(right: number, all: number): Verdict {
  if (right === all) return 'holds';
  return right === 0 ? 'does not hold' : 'holds in part';
}
