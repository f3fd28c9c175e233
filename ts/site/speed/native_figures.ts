/**
 * What the page shows beside this browser's own speed: the native figures of docs/benchmarks.json, or of what
 * `blindspot bench` wrote elsewhere, with their machine.
 */
import { z } from 'zod';

export interface NativeFigures {
  readonly cpu: string;
  readonly date: string;
  /** One L-BFGS-B iteration in Node, n = 784, m = 10, double, without the function; in seconds, by engine. */
  readonly iterationSeconds: readonly { readonly engine: string; readonly seconds: number }[];
  /** FC100-100-10, fast, untargeted, one worker: seconds an image, by lanes. */
  readonly imageSeconds: readonly { readonly lanes: number; readonly seconds: number }[];
}

const Table = z.object({ columns: z.array(z.string()), rows: z.array(z.array(z.string())) });
const Group = z.object({
  environment: z.object({ date: z.string(), cpu: z.string() }),
  tables: z.array(Table),
});
const Benchmarks = z.object({ kernel: Group, scale: Group });

const UNITS: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, µs: 1e-6 };

const WANTED = 'the file that "npx blindspot bench --only kernel,scale" writes to out/bench/results.json';

/** @param json of the groups kernel and scale. @throws with what to do, when it does not hold the tables that the page shows. */
export function nativeFigures(json: string): NativeFigures {
  const { kernel, scale } = benchmarks(json);
  const iterations = column(kernel.tables, 'n = 784, double');
  const images = column(scale.tables, 'an image', 'lanes');
  return {
    cpu: kernel.environment.cpu,
    date: kernel.environment.date,
    iterationSeconds: iterations.map(([engine, seconds]) => ({ engine, seconds })),
    imageSeconds: images.map(([lanes, seconds]) => ({ lanes: Number(lanes.replaceAll(',', '')), seconds })),
  };
}

function benchmarks(json: string): z.infer<typeof Benchmarks> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new RangeError(`Expected ${WANTED} but received something that is not JSON`);
  }
  const parsed = Benchmarks.safeParse(value);
  if (parsed.success) return parsed.data;
  const groups = typeof value === 'object' && value !== null ? Object.keys(value).slice(0, 6).join(', ') : 'none';
  throw new RangeError(`Expected ${WANTED} but received JSON of ${groups === '' ? 'nothing' : groups}`);
}

/** Rows of the first table with such a column (and such a first one), as seconds. */
function column(tables: readonly z.infer<typeof Table>[], name: string, first?: string): [string, number][] {
  const table = tables.find(({ columns }) => columns.includes(name) && (first === undefined || columns[0] === first));
  if (table === undefined) throw new RangeError(`Expected ${WANTED} but it has no column "${name}"`);
  const at = table.columns.indexOf(name);
  return table.rows.map((row) => [row[0] ?? '', seconds(row[at] ?? '')]);
}

/** "1,620 µs (1.99×)" */
function seconds(text: string): number {
  const [, value, unit = ''] = /^([\d.,]+)\s*(s|ms|µs)\b/.exec(text) ?? [];
  const result = Number(value?.replaceAll(',', '')) * (UNITS[unit] ?? Number.NaN);
  if (!Number.isFinite(result)) throw new RangeError(`Expected a time but received "${text}"`);
  return result;
}
