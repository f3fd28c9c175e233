/** Figures as the tables print them. */

/** Three significant digits, as in 0.0123, 4.56, 789, 12,300. */
export function digits(value: number, count = 3): string {
  if (!Number.isFinite(value)) return '–';
  const rounded = Number(value.toPrecision(count));
  const decimals = Math.max(0, count - 1 - Math.floor(Math.log10(Math.abs(rounded) || 1)));
  return rounded.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

export function microseconds(seconds: number): string {
  return `${digits(1e6 * seconds)} µs`;
}

export function milliseconds(seconds: number): string {
  return `${digits(1e3 * seconds)} ms`;
}

export function times(ratio: number): string {
  return `${digits(ratio)}×`;
}

/** 0.01234 as 1.2 %. */
export function percent(share: number, decimals = 0): string {
  return `${(100 * share).toFixed(decimals)} %`;
}

/** Of 1.00456: +0.46 %. */
export function above(ratio: number): string {
  const excess = (100 * (ratio - 1)).toFixed(2);
  return `${excess.startsWith('-') ? '−' : '+'}${excess.replace('-', '')} %`;
}

export function gigabytes(rate: number): string {
  return `${digits(rate / 1e9)} GB/s`;
}

export function mebibytes(bytes: number): string {
  return `${digits(bytes / 2 ** 20)} MiB`;
}
