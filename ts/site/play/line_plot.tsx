/** A small plot: points and lines over two linear axes, in the reports' colours. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Default: a line. */
  readonly dots?: boolean;
}

interface Props {
  title: string;
  xTitle: string;
  series: readonly Series[];
  xMax: number;
  yMax: number;
  formatY: (value: number) => string;
  /** A vertical line. */
  cursor?: number | undefined;
}

const WIDTH = 360;
const HEIGHT = 190;
const LEFT = 58;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 36;

export function LinePlot({ title, xTitle, series, xMax, yMax, formatY, cursor }: Props) {
  const x = (value: number): number => LEFT + (value / (xMax || 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number =>
    HEIGHT - BOTTOM - (Math.min(value, yMax) / (yMax || 1)) * (HEIGHT - TOP - BOTTOM);
  const path = (points: Series['points']): string =>
    points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join('');
  const ticks = [0, 0.5, 1];
  return (
    <figure class="line-plot">
      <h2>{title}</h2>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={title}>
        {ticks.map((part) => (
          <g key={part}>
            <line class="rule" x1={LEFT} x2={WIDTH - RIGHT} y1={y(part * yMax)} y2={y(part * yMax)} />
            <text x={LEFT - 6} y={y(part * yMax) + 4} text-anchor="end">
              {formatY(part * yMax)}
            </text>
            <text x={x(part * xMax)} y={HEIGHT - BOTTOM + 16} text-anchor={part === 1 ? 'end' : 'middle'}>
              {Number((part * xMax).toFixed(1))}
            </text>
          </g>
        ))}
        <text x={WIDTH - RIGHT} y={HEIGHT - 4} text-anchor="end">
          {xTitle}
        </text>
        {cursor !== undefined && <line class="cursor" x1={x(cursor)} x2={x(cursor)} y1={TOP} y2={HEIGHT - BOTTOM} />}
        {series.map(({ name, colour, points, dots }) =>
          dots === true ? (
            <g key={name} fill={`var(--${colour})`}>
              {points.map(([a, b], i) => (
                <circle key={i} cx={x(a)} cy={y(b)} r="3" />
              ))}
            </g>
          ) : (
            <path key={name} d={path(points)} stroke={`var(--${colour})`} fill="none" stroke-width="2" />
          ),
        )}
      </svg>
      <figcaption>
        <span class="legend">
          {series.map(({ name, colour, dots }) => (
            <span key={name}>
              <i class={dots === true ? 'dot' : 'dash'} style={{ background: `var(--${colour})` }} />
              {name}
            </span>
          ))}
        </span>
      </figcaption>
    </figure>
  );
}
