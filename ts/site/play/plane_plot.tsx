/** The decision regions around an image and its mistake, drawn as they become known, and the way of the search in them. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Engine } from '../engine/engine.ts';
import { ACROSS, type Across, PLANE_CELLS, PLANE_FRAME, planeCoordinates, planeThrough } from './plane.ts';
import { type Regions, useRegions } from './use_regions.ts';
import type { SearchState } from './use_search.ts';
import { answerOf } from './vectors.ts';

interface Props {
  engine: Engine;
  search: SearchState;
  say: (k: number) => string;
  t: number;
  /** Of a replay: the steps drawn so far; undefined when it is over. */
  upTo: number | undefined;
  across: Across;
  seed: number;
  onAcross: (across: Across) => void;
  onSeed: (seed: number) => void;
}

const NAMES: Readonly<Record<Across, string>> = {
  search: 'the search’s detour',
  random: 'a random direction',
};

const WIDTH = 360;
const LEFT = 8;
const TOP = 4;
const PLOT_WIDTH = WIDTH - 2 * LEFT;
const PLOT_HEIGHT = (PLOT_WIDTH * PLANE_CELLS.rows) / PLANE_CELLS.columns;
const HEIGHT = TOP + PLOT_HEIGHT + 24;

const x = (a: number): number => LEFT + ((a - PLANE_FRAME.left) / (PLANE_FRAME.right - PLANE_FRAME.left)) * PLOT_WIDTH;
const y = (b: number): number => TOP + ((PLANE_FRAME.top - b) / (PLANE_FRAME.top - PLANE_FRAME.bottom)) * PLOT_HEIGHT;

/** Of the image, the mistake, and whatever else comes up. */
const COLOURS = ['series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6'] as const;

