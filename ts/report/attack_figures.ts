/** The plots of an attack report, each for the page and for print, as SVG. */

import type { AttackExample } from '../attack/result.ts';
import { formatDistortion } from './number_format.ts';
import {
  distortionAtAccuracy,
  evenlySpaced,
  type FoundExample,
  quantile,
  robustnessCorners,
} from './outcome_statistics.ts';
import { curve, histogram, PAGE_THEME, type PlotSize, type PlotTheme, PRINT_THEME } from './plots.ts';

/** The same plot for wide and for narrow screens. */
export interface PagePlot {
  wide: string;
  narrow: string;
}

const WIDE: PlotSize = { width: 550, height: 310 };
const NARROW: PlotSize = { width: 350, height: 270 };
const PRINT: PlotSize = { width: 560, height: 320 };

/** More corners than a plot has dots across cannot be seen, but would be written into the page. */
const MOST_CORNERS = 500;

type Draw = (theme: PlotTheme, size: PlotSize, id: string) => Promise<string>;

/** How many images have which distortion, with the median marked. */
export function distortionHistogram(found: readonly FoundExample[]): Draw {
  const values = found.map(({ distortion }) => distortion);
  const median = quantile(values, 0.5);
  return (theme, size, id) =>
    histogram(values, {
      ...size,
      theme,
      id,
      x: { title: 'Distortion of the adversarial image' },
      y: { title: 'Images', format: 'd' },
      maxBins: Math.min(40, Math.max(8, Math.ceil(2 * Math.sqrt(values.length)))),
      markers: median === null ? [] : [{ at: median, label: `median ${formatDistortion(median)}` }],
    });
}

/** Share of all images still right against the distortion that an adversary may spend. */
export function robustAccuracyCurve(examples: readonly AttackExample[]): Draw {
  const corners = robustnessCorners(examples);
  const end = (corners.at(-1)?.distortion ?? 0) * 1.06 || 0.1;
  const last = corners.at(-1)?.accuracy ?? 0;
  const points = [...evenlySpaced(corners, MOST_CORNERS), { distortion: end, accuracy: last }].map(
    ({ distortion, accuracy }) => ({
      x: distortion,
      y: accuracy,
    }),
  );
  const half = distortionAtAccuracy(corners, 0.5);
  return (theme, size, id) =>
    curve([{ name: 'Robust accuracy', points }], {
      ...size,
      theme,
      id,
      shape: 'step',
      area: true,
      x: { title: 'Distortion the adversary may spend', domain: [0, end] },
      y: { title: 'Images still right', format: '.0%', domain: [0, 1] },
      markers: half === null || half === 0 ? [] : [{ at: half, label: `half wrong at ${formatDistortion(half)}` }],
    });
}

export async function pagePlot(draw: Draw, id: string): Promise<PagePlot> {
  return { wide: await draw(PAGE_THEME, WIDE, `${id}-wide`), narrow: await draw(PAGE_THEME, NARROW, `${id}-narrow`) };
}

export function printPlot(draw: Draw, id: string): Promise<string> {
  return draw(PRINT_THEME, PRINT, id);
}
