/**
 * How well the search holds on networks that it was not made with: every network of the zoo and every ONNX file of a folder,
 * each image's distance over the nearest known by any method, budget and seed. Two halves: one to look at while the search is
 * changed, one that only judges.
 */
import { digits } from './quantity.ts';
import type { BenchContext, BenchGroup, Goal, GroupFindings, Table } from './report.ts';
import { type NetworkRuns, networkRuns, OPINIONS, type Run, SCALE } from './zoo/network_runs.ts';
import { imageCount, type Subject, subjects } from './zoo/subjects.ts';

export const quality: BenchGroup = {
  name: 'quality',
  summary: 'distortions on a zoo of networks that differ, and on your own (--models), against second opinions',
  run: measure,
};

interface Judged extends NetworkRuns {
  readonly subject: Subject;
}

async function measure(context: BenchContext): Promise<GroupFindings> {
  const all = await subjects(context);
  const judged: Judged[] = [];
  for (const [i, subject] of all.entries()) {
    context.tell(`quality: ${subject.name}, ${i + 1} of ${all.length}`);
    const { bytes, images } = await subject.load();
    const runs = await networkRuns(bytes, images, context);
    judged.push({ subject, ...runs });
    const { ratio, worst } = standing(runs, 'fast');
    context.tell(`quality: ${subject.name}: fast ${ratio.toFixed(3)}, worst ${worst.toFixed(2)}`);
  }
  const groups = [
    ['tune', 'Networks that may be looked at while the search is changed'],
    ['judge', 'Networks that only judge'],
    [undefined, 'Files of the folder'],
  ] as const;
  const parts = groups.map(([half, title]) => ({
    half,
    title,
    own: judged.filter(({ subject }) => subject.half === half),
  }));
  return {
    tables: parts.filter(({ own }) => own.length > 0).flatMap(({ title, own }) => tables(title, own, context)),
    goals: parts.filter(({ own }) => own.length > 0).flatMap(({ half, own }) => goals(half ?? 'files', own)),
    raw: Object.fromEntries(
      judged.map(({ subject, runs, nearest }) => [
        subject.name,
        {
          nearest: rounded(nearest.none),
          runs: Object.fromEntries([...runs].map(([name, run]) => [name, rounded(run.l2)])),
        },
      ]),
    ),
  };
}

/** Five digits; null where nothing was found. */
function rounded(values: readonly (number | null)[]): (number | null)[] {
  return values.map((value) => (value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(5))));
}

const EFFORTS = ['fast', 'thorough', 'exhaustive'] as const;

/** A run beside the nearest known. */
interface Standing {
  readonly found: number;
  /** Mean over mean, of the images found. */
  readonly ratio: number;
  /** Of single images. */
  readonly worst: number;
}

function standing({ runs, nearest }: NetworkRuns, name: string): Standing {
  const bar = name.includes('targeted') ? nearest.labels : nearest.none;
  const pairs = (runs.get(name)?.l2 ?? []).flatMap((l2, i) => (l2 === null ? [] : [{ l2, best: bar[i] as number }]));
  const sum = (of: 'l2' | 'best') => pairs.reduce((total, pair) => total + pair[of], 0);
  return {
    found: pairs.length,
    ratio: sum('l2') / sum('best'),
    worst: Math.max(...pairs.map(({ l2, best }) => l2 / best)),
  };
}

/** Mean of one run over that of another, on the images that both found. */
function meanRatio(runs: ReadonlyMap<string, Run>, name: string, other: string): number {
  const [a, b] = [runs.get(name)?.l2, runs.get(other)?.l2];
  if (a === undefined || b === undefined) return Number.NaN;
  const both = a.flatMap((l2, i) => {
    const beside = b[i];
    return l2 === null || beside === null || beside === undefined ? [] : [{ l2, beside }];
  });
  return both.reduce((sum, { l2 }) => sum + l2, 0) / both.reduce((sum, { beside }) => sum + beside, 0);
}

const signed = (ratio: number) =>
  Number.isNaN(ratio) ? '' : `${ratio < 1 ? '−' : '+'}${digits(100 * Math.abs(ratio - 1), 2)} %`;

