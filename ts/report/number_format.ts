/**
 * One format for each quantity, so that a number looks the same in a tile, a table, a caption and a figure.
 * A missing value is an en dash; a space before a unit does not break.
 */
const MISSING = '–';
const NBSP = '\u00a0';
const MINUS = '\u2212';

const integers = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

/** 12,345 */
export function formatCount(value: number): string {
  return Number.isFinite(value) ? integers.format(value) : MISSING;
}

/** Four decimals, as in the literature: 0.0312. Below 0.001 three significant digits: 0.000652. */
export function formatDistortion(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return MISSING;
  if (value === 0) return '0';
  if (Math.abs(value) >= 0.001) return signed(value.toFixed(4));
  if (Math.abs(value) >= 1e-6) return signed(Number(value.toPrecision(3)).toFixed(9).replace(/0+$/, ''));
  return formatScientific(value);
}

/** Three decimals up to 100, one beyond: 0.873, 140.2. */
export function formatL2(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return MISSING;
  return value === 0 ? '0' : signed(value.toFixed(Math.abs(value) < 100 ? 3 : 1));
}

/** 97.0 %; nearer to none or all than 0.1 %, the first digit that differs: 0.005 %, 99.98 %. */
export function formatShare(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return MISSING;
  if (share === 0 || share === 1) return `${share * 100}${NBSP}%`;
  const distance = Math.min(share, 1 - share) * 100;
  if (distance >= 0.1) return `${(share * 100).toFixed(1)}${NBSP}%`;
  const digits = Math.min(12, Math.ceil(-Math.log10(distance) - 1e-9));
  return `${(share * 100).toFixed(digits)}${NBSP}%`;
}

/** One decimal up to 1,000: 27.4, 28.0, 1,204. */
export function formatMean(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return MISSING;
  return value < 1000 ? value.toFixed(1) : integers.format(value);
}

/** 0.42 ms, 14.2 ms, 1.31 s, 2 min 05 s. */
export function formatSeconds(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return MISSING;
  if (seconds < 0.001) return `${(seconds * 1e3).toPrecision(2)}${NBSP}ms`;
  if (seconds < 1) return `${Number((seconds * 1e3).toPrecision(3))}${NBSP}ms`;
  if (seconds < 60) return `${seconds.toPrecision(3)}${NBSP}s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return `${integers.format(minutes)}${NBSP}min ${String(whole % 60).padStart(2, '0')}${NBSP}s`;
}

/** Three decimals, or 1.2e−4 when that would show too little. */
export function formatMargin(value: number | null): string {
  return value !== null && Math.abs(value) >= 0.01 && Math.abs(value) < 1e5
    ? signed(value.toFixed(3))
    : formatScientific(value);
}

/** 1.2e−4, for residuals. */
export function formatScientific(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return MISSING;
  return value === 0 ? '0' : signed(value.toExponential(1));
}

/** 1 image, 2 images. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${formatCount(count)}${NBSP}${count === 1 ? noun : many}`;
}

function signed(text: string): string {
  return text.replaceAll('-', MINUS);
}
