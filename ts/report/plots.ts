/**
 * Plots as SVG text, drawn by Vega-Lite without a browser: a histogram and curves (linear or logarithmic axes). Each
 * takes a theme: `PRINT_THEME` has fixed colours for PNG figures, `PAGE_THEME` names CSS variables of the page, so
 * that an inlined plot follows the reader's light or dark scheme.
 */
import * as vega from 'vega';
import { expressionInterpreter } from 'vega-interpreter';
import { compile, type TopLevelSpec } from 'vega-lite';
import { FIGURE_FONT } from './figure_font.ts';

type Encoding = NonNullable<Extract<Layer, { encoding?: unknown }>['encoding']>;
type PositionDef = NonNullable<Encoding['x']> & NonNullable<Encoding['y']>;
const MARKER_LINE = 16;

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

export interface PlotTheme {
  font: string;
  ink: string;
  muted: string;
  grid: string;
  accent: string;
  highlight: string;
  /** Colours of the series of a plot, told apart by the colour-blind too. */
  series: readonly string[];
}

/** Okabe & Ito's colours, the lighter ones left out: eight-class safe on white. */
const SERIES = ['#0b62c4', '#c4560b', '#00805f', '#a83f85', '#8a6d00', '#3f3f46'];

export const PRINT_THEME: PlotTheme = {
  font: FIGURE_FONT,
  ink: '#1b2230',
  muted: '#5a6372',
  grid: '#e3e6ea',
  accent: '#2a5fd0',
  highlight: '#b8540a',
  series: SERIES,
};

export const PAGE_THEME: PlotTheme = {
  font: 'inherit',
  ink: 'var(--ink)',
  muted: 'var(--muted)',
  grid: 'var(--rule)',
  accent: 'var(--accent)',
  highlight: 'var(--highlight)',
  series: SERIES.map((_, i) => `var(--series-${i + 1})`),
};

export interface PlotSize {
  /** Units of the whole SVG, labels included. */
  width: number;
  height: number;
}

export interface Axis {
  title: string;
  /** d3-format, such as '.0%' or '.3f'. Default '~g': as many digits as needed. */
  format?: string;
  domain?: readonly [number, number];
  scale?: 'linear' | 'log';
}

/** A line across the plot with words beside it: the median, a threshold. */
export interface Marker {
  at: number;
  label: string;
}

export interface HistogramOptions extends PlotSize {
  theme: PlotTheme;
  /** Prefix of ids in the SVG; unique in a page. */
  id: string;
  x: Axis;
  y: Axis;
  maxBins?: number;
  markers?: readonly Marker[];
}

/** How many of `values` fall into each of about `maxBins` equal bins. Values that are not finite are left out. */
export function histogram(values: readonly number[], options: HistogramOptions): Promise<string> {
  const { theme } = options;
  const finite = values.filter(Number.isFinite);
  const bin = { maxbins: options.maxBins ?? 30, ...aroundSingleValue(extent(finite)) };
  return render(
    {
      ...frame(options),
      layer: [
        {
          data: { values: finite.map((value) => ({ value })) },
          mark: { type: 'bar', color: theme.accent, binSpacing: 1, cornerRadiusEnd: 1.5 },
          encoding: {
            x: { field: 'value', type: 'quantitative', bin, axis: axis(options.x) },
            y: {
              aggregate: 'count',
              type: 'quantitative',
              axis: { ...axis(options.y), tickMinStep: 1 },
              scale: { nice: true },
            },
          },
        },
        ...verticalMarkers(options.markers ?? [], extent(finite), theme),
      ],
    },
    options,
  );
}

export interface Series {
  name: string;
  points: readonly { x: number; y: number }[];
}

export interface CurveOptions extends PlotSize {
  theme: PlotTheme;
  /** Prefix of ids in the SVG; unique in a page. */
  id: string;
  x: Axis;
  y: Axis;
  /** 'step' holds each value until the next x; 'line' joins the points. Default 'line'. */
  shape?: 'line' | 'step';
  /** Dots at the points; for few points. */
  points?: boolean;
  /** Shade under the curve; for a single series. */
  area?: boolean;
  markers?: readonly Marker[];
}

/** One or several curves; with several, a legend names them. On a log axis points must be positive. */
export function curve(series: readonly Series[], options: CurveOptions): Promise<string> {
  const { theme } = options;
  const values = series.flatMap(({ name, points }) => points.map(({ x, y }) => ({ name, x, y })));
  const interpolate = options.shape === 'step' ? 'step-after' : 'linear';
  const single = series.length < 2;
  const x: PositionDef = { field: 'x', type: 'quantitative', axis: axis(options.x), scale: scale(options.x) };
  const y: PositionDef = { field: 'y', type: 'quantitative', axis: axis(options.y), scale: scale(options.y) };
  const color: Encoding['color'] = single
    ? { value: theme.accent }
    : {
        field: 'name',
        type: 'nominal',
        sort: null,
        scale: { domain: series.map(({ name }) => name), range: [...theme.series] },
        legend: { title: null, orient: 'top', symbolType: 'stroke', symbolStrokeWidth: 2.5, columns: 3 },
      };
  const layers: Layer[] = [
    { mark: { type: 'line', interpolate, strokeWidth: 2, strokeJoin: 'round' }, encoding: { x, y, color } },
  ];
  if (options.area === true && single) {
    const mark = { type: 'area', interpolate, opacity: 0.13, color: theme.accent, line: false } as const;
    layers.unshift({ mark, encoding: { x, y } });
  }
  if (options.points === true) {
    layers.push({ mark: { type: 'point', filled: true, size: 34, opacity: 1 }, encoding: { x, y, color } });
  }
  const range = options.x.domain ?? extent(values.map((value) => value.x));
  layers.push(...verticalMarkers(options.markers ?? [], range, theme));
  return render({ ...frame(options), data: { values }, layer: layers }, options);
}

