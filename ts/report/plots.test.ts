import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { svgToPng } from './figure_png.ts';
import { curve, histogram, logLog, PAGE_THEME, PRINT_THEME } from './plots.ts';

const size = { width: 400, height: 240 };
const axes = { x: { title: 'Distortion' }, y: { title: 'Images', format: 'd' } };
const texts = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*[^/]>([^<]*)<\/text>/g)].map((match) => match[1] ?? '');
const line = (svg: string): string => /mark-line[^>]*>\s*<path[^>]* d="([^"]+)"/.exec(svg)?.[1] ?? '';

describe('histogram', () => {
  const values = [0.01, 0.02, 0.021, 0.03, 0.05];

  it('has its size, its titles, a bar a bin and the marker with its words', async () => {
    const svg = await histogram(values, {
      ...size,
      ...axes,
      theme: PRINT_THEME,
      id: 'h',
      maxBins: 5,
      markers: [{ at: 0.021, label: 'median 0.0210' }],
    });
    expect(svg).toContain('viewBox="0 0 400 240"');
    expect(texts(svg)).toEqual(expect.arrayContaining(['Distortion', 'Images', 'median 0.0210']));
    expect(/mark-rect[^>]*>(.*?)<\/g>/s.exec(svg)?.[1]?.match(/<path/g)).toHaveLength(4);
  });

  it('gives the same bytes again, whatever was drawn before', async () => {
    const options = { ...size, ...axes, theme: PRINT_THEME, id: 'h' };
    const first = await histogram(values, options);
    await curve([{ name: 'a', points: [{ x: 1, y: 1 }] }], options);
    expect(await histogram(values, options)).toBe(first);
  });

  it('gives equal values one bar with room beside it, and counts only in whole numbers', async () => {
    const svg = await histogram([0.1163], { ...size, ...axes, theme: PRINT_THEME, id: 'h', maxBins: 8 });
    const bar = /mark-rect[^>]*>(.*?)<\/g>/s.exec(svg)?.[1] ?? '';
    const places = [...bar.matchAll(/[ML]([\d.]+),/g)].map((match) => Number(match[1]));
    expect(Math.min(...places)).toBeGreaterThan(50);
    expect(Math.max(...places)).toBeLessThan(300);
    expect(texts(svg).filter((text) => text === '1')).toHaveLength(1);
  });

  it('draws empty axes when there is nothing to count', async () => {
    expect(texts(await histogram([], { ...size, ...axes, theme: PRINT_THEME, id: 'h' }))).toContain('Distortion');
  });
});

describe('curve', () => {
  const points = [
    { x: 0, y: 1 },
    { x: 0.1, y: 0.5 },
    { x: 0.2, y: 0 },
  ];
  const options = {
    ...size,
    x: { title: 'Distortion' },
    y: { title: 'Right', format: '.0%', domain: [0, 1] as const },
    theme: PRINT_THEME,
    id: 'c',
  };

  it('as steps moves along one axis at a time', async () => {
    const svg = await curve([{ name: 'a', points }], { ...options, shape: 'step' });
    const corners = line(svg)
      .slice(1)
      .split('L')
      .map((point) => point.split(',').map(Number));
    expect(corners.length).toBeGreaterThanOrEqual(5);
    for (let i = 1; i < corners.length; i += 1) {
      const [before, here] = [corners[i - 1], corners[i]];
      expect(before?.[0] === here?.[0] || before?.[1] === here?.[1]).toBe(true);
    }
    expect(texts(svg)).toContain('100\u00a0%');
  });

  it('names several series in a legend, in their own colours, and escapes the names', async () => {
    const svg = await curve(
      [
        { name: 'FC100 <1>', points },
        { name: 'FC200', points },
      ],
      options,
    );
    expect(texts(svg)).toEqual(expect.arrayContaining(['FC100 &lt;1&gt;', 'FC200']));
    for (const colour of PRINT_THEME.series.slice(0, 2)) expect(svg).toContain(`stroke="${colour}"`);
  });

  it('on a page refers to the colours of the page alone', async () => {
    const svg = await curve([{ name: 'a', points }], {
      ...options,
      theme: PAGE_THEME,
      area: true,
      markers: [{ at: 0.1, label: 'half' }],
    });
    expect(svg).toContain('stroke="var(--accent)"');
    expect(svg).toContain('fill="var(--highlight)"');
    expect(svg).not.toMatch(/(fill|stroke)="#/);
  });

  it('numbers its ids anew after its own name', async () => {
    const svg = await curve([{ name: 'a', points }], { ...options, id: 'robustness' });
    for (const [, id] of svg.matchAll(/\bid="([^"]+)"/g)) expect(id).toMatch(/^robustness-\d+$/);
  });
});

it('puts equal factors at equal distances on logarithmic axes, and leaves out what has no logarithm', async () => {
  const points = [0, 1, 10, 100].map((x) => ({ x, y: x * x }));
  const svg = await logLog([{ name: 'a', points }], { ...size, ...axes, theme: PRINT_THEME, id: 'l' });
  const places = line(svg)
    .slice(1)
    .split('L')
    .map((point) => point.split(',').map(Number));
  expect(places).toHaveLength(3);
  const [a = 0, b = 0, c = 0] = places.map(([x]) => x);
  expect(b - a).toBeCloseTo(c - b, 0);
});

describe('PNG of a figure', () => {
  const text = (content: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40"><text x="5" y="28" font-family="Inter, sans-serif" font-size="20">${content}</text></svg>`;

  const ink = async (png: Uint8Array): Promise<number> => {
    const { data } = await sharp(png).greyscale().raw().toBuffer({ resolveWithObject: true });
    return data.reduce((count, value) => count + (value < 128 ? 1 : 0), 0);
  };

  it('draws words with the font it brings, at twice the size', async () => {
    const png = svgToPng(text('√Σ(x′ − x)² → 0.03'));
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 400, height: 80 });
    expect(await ink(png)).toBeGreaterThan(500);
    expect(await ink(svgToPng(text('')))).toBe(0);
  });

  it('gives the same bytes again', () => {
    expect(svgToPng(text('abc'))).toEqual(svgToPng(text('abc')));
  });
});
