/** The plots of a report as PNG files. */
import { svgToPng } from '../report/figure_png.ts';
import type { BenchReport } from './report.ts';

/** By name, without .png. */
export async function figurePngs(report: BenchReport): Promise<Map<string, Uint8Array>> {
  const figures = Object.values(report).flatMap((group) => group.figures);
  const pngs = new Map<string, Uint8Array>();
  if (figures.length === 0) return pngs;
  // The plotting libraries take a third of a second to load.
  const { logLog, PRINT_THEME } = await import('../report/plots.ts');
  for (const { name, x, y, series } of figures) {
    const options = { theme: PRINT_THEME, id: name, width: 620, height: 320, x: { title: x }, y: { title: y } };
    pngs.set(name, svgToPng(await logLog(series, options), { scale: 1.5 }));
  }
  return pngs;
}
