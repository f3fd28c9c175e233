/**
 * Diverging colours around mid-grey for signed changes: blue and darker for less, orange and lighter for more.
 * Lightness rises from end to end, so that the map also reads without colour, in print and by the colour-blind.
 */
import * as vega from 'vega';

interface LinearScale {
  domain(values: readonly number[]): LinearScale;
  range(values: readonly string[]): LinearScale;
  clamp(clamp: boolean): LinearScale;
  (value: number): string;
}

const STOPS: readonly (readonly [position: number, colour: string])[] = [
  [-1, '#06115c'],
  [-0.5, '#2a5fd0'],
  [0, '#8a8a8a'],
  [0.5, '#f29a2e'],
  [1, '#ffe9a8'],
];

const LEVELS = 255;

/** Red, green and blue of the 255 levels from −1 to 1; the middle one is exactly mid-grey. */
const TABLE: readonly (readonly [number, number, number])[] = buildTable();

function buildTable(): [number, number, number][] {
  const makeScale = vega.scale('linear') as () => LinearScale;
  const scale = makeScale()
    .domain(STOPS.map(([position]) => position))
    .range(STOPS.map(([, colour]) => colour))
    .clamp(true);
  return Array.from({ length: LEVELS }, (_, level) => {
    const [red = 0, green = 0, blue = 0] = (scale((2 * level) / (LEVELS - 1) - 1).match(/\d+/g) ?? []).map(Number);
    return [red, green, blue];
  });
}

/** Colour of a change in [-1, 1] (clamped); not a number counts as no change. */
export function divergingColour(value: number): readonly [red: number, green: number, blue: number] {
  const finite = Number.isNaN(value) ? 0 : Math.min(1, Math.max(-1, value));
  return TABLE[Math.round(((finite + 1) / 2) * (LEVELS - 1))] ?? [138, 138, 138];
}

/** The map as a CSS gradient from −1 (left) to 1 (right), for legends. */
export function divergingGradient(): string {
  return `linear-gradient(90deg, ${STOPS.map(([at, colour]) => `${colour} ${(at + 1) * 50}%`).join(', ')})`;
}

/** The map's stops, for legends in SVG: offset in [0, 1] and colour. */
export function divergingStops(): { offset: number; colour: string }[] {
  return STOPS.map(([at, colour]) => ({ offset: (at + 1) / 2, colour }));
}