function tables(title: string, judged: readonly Judged[], context: BenchContext): Table[] {
  const cell = (one: Judged, name: string) => {
    const run = one.runs.get(name);
    if (run === undefined) return '';
    const { found, ratio, worst } = standing(one, name);
    const missing = found === one.images ? '' : `, ${found} of ${one.images} found`;
    return found === 0 ? 'none found' : `${ratio.toFixed(3)}, ${worst.toFixed(2)}${missing}`;
  };
  const evaluations = (one: Judged) =>
    EFFORTS.map((name) => digits(one.runs.get(name)?.evaluations ?? Number.NaN)).join(', ');
  const count = imageCount(context);
  return [
    {
      title: `${title}: mean L2 over the mean of the nearest known, and the worst image's`,
      columns: [
        '',
        'images',
        'nearest known',
        ...EFFORTS,
        'fast, targeted',
        'thorough, targeted',
        'penalty, thorough',
        ...Object.keys(OPINIONS),
      ],
      rows: judged.map((one) => [
        one.subject.name,
        String(one.images),
        mean(one.nearest.none.filter(Number.isFinite)).toFixed(4),
        ...[...EFFORTS, 'fast, targeted', 'thorough, targeted', 'penalty, thorough', ...Object.keys(OPINIONS)].map(
          (name) => cell(one, name),
        ),
      ]),
      notes: [
        `The first ${count} test images that a network answers rightly (of ${5 * count}). Nearest known: of all runs ever made on these images. Second opinions are bisected at their end.`,
      ],
    },
    {
      title: `${title}: other seeds, other scales, and what is called converged`,
      columns: [
        '',
        'evaluations',
        'seed 1, fast',
        'seed 1, thorough',
        `scores × ${SCALE}, fast`,
        `scores × ${SCALE}, thorough`,
        'converged, residual over 0.05',
      ],
      rows: judged.map((one) => [
        one.subject.name,
        evaluations(one),
        signed(meanRatio(one.runs, 'fast, seed 1', 'fast')),
        signed(meanRatio(one.runs, 'thorough, seed 1', 'thorough')),
        signed(meanRatio(one.runs, 'fast, scaled', 'fast')),
        signed(meanRatio(one.runs, 'thorough, scaled', 'thorough')),
        String([...one.runs.values()].reduce((sum, { falselyConverged }) => sum + falselyConverged, 0)),
      ]),
      notes: ['Evaluations an image: fast, thorough, exhaustive.'],
    },
  ];
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const BOUNDS = [
  { name: 'fast', ratio: 1.03, worst: 2 },
  { name: 'thorough', ratio: 1.005, worst: 1.2 },
  { name: 'exhaustive', ratio: 1.001, worst: 1.05 },
  { name: 'fast, targeted', ratio: 1.03, worst: 2 },
  { name: 'thorough, targeted', ratio: 1.005, worst: 1.2 },
] as const;

function goals(part: string, judged: readonly Judged[]): Goal[] {
  const bounds = BOUNDS.flatMap(({ name, ratio, worst }): Goal[] => {
    const all = judged.filter(({ runs }) => runs.has(name)).map((one) => ({ one, ...standing(one, name) }));
    if (all.length === 0) return [];
    const met = all.filter((each) => each.found === each.one.images && each.ratio <= ratio && each.worst <= worst);
    const success = all.filter((each) => each.found === each.one.images).length;
    const most = (of: 'ratio' | 'worst') => Math.max(...all.map((each) => each[of]));
    return [
      {
        what: `zoo, ${part}, ${name}`,
        goal: `every network: success 100 %, mean ≤ ${ratio} of the nearest known, worst image ≤ ${worst}`,
        measured: `${met.length} of ${all.length}; success ${success} of ${all.length}, mean at most ${most('ratio').toFixed(3)}, worst image ${most('worst').toFixed(2)}`,
        met: met.length === all.length,
      },
    ];
  });
  return [...bounds, ...steadiness(part, judged)];
}

function steadiness(part: string, judged: readonly Judged[]): Goal[] {
  const furthest = (name: string, other: string) => {
    const off = judged
      .map(({ runs }) => Math.abs(meanRatio(runs, name, other) - 1))
      .filter((value) => !Number.isNaN(value));
    return off.length === 0 ? undefined : { most: Math.max(...off), all: off };
  };
  const within = [
    ['fast, seed 1', 'fast', 0.01],
    ['thorough, seed 1', 'thorough', 0.003],
    ['fast, scaled', 'fast', 0.005],
    ['thorough, scaled', 'thorough', 0.005],
  ] as const;
  const same = within.flatMap(([name, other, bound]): Goal[] => {
    const found = furthest(name, other);
    if (found === undefined) return [];
    return [
      {
        what: `zoo, ${part}, ${name.replace('scaled', `scores × ${SCALE}`)}`,
        goal: `every network: mean within ${100 * bound} %`,
        measured: `${found.all.filter((value) => value <= bound).length} of ${found.all.length}, at most ${digits(100 * found.most, 2)} %`,
        met: found.most <= bound,
      },
    ];
  });
  const wrongly = judged.flatMap(({ runs }) => [...runs.values()]).reduce((sum, run) => sum + run.falselyConverged, 0);
  return [
    ...same,
    {
      what: `zoo, ${part}, called converged with a KKT residual over 0.05`,
      goal: '0',
      measured: String(wrongly),
      met: wrongly === 0,
    },
  ];
}
