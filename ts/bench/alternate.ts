/**
 * Contestants by turns: the first repeat of each, then the second of each, and so on, so that whatever else the machine
 * does falls on all of them alike. The figure of a contestant is the median of its repeats. Before, each runs uncounted,
 * at least once: caches fill, and WebAssembly is compiled a second time, better, while it runs.
 */
export interface Contestant<T> {
  readonly name: string;
  run(): T | Promise<T>;
}

export interface Turns {
  readonly repeats: number;
  readonly signal: AbortSignal;
  /** Default 0: one run. */
  readonly warmUpSeconds?: number;
}

/** @returns the measurements of each contestant, in the order made. */
export async function alternate<T>(
  contestants: readonly Contestant<T>[],
  { repeats, signal, warmUpSeconds = 0 }: Turns,
): Promise<Map<string, T[]>> {
  for (const { run } of contestants) {
    const start = performance.now();
    do {
      signal.throwIfAborted();
      await run();
    } while (performance.now() - start < 1000 * warmUpSeconds);
  }
  const measured = new Map<string, T[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < repeats; round++) {
    for (const { name, run } of contestants) {
      signal.throwIfAborted();
      measured.get(name)?.push(await run());
    }
  }
  return measured;
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const ascending = [...values].sort((a, b) => a - b);
  const upper = ascending[Math.floor(ascending.length / 2)] ?? Number.NaN;
  const lower = ascending[Math.ceil(ascending.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** Slope of the straight line of least squares through log y over log x: the power with which y grows. */
export function logLogSlope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const logs = points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }));
  const mean = (of: 'x' | 'y') => logs.reduce((sum, point) => sum + point[of], 0) / logs.length;
  const [meanX, meanY] = [mean('x'), mean('y')];
  const covariance = logs.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / logs.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
}