/** Curves with dots on two logarithmic axes: spectra, cost against size. */
export function logLog(series: readonly Series[], options: CurveOptions): Promise<string> {
  const positive = series.map(({ name, points }) => ({ name, points: points.filter(({ x, y }) => x > 0 && y > 0) }));
  return curve(positive, {
    points: true,
    ...options,
    x: { ...options.x, scale: 'log' },
    y: { ...options.y, scale: 'log' },
  });
}

/** A dashed rule from bottom to top with its words above the plot, on the side that has room. */
function verticalMarkers(
  markers: readonly Marker[],
  [low, high]: readonly [number, number],
  theme: PlotTheme,
): Layer[] {
  return markers.flatMap(({ at, label }, i) => {
    const position = (at - low) / (high - low || 1);
    const align = position < 0.25 ? 'left' : position > 0.75 ? 'right' : 'center';
    const data = { values: [{ at, label }] };
    const x = { field: 'at', type: 'quantitative' } as const;
    const above = -5 - MARKER_LINE * i;
    return [
      { data, mark: { type: 'rule', color: theme.highlight, strokeWidth: 1.5, strokeDash: [4, 3] }, encoding: { x } },
      {
        data,
        mark: {
          type: 'text',
          align,
          baseline: 'bottom',
          fontWeight: 600,
          fontSize: 12,
          y: above,
          color: theme.highlight,
        },
        encoding: { x, text: { field: 'label' } },
      },
    ];
  });
}

/** Equal values would fill the plot with one bar; room at both sides shows where they lie. */
function aroundSingleValue([low, high]: readonly [number, number]): { extent?: [number, number] } {
  const room = Math.abs(low) * 0.25 || 0.5;
  return low === high ? { extent: [low - room, high + room] } : {};
}

function extent(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], v) => [Math.min(low, v), Math.max(high, v)],
    [Infinity, -Infinity],
  );
}

function axis({ title, format = '~g' }: Axis) {
  // A count axis may get a tick at one half, which 'd' would round to a whole number.
  const labelExpr = format === 'd' ? "datum.value % 1 ? '' : datum.label" : "replace(datum.label, '%', '\u00a0%')";
  return { title, format, labelExpr };
}

function scale({ domain, scale: type }: Axis) {
  return {
    ...(domain !== undefined && { domain: [...domain] }),
    ...(type === 'log' ? ({ type } as const) : { zero: domain === undefined, nice: domain === undefined }),
  };
}

function frame({ theme, width, height }: PlotSize & { theme: PlotTheme }) {
  const text = { labelColor: theme.muted, labelFontSize: 12, titleColor: theme.ink, titleFontSize: 12.5 };
  return {
    width,
    height,
    background: 'transparent',
    autosize: { type: 'fit', contains: 'padding' },
    padding: { left: 2, top: 6, right: 10, bottom: 2 },
    config: {
      font: theme.font,
      aria: false,
      view: { stroke: null },
      axis: { ...text, titleFontWeight: 600, titlePadding: 8, labelPadding: 5, ticks: false },
      axisX: {
        grid: false,
        labelFlush: false,
        domainColor: theme.muted,
        ticks: true,
        tickColor: theme.muted,
        tickSize: 4,
      },
      axisY: { grid: true, gridColor: theme.grid, domain: false, tickCount: 5 },
      legend: { labelColor: theme.ink, labelFontSize: 12 },
    },
  } as const;
}

async function render(spec: TopLevelSpec, { id }: { id: string }): Promise<string> {
  // Expressions are interpreted, not compiled: pages that allow no eval draw plots, too.
  const parsed = vega.parse(compile(spec).spec, undefined, { ast: true });
  const view = new vega.View(parsed, { renderer: 'none', logLevel: vega.Error, expr: expressionInterpreter });
  try {
    return withStableIds(await view.toSVG(), id);
  } finally {
    view.finalize();
  }
}

/** Vega counts ids over the process; counted anew in each plot, the same data gives the same bytes. */
function withStableIds(svg: string, prefix: string): string {
  const ids = [...new Set([...svg.matchAll(/\bid="([^"]+)"/g)].map((match) => match[1] ?? ''))];
  return ids.reduce(
    (text, id, i) =>
      text.replaceAll(`id="${id}"`, `id="${prefix}-${i}"`).replaceAll(`url(#${id})`, `url(#${prefix}-${i})`),
    svg,
  );
}
