/**
 * Diverging colours around mid-grey for signed changes: blue and darker for less, orange and lighter for more.
 * Lightness rises from end to end, so that the map also reads without colour, in print and by the colour-blind.
 */
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
  const stops = STOPS.map(([position, colour]) => ({ position, channels: hexChannels(colour) }));
  return Array.from({ length: LEVELS }, (_, level) => {
    const at = (2 * level) / (LEVELS - 1) - 1;
    const next = stops.findIndex(({ position }) => position >= at);
    const to = stops[next];
    const from = stops[Math.max(0, next - 1)];
    if (!to || !from) return [138, 138, 138];
    const part = to === from ? 0 : (at - from.position) / (to.position - from.position);
    const mixed = (k: 0 | 1 | 2): number => Math.round(from.channels[k] + part * (to.channels[k] - from.channels[k]));
    return [mixed(0), mixed(1), mixed(2)];
  });
}

function hexChannels(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
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
