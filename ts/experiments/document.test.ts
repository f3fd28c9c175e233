import { describe, expect, test } from 'vitest';
import { type Block, enumerate, percent, percentCell, verdictOf } from './document.ts';
import { blockHtml } from './document_html.ts';
import { blockMarkdown } from './document_markdown.ts';
import { proportion } from './statistics.ts';

test.each([
  [0, '0'],
  [1, '100'],
  [0.0164, '1.64'],
  [0.02, '2.0'],
  [0.289, '28.9'],
  [0.9999, '100.0'],
])('percent of %d is %s', (share, text) => expect(percent(share)).toBe(text));

test('words', () => {
  expect([enumerate(['a']), enumerate(['a', 'b']), enumerate(['a', 'b', 'c'])]).toEqual(['a', 'a and b', 'a, b and c']);
  expect([verdictOf(2, 2), verdictOf(1, 2), verdictOf(0, 2)]).toEqual(['holds', 'holds in part', 'does not hold']);
});

describe('a table', () => {
  const block: Block = {
    kind: 'table',
    caption: 'Errors <of> a|b',
    columns: ['model', 'error'],
    rows: [{ label: 'A*', cells: [percentCell(proportion(1, 4), 0.2, true)] }],
  };

  test('as Markdown', () => {
    expect(blockMarkdown(block, 'figures')).toBe(
      '*Errors \\<of\\> a\\|b*\n\n| model | error |\n| --- | ---: |\n| A\\* | **25.0** (20.0)<br><sub>4.56–69.9</sub> |\n',
    );
  });

  test('as HTML', () => {
    const { markup } = blockHtml(block, new Map());
    expect(markup).toContain('<caption>Errors &lt;of&gt; a|b</caption>');
    expect(markup).toContain(
      '<span class="ours strong">25.0</span> <span class="theirs">(20.0)</span><small>4.56–69.9</small>',
    );
  });
});

test('claims and figures say the same in both', () => {
  const claims: Block = {
    kind: 'claims',
    claims: [{ claim: 'It is so.', verdict: 'does not hold', finding: 'It is not.' }],
  };
  expect(blockMarkdown(claims, 'f')).toBe('- ✘ **does not hold**: It is so. It is not.\n');
  expect(blockHtml(claims, new Map()).markup).toContain('<strong>It is so.</strong> It is not.');
  const figure: Block = { kind: 'figure', file: 'a.png', alt: 'digits', caption: 'Figure' };
  expect(blockMarkdown(figure, 'f')).toBe('![digits](f/a.png)\n\n*Figure*\n');
  expect(blockHtml(figure, new Map([['a.png', Uint8Array.of(1)]])).markup).toContain(
    'src="data:image/png;base64,AQ=="',
  );
});