export function PlanePlot({ engine, search, say, t, upTo, across, seed, onAcross, onSeed }: Props) {
  const { subject, result, steps } = search;
  const plane = useMemo(() => {
    if (!subject || !result) return undefined;
    const points = steps.map(({ point }) => point);
    return planeThrough(subject.image, result.adversarial, { across, seed, points });
  }, [result, across, seed]);
  const regions = useRegions(engine, subject?.model ?? '', plane);
  const path = useMemo(
    () =>
      plane === undefined
        ? []
        : steps.map(({ point, probabilities }) => ({
            at: planeCoordinates(plane, point),
            wrong: answerOf(probabilities) !== subject?.answer,
          })),
    [plane],
  );
  if (subject === undefined) return null;
  const mistake = result?.found.examples[0]?.prediction ?? subject.answer;
  const classes = regions ? classesOf(regions, [subject.answer, mistake]) : [subject.answer, mistake];
  const shown = path.slice(0, upTo === undefined ? undefined : upTo + 1);
  const line = shown.map(({ at: [a, b] }, i) => `${i === 0 ? 'M' : 'L'}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join('');
  const title = 'Whose region is whose';
  return (
    <figure class="plane-plot line-plot">
      <h2>{title}</h2>
      <div class="plane" role="img" aria-label={described(regions, classes, say)} aria-busy={regions?.done !== true}>
        <RegionCanvas regions={regions} classes={classes} />
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
          <clipPath id="plane-frame">
            <rect x={LEFT} y={TOP} width={PLOT_WIDTH} height={PLOT_HEIGHT} />
          </clipPath>
          <g clip-path="url(#plane-frame)">
            <path class="way" d={line} />
            {shown.map(({ at: [a, b], wrong }, i) => (
              <circle key={i} class={wrong ? 'step wrong' : 'step'} cx={x(a)} cy={y(b)} r="2.5" />
            ))}
            <line class="now" x1={x(t)} x2={x(t)} y1={TOP} y2={TOP + PLOT_HEIGHT} />
          </g>
          {plane && [0, 1].map((a) => <circle key={a} class="landmark" cx={x(a)} cy={y(0)} r="6" />)}
          <text x={x(0)} y={HEIGHT - 6} text-anchor="middle">
            image
          </text>
          <text x={x(1)} y={HEIGHT - 6} text-anchor="middle">
            mistake
          </text>
          <text x={x(3)} y={HEIGHT - 6} text-anchor="middle">
            3 × the change
          </text>
        </svg>
      </div>
      <figcaption>
        <span class="legend">
          {classes.map((k, at) => (
            <span key={k}>
              <i class="patch" style={{ background: `var(--${COLOURS[at] ?? 'edge'})` }} />
              {say(k)}
            </span>
          ))}
          <span>
            <i class="step-mark" />
            the search
          </span>
        </span>
        {regions?.error && (
          <p class="error" role="alert">
            {regions.error}
          </p>
        )}
      </figcaption>
      <div class="plane-controls">
        <label>
          <span>Upwards</span>
          <select value={across} onChange={({ currentTarget }) => onAcross(currentTarget.value as Across)}>
            {ACROSS.map((id) => (
              <option key={id} value={id}>
                {NAMES[id]}
              </option>
            ))}
          </select>
        </label>
        <button type="button" disabled={across !== 'random'} onClick={() => onSeed(seed + 1)}>
          Another
        </button>
      </div>
    </figure>
  );
}

/** The two of the line first, then the others by how much of the plane is theirs. */
function classesOf({ answers }: Regions, first: readonly number[]): number[] {
  const areas = new Map<number, number>();
  for (const k of answers) if (k >= 0) areas.set(k, (areas.get(k) ?? 0) + 1);
  const others = [...areas.keys()]
    .filter((k) => !first.includes(k))
    .sort((p, q) => (areas.get(q) ?? 0) - (areas.get(p) ?? 0));
  return [...new Set([...first, ...others])].slice(0, COLOURS.length);
}

function described(regions: Regions | undefined, classes: readonly number[], say: (k: number) => string): string {
  if (regions === undefined) return 'The decision regions around the image: not known yet';
  const known = regions.answers.filter((k) => k >= 0);
  const shares = classes.map((k) => {
    const share = known.filter((answer) => answer === k).length / known.length;
    return `${say(k)} ${Math.round(100 * share)} %`;
  });
  return `The decision regions around the image and its mistake, by their share of the plane: ${shares.join(', ')}`;
}

function RegionCanvas({ regions, classes }: { regions: Regions | undefined; classes: readonly number[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [, setScheme] = useState(false);
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => setScheme(dark.matches);
    dark.addEventListener('change', redraw);
    return () => dark.removeEventListener('change', redraw);
  }, []);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => {
      // A canvas reads any notation, and answers in one.
      context.fillStyle = style.getPropertyValue(`--${name}`).trim();
      return channels(String(context.fillStyle));
    };
    const [paper, other] = [colour('paper'), colour('edge')];
    const palette = classes.map((_, at) => colour(COLOURS[at] ?? 'edge'));
    const image = new ImageData(PLANE_CELLS.columns, PLANE_CELLS.rows);
    for (const [at, answer] of (regions?.answers ?? []).entries()) {
      if (answer < 0) continue;
      // A sure answer is a strong colour.
      const share = 0.15 + 0.45 * (regions?.sure[at] ?? 0);
      const own = palette[classes.indexOf(answer)] ?? other;
      for (let c = 0; c < 3; c++) {
        image.data[4 * at + c] = (1 - share) * (paper[c] ?? 0) + share * (own[c] ?? 0);
      }
      image.data[4 * at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  });
  const place = {
    left: `${(100 * LEFT) / WIDTH}%`,
    top: `${(100 * TOP) / HEIGHT}%`,
    width: `${(100 * PLOT_WIDTH) / WIDTH}%`,
    height: `${(100 * PLOT_HEIGHT) / HEIGHT}%`,
  };
  return <canvas ref={canvas} width={PLANE_CELLS.columns} height={PLANE_CELLS.rows} style={place} />;
}

/** "#0b62c4" */
function channels(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
