/**
 * One L-BFGS-B iteration without the function: this kernel in C++ against the original Fortran, LBFGSpp and SciPy, on
 * quadratics of condition 1e4, m = 10, one thread. Two of them: all variables between their bounds to the end, and 70 %
 * at a bound. Contestants that call the function back are taken as the whole less the calls.
 */
import { z } from 'zod';
import { median } from './alternate.ts';
import { NOT_BUILT, nativeProgram, runForJson, scipyScript } from './native_program.ts';
import { microseconds, times } from './quantity.ts';
import type { BenchContext, BenchGroup, Goal, GroupFindings, Table } from './report.ts';

const Run = z.object({
  problem: z.string(),
  contestant: z.string(),
  seconds: z.number(),
  iterations: z.number(),
  evaluations: z.number(),
  f: z.number(),
});
const Answer = z.object({ runs: z.array(Run), scipy: z.string().optional() });
type Run = z.infer<typeof Run>;

const MEMORY = 10;
/** Fewer than any contestant needs to the end, on either problem. */
const SIZES = [
  { n: 784, iterations: 110 },
  { n: 150_528, iterations: 40 },
] as const;
const PROBLEMS = ['all free', '70 % at a bound'] as const;
const CONTESTANTS = [
  'blindspot float',
  'blindspot double',
  'setulb',
  'LBFGSpp float',
  'LBFGSpp double',
  'SciPy',
] as const;
type Contestant = (typeof CONTESTANTS)[number];

/** At most this part of setulb's time. */
const GOALS = [
  { n: 784, contestant: 'blindspot float', part: 1 / 5 },
  { n: 784, contestant: 'blindspot double', part: 1 / 2 },
  { n: 150_528, contestant: 'blindspot float', part: 1 / 3 },
] as const;

export const optimiser: BenchGroup = {
  name: 'optimiser',
  summary: 'one L-BFGS-B iteration against the Fortran, LBFGSpp and SciPy',
  run: measure,
};

async function measure(context: BenchContext): Promise<GroupFindings> {
  const program = nativeProgram('optimiser_bench');
  if (program === undefined) return absent();
  const script = await workingScipy(context.signal);
  const runs = new Map<number, Run[]>();
  for (const { n, iterations } of SIZES) {
    const all: Run[] = [];
    // Every round in a process of its own, the first one uncounted.
    for (let round = 0; round <= context.repeats; round++) {
      context.tell(`optimiser: n = ${n}, round ${round} of ${context.repeats}`);
      const made = Answer.parse(await runForJson(program, [n, MEMORY, iterations, 1], context.signal)).runs;
      if (script !== undefined) {
        made.push(...Answer.parse(await runForJson('python3', [script, n, MEMORY, iterations], context.signal)).runs);
      }
      if (round > 0) all.push(...made);
    }
    runs.set(n, all);
  }
  const time = (n: number, problem: string, contestant: Contestant) =>
    medianTime(runs.get(n) ?? [], problem, contestant);
  return {
    tables: [timesTable(time, script === undefined)],
    goals: GOALS.map(({ n, contestant, part }): Goal => {
      const worst = Math.max(...PROBLEMS.map((p) => time(n, p, contestant) / time(n, p, 'setulb')));
      return {
        what: `L-BFGS-B iteration, n = ${n.toLocaleString('en-US')}, m = ${MEMORY}, ${contestant.split(' ')[1]}`,
        goal: `≤ 1/${1 / part} of setulb’s time`,
        measured: Number.isNaN(worst) ? 'setulb is absent' : `1/${(1 / worst).toFixed(1)}`,
        met: worst <= part,
      };
    }),
    raw: Object.fromEntries(runs),
  };
}

/** Seconds an iteration; NaN for a contestant that is absent. */
function medianTime(runs: readonly Run[], problem: string, contestant: Contestant): number {
  const own = runs.filter((run) => run.problem === problem && run.contestant === contestant);
  return median(own.map(({ seconds, iterations }) => seconds / iterations));
}

type TimeOf = (n: number, problem: string, contestant: Contestant) => number;

function timesTable(time: TimeOf, scipyAbsent: boolean): Table {
  const cases = SIZES.flatMap(({ n }) => PROBLEMS.map((problem) => ({ n, problem })));
  const isAbsent = (name: Contestant) => cases.every(({ n, problem }) => Number.isNaN(time(n, problem, name)));
  const missing = CONTESTANTS.filter(isAbsent);
  return {
    title: `One L-BFGS-B iteration, m = ${MEMORY}, without the function; in brackets setulb’s time over it`,
    columns: ['', ...cases.map(({ n, problem }) => `n = ${n.toLocaleString('en-US')}, ${problem}`)],
    rows: CONTESTANTS.filter((name) => !missing.includes(name)).map((name) => [
      name,
      ...cases.map(({ n, problem }) => {
        const seconds = time(n, problem, name);
        const ratio = time(n, problem, 'setulb') / seconds;
        return `${microseconds(seconds)} (${times(ratio)})`;
      }),
    ]),
    notes: [
      ...missing.map(
        (name) =>
          `${name} is not installed${name === 'SciPy' && scipyAbsent ? '' : ' with its headers'}: scripts/setup --bench installs it.`,
      ),
      'SciPy is its `minimize`, Python around it included. LBFGSpp is compiled with -O3 -march=native.',
    ],
  };
}

async function workingScipy(signal: AbortSignal): Promise<string | undefined> {
  const script = scipyScript();
  if (script === undefined) return undefined;
  try {
    await runForJson('python3', [script, 2, 2, 1], signal);
    return script;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function absent(): GroupFindings {
  const note = `native/bench/optimiser_bench is ${NOT_BUILT}.`;
  return { tables: [{ title: 'One L-BFGS-B iteration', columns: [''], rows: [], notes: [note] }], goals: [], raw: {} };
}
