import { describe, expect, it } from 'vitest';
import { html, page, table, tiles, trusted } from './html.ts';

describe('html', () => {
  it('escapes text and attributes, inserts markup as it is, and joins lists', () => {
    const name = `<img src=x onerror="alert('&')">`;
    const item = html`<li title="${name}">${name}</li>`;
    const escaped = '&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;';
    expect(html`<ul>${[item, trusted('<li>&amp;</li>'), 7]}</ul>`.markup).toBe(
      `<ul><li title="${escaped}">${escaped}</li><li>&amp;</li>7</ul>`,
    );
  });

  it('writes nothing for what is absent', () => {
    expect(html`<p>${null}${undefined}${false}${''}${0}</p>`.markup).toBe('<p>0</p>');
  });
});

describe('parts of a page', () => {
  it('escapes what goes into tiles and tables', () => {
    const markup = [
      tiles([{ label: '<a>', value: '<b>', note: '<c>' }]),
      table({
        caption: '<d>',
        columns: [{ label: '<e>', explanation: '"<f>' }],
        rows: [[{ content: '<g>', sortBy: '<h>' }]],
      }),
    ].join('');
    expect(markup).not.toMatch(/<[efgh]>|<d>"|<a><\/|<b><\/|<c><\/|"<f/);
    for (const letter of 'abcdefgh') expect(markup).toContain(`&lt;${letter}&gt;`);
  });

  it('makes a sortable table of buttons, with the value to sort by apart from its format', () => {
    const { markup } = table({
      caption: 'Results',
      columns: [{ label: 'L2', numeric: true }],
      rows: [[{ content: '0.873', sortBy: 0.87341 }], [{ content: '–', sortBy: null }]],
      sortable: true,
    });
    expect(markup).toContain('<th scope="col" class="numeric"><button type="button">L2</button></th>');
    expect(markup).toContain('<td class="numeric" data-sort="0.87341">0.873</td>');
    expect(markup).toContain('<td class="numeric" data-sort="">–</td>');
  });

  it('states language, scale and colour schemes, and asks for no icon', () => {
    const document = page({ title: 'a & b', style: '', body: html`<main></main>` });
    expect(document).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(document).toContain('<title>a &amp; b</title>');
    expect(document).toContain('<meta name="color-scheme" content="light dark">');
    expect(document).toContain('<link rel="icon" href="data:,">');
  });
});
