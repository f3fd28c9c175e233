import sharp from 'sharp';
import { expect, it } from 'vitest';
import { imageGridPng, imageGridSvg } from './image_grid.ts';
import { encodePng } from './pixels.ts';

const checkers = await encodePng({ width: 2, height: 2, channels: 1, data: Uint8Array.of(0, 255, 255, 0) });

it('enlarges small images without blurring them', async () => {
  const png = imageGridPng(
    { rows: [{ cells: [{ png: checkers }] }], cellSize: 80 },
    { scale: 1, background: '#ff0000' },
  );
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const colour = (x: number, y: number): number[] => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  expect(colour(16 + 39, 16 + 39)).toEqual([0, 0, 0]);
  expect(colour(16 + 41, 16 + 39)).toEqual([255, 255, 255]);
  expect(colour(16 + 39, 16 + 41)).toEqual([255, 255, 255]);
  expect(colour(4, 4)).toEqual([255, 0, 0]);
});

it('writes titles, labels, captions and a legend, escaped and shortened to fit', () => {
  const svg = imageGridSvg({
    title: 'A & B',
    columnLabels: ['<one>', 'two'],
    rows: [
      { label: ['row <1>', 'more'], cells: [{ png: checkers, caption: ['7 → 9', '0.0312'] }, null] },
      { cells: [{ png: checkers, caption: ['a name much longer than its image is wide, of many words'] }] },
    ],
    legend: { low: '−0.2', middle: '0', high: '+0.2' },
  });
  for (const words of ['A &amp; B', '&lt;one&gt;', 'row &lt;1&gt;', '7 → 9', '0.0312', '−0.2', '+0.2', 'a name', '…']) {
    expect(svg).toContain(words);
  }
  expect(svg.match(/<image /g)).toHaveLength(2);
  expect(svg).not.toContain('of many words');
});

it('keeps second lines level when some captions take two lines', () => {
  const svg = imageGridSvg({
    rows: [
      {
        cells: [
          { png: checkers, caption: ['short', '0.1'] },
          { png: checkers, caption: ['great white shark', '0.2'] },
        ],
      },
    ],
  });
  const height = (text: string): string | undefined => new RegExp(`y="([\\d.]+)"[^>]*>${text}<`).exec(svg)?.[1];
  expect(height('0.1')).toBeDefined();
  expect(height('0.1')).toBe(height('0.2'));
});

it('survives names that no XML may hold', async () => {
  const png = imageGridPng({ rows: [{ label: ['a\u0000b\ud800c'], cells: [{ png: checkers }] }] });
  expect((await sharp(png).metadata()).format).toBe('png');
});
