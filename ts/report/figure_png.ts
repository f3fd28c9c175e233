/**
 * SVG to PNG with the fonts that travel with the package, so that a figure has the same pixels on every machine,
 * one without any fonts included. Rasteriser: resvg. Font: Inter (SIL Open Font License).
 */
import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import { FIGURE_FONT } from './figure_font.ts';

const require = createRequire(import.meta.url);
const FONT_FILES = ['400Regular/Inter_400Regular.ttf', '600SemiBold/Inter_600SemiBold.ttf'];

/** Scripts that Inter does not draw (Chinese, Arabic…); only then are the machine's fonts asked, for these letters. */
const BEYOND_INTER = /[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Common}\p{Script=Inherited}]/u;

export interface FigurePngOptions {
  /** Pixels of the PNG for each unit of the SVG. Default 2, which prints well. */
  scale?: number;
  /** Colour behind the figure. Default white. */
  background?: string;
}

/** Draws an SVG document. Images in it must be data URIs; nothing is fetched. */
export function svgToPng(svg: string, options: FigurePngOptions = {}): Uint8Array {
  const text = svg.replace(/href="data:[^"]*"/g, '');
  const resvg = new Resvg(svg, {
    background: options.background ?? '#ffffff',
    fitTo: { mode: 'zoom', value: options.scale ?? 2 },
    font: {
      fontFiles: FONT_FILES.map((file) => require.resolve(`@expo-google-fonts/inter/${file}`)),
      loadSystemFonts: BEYOND_INTER.test(text),
      defaultFontFamily: FIGURE_FONT,
      sansSerifFamily: FIGURE_FONT,
    },
  });
  return new Uint8Array(resvg.render().asPng());
}
