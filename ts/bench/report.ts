/** What a group of the benchmark answers: tables of text, goals with verdicts, and every single measurement. */
import { z } from 'zod';
import type { Half } from './zoo/networks.ts';

/** Rows of text; the first column is a name, the others are figures. */
const Table = z.object({
  title: z.string(),
  columns: z.array(z.string()),
  rows: z.array(z.array(z.string())),
  /** A line under the table: how it was measured, what was absent. */
  notes: z.array(z.string()),
});
export type Table = z.infer<typeof Table>;

const Goal = z.object({ what: z.string(), goal: z.string(), measured: z.string(), met: z.boolean() });
export type Goal = z.infer<typeof Goal>;

const Environment = z.object({
  date: z.string(),
  cpu: z.string(),
  cores: z.number(),
  memoryGiB: z.number(),
  instructionSet: z.string(),
  /** Cores that others kept busy, measured over a second before. */
  coresBusy: z.number(),
  /** --quick: too little to rely on. */
  quick: z.boolean(),
  versions: z.record(z.string(), z.string()),
});
export type Environment = z.infer<typeof Environment>;

/** A plot on two logarithmic axes. */
const Figure = z.object({
  /** Of the file, without .png. */
  name: z.string(),
  alt: z.string(),
  x: z.string(),
  y: z.string(),
  series: z.array(z.object({ name: z.string(), points: z.array(z.object({ x: z.number(), y: z.number() })) })),
});
export type Figure = z.infer<typeof Figure>;

const GroupReport = z.object({
  environment: Environment,
  tables: z.array(Table),
  goals: z.array(Goal),
  figures: z.array(Figure),
  /** Every measurement, by contestant, in the order made. */
  raw: z.record(z.string(), z.unknown()),
});
export type GroupReport = z.infer<typeof GroupReport>;

/** By group. */
export const BenchReport = z.record(z.string(), GroupReport);
export type BenchReport = z.infer<typeof BenchReport>;

export type GroupFindings = Omit<GroupReport, 'environment' | 'figures'> & { readonly figures?: Figure[] };

/** What a group is given. */
export interface BenchContext {
  /** Little of everything: shows that it works. */
  readonly quick: boolean;
  /** Repeats of which the median is taken. */
  readonly repeats: number;
  /** For trained models and what lasts from run to run. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Says what is being done, one line. */
  readonly tell: (text: string) => void;
  /** Of quality: more ONNX files, images of a network, and one half of the zoo alone. */
  readonly models?: string | undefined;
  readonly count?: number | undefined;
  readonly half?: Half | undefined;
}

export interface BenchGroup {
  readonly name: string;
  /** One line, for the help text. */
  readonly summary: string;
  run(context: BenchContext): Promise<GroupFindings>;
}
