/**
 * The attack as users have it, on FC100-100-10 and MNIST test images: time an image (search and judging), evaluations,
 * mean L2, two workers and WebAssembly against one worker of the native kernel, and where the time of the search goes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { attack } from '../attack/attack.ts';
import type { AttackOptions } from '../attack/attack_options.ts';
import { MOST_LANES } from '../attack/lanes.ts';
import { type ImageSet, selectImages, takeImages } from '../data/image_set.ts';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import type { SearchMethodName } from '../kernel/options.ts';
import { alternate, type Contestant, median } from './alternate.ts';
import { type BenchModel, benchModel } from './models.ts';
import { pointProgram, runPoint } from './point_program.ts';
import { digits, microseconds, milliseconds, percent, times } from './quantity.ts';
import type { BenchContext, BenchGroup, Goal, GroupFindings, Table } from './report.ts';
import type { ScaleTask } from './scale_task.ts';
import { type Profile, type ProfiledSearch, profileSearch } from './search_profile.ts';

export const search: BenchGroup = {
  name: 'search',
  summary: 'images a second, workers, kernels, and where the time goes',
  run: measure,
};

interface Setting {
  readonly method: SearchMethodName;
  readonly effort: 'fast' | 'thorough';
  readonly target: 'none' | 'random';
  /** Images attacked: about a second of work. */
  readonly images: number;
}

const SETTINGS: readonly Setting[] = [
  { method: 'boundary', effort: 'fast', target: 'none', images: 8000 },
  { method: 'boundary', effort: 'fast', target: 'random', images: 6000 },
  { method: 'boundary', effort: 'thorough', target: 'none', images: 1000 },
  { method: 'boundary', effort: 'thorough', target: 'random', images: 1000 },
  { method: 'penalty', effort: 'fast', target: 'none', images: 1000 },
  { method: 'penalty', effort: 'fast', target: 'random', images: 1000 },
  { method: 'penalty', effort: 'thorough', target: 'none', images: 500 },
  { method: 'penalty', effort: 'thorough', target: 'random', images: 500 },
];
const QUICK_IMAGES = 100;
const WAYS = {
  native: { kernel: 'native', workers: 1 },
  'native, 2 workers': { kernel: 'native', workers: 2 },
  wasm: { kernel: 'wasm', workers: 1 },
  'wasm, 2 workers': { kernel: 'wasm', workers: 2 },
} as const satisfies Record<string, AttackOptions>;
type Way = keyof typeof WAYS;

interface Timing {
  readonly secondsPerImage: number;
  readonly evaluations: number;
  readonly meanL2: number;
  readonly succeeded: number;
  readonly attacked: number;
}

interface Measured {
  readonly setting: Setting;
  readonly timings: ReadonlyMap<string, readonly Timing[]>;
  readonly profiles: readonly Profile[];
}

async function measure(context: BenchContext): Promise<GroupFindings> {
  const model = await benchModel('fc100-100-10', 0, context);
  const measured: Measured[] = [];
  for (const setting of SETTINGS) measured.push(await measureSetting(setting, model, context));
  const processes = await measureProcesses(model, context);
  const command = await measureCommand(model, context);
  return {
    tables: [speedTable(measured, processes), profileTable(measured), commandTable(command, context)],
    goals: [...goals(measured, processes), commandGoal(command, context)].filter((goal) => goal !== undefined),
    raw: {
      ...Object.fromEntries(
        measured.map(({ setting, timings, profiles }) => [name(setting), { ...Object.fromEntries(timings), profiles }]),
      ),
      processes,
      commandSeconds: command,
    },
  };
}

/** Seconds, a repeat each. */
interface Processes {
  readonly one: readonly number[];
  /** Of the slower of two at once. */
  readonly two: readonly number[];
}

/** Images of two processes over those of one. */
function processesRatio({ one, two }: Processes): number {
  return (2 * median(one)) / median(two);
}

/**
 * What the machine itself makes of two searches at once: images of two processes of one worker each, which share nothing,
 * against those of one. Caches, memory and the other processor's clock are then the limit.
 */
async function measureProcesses(model: BenchModel, context: BenchContext): Promise<Processes | undefined> {
  const program = pointProgram();
  if (program === undefined) return undefined;
  context.tell('search: one process, two processes');
  const count = context.quick ? QUICK_IMAGES : model.images.count;
  const task: ScaleTask = { kind: 'lanes', model: model.file, count, lanes: Math.min(count, MOST_LANES.cpu) };
  const one = async () => (await runPoint(program, task, context.signal)).seconds;
  const two = async () => Math.max(...(await Promise.all([one(), one()])));
  const seconds = await alternate(
    [
      { name: 'one', run: one },
      { name: 'two', run: two },
    ],
    context,
  );
  return { one: seconds.get('one') ?? [], two: seconds.get('two') ?? [] };
}

async function measureSetting(setting: Setting, model: BenchModel, context: BenchContext): Promise<Measured> {
  context.tell(`search: ${name(setting)}`);
  const { method, effort, target } = setting;
  const images = takeImages(model.images, context.quick ? QUICK_IMAGES : setting.images);
  const profiled = await attackedImages(model, images, setting);
  const profiles: Profile[] = [];
  const contestants = (Object.keys(WAYS) as Way[]).map(
    (way): Contestant<Timing> => ({
      name: way,
      run: async () => {
        const options = { ...WAYS[way], method, effort, target, signal: context.signal };
        const { summary } = await attack(model.bytes, images, options);
        const { secondsPerImage, evaluationsPerImage, meanL2, succeeded } = summary;
        const attacked = summary.images - summary.alreadyMisclassified;
        return { secondsPerImage, evaluations: evaluationsPerImage, meanL2: meanL2 ?? Number.NaN, succeeded, attacked };
      },
    }),
  );
  const profile: Contestant<Timing | undefined> = {
    name: 'profile',
    run: async () => {
      profiles.push(await profileSearch({ ...profiled, search: { method, effort } }));
      return undefined;
    },
  };
  const all = await alternate<Timing | undefined>([...contestants, profile], context);
  const timings = new Map([...all].map(([way, made]) => [way, made.filter((timing) => timing !== undefined)]));
  return { setting, timings, profiles: profiles.slice(1) };
}

/** Those that the model answers rightly, with the targets that the attack chooses. */
async function attackedImages(
  { bytes }: BenchModel,
  images: ImageSet,
  { target }: Setting,
): Promise<Omit<ProfiledSearch, 'search'>> {
  const { examples } = await attack(bytes, images, { target });
  const attacked = examples.filter(({ status }) => status !== 'already-misclassified');
  return {
    kernel: await loadKernel('auto'),
    model: bytes,
    images: selectImages(
      images,
      attacked.map(({ index }) => index),
    ),
    targets: Int32Array.from(attacked, ({ target: wanted }) => wanted ?? -1),
  };
}

function name({ method, effort, target }: Setting): string {
  return `${method}, ${effort}, ${target === 'none' ? 'untargeted' : 'targeted'}`;
}

function seconds({ timings }: Measured, way: Way): number {
  return median((timings.get(way) ?? []).map(({ secondsPerImage }) => secondsPerImage));
}

function speedTable(measured: readonly Measured[], processes: Processes | undefined): Table {
  return {
    title: 'The attack on FC100-100-10, MNIST test images, search and judging',
    columns: [
      '',
      'evaluations',
      'found',
      'mean L2',
      'an image',
      'images a second',
      '2 workers',
      'WASM',
      'WASM, 2 workers',
    ],
    rows: measured.map((row) => {
      const first = row.timings.get('native')?.[0];
      const base = seconds(row, 'native');
      return [
        name(row.setting),
        digits(first?.evaluations ?? Number.NaN),
        `${first?.succeeded} of ${first?.attacked}`,
        (first?.meanL2 ?? Number.NaN).toFixed(4),
        milliseconds(base),
        digits(1 / base),
        `${times(base / seconds(row, 'native, 2 workers'))} as fast`,
        `${times(seconds(row, 'wasm') / base)} the time`,
        `${times(base / seconds(row, 'wasm, 2 workers'))} as fast`,
      ];
    }),
    notes: [
      'An image’s time is of the native kernel with one worker, one thread; the other columns are ratios to it. Evaluations are gradients an image; mean L2 is over the images found.',
      ...(processes === undefined
        ? []
        : [
            `Two processes of one worker each at once, which share nothing, get through ${times(processesRatio(processes))} the images of one (fast, untargeted): what the machine has for a second search.`,
          ]),
    ],
  };
}

function profileTable(measured: readonly Measured[]): Table {
  return {
    title: 'Where the time of the search goes, native kernel, one worker',
    columns: [
      '',
      'kernel',
      'ONNX Runtime',
      'JavaScript',
      'evaluation, kernel',
      'evaluation, ONNX Runtime',
      'images a step',
    ],
    rows: measured.map(({ setting, profiles }) => {
      const share = (part: (profile: Profile) => number) =>
        median(profiles.map((profile) => part(profile) / profile.total));
      const each = (part: (profile: Profile) => number) =>
        microseconds(median(profiles.map((profile) => part(profile) / profile.evaluations)));
      return [
        name(setting),
        percent(share(({ kernel }) => kernel)),
        percent(share(({ runtime }) => runtime)),
        percent(
          share(({ total, kernel, runtime }) => total - kernel - runtime),
          1,
        ),
        each(({ kernel }) => kernel),
        each(({ runtime }) => runtime),
        digits(median(profiles.map(({ evaluations, steps }) => evaluations / steps))),
      ];
    }),
    notes: ['Kernel: submit, ask, tell and take; ONNX Runtime: session.run with its JavaScript; JavaScript: the rest.'],
  };
}

function goals(measured: readonly Measured[], processes: Processes | undefined): Goal[] {
  const boundary = measured.filter(({ setting }) => setting.method === 'boundary');
  const fast = boundary[0] as Measured;
  const outside = Math.max(
    ...boundary.map(({ profiles }) => median(profiles.map(({ total, runtime }) => 1 - runtime / total))),
  );
  const workers = Math.min(...boundary.map((row) => seconds(row, 'native') / seconds(row, 'native, 2 workers')));
  return [
    {
      what: 'FC100-100-10, untargeted, fast, one thread',
      goal: '≤ 0.2 ms an image',
      measured: milliseconds(seconds(fast, 'native')),
      met: seconds(fast, 'native') <= 2e-4,
    },
    {
      what: 'time outside ONNX Runtime, method boundary',
      goal: '≤ 50 % of the search',
      measured: `at most ${percent(outside)}`,
      met: outside <= 0.5,
    },
    {
      what: '2 workers, method boundary',
      goal: '≥ 1.8× the images of 1',
      measured: `at least ${times(workers)}${processes === undefined ? '' : ` (two processes: ${times(processesRatio(processes))})`}`,
      met: workers >= 1.8,
    },
  ];
}

const COMMAND_REPEATS = 3;

/** Seconds of the whole command over all test images, from start to report; none when it is not compiled. */
async function measureCommand(model: BenchModel, context: BenchContext): Promise<number[]> {
  const cli = commandFile();
  if (cli === undefined) return [];
  const folder = await mkdtemp(path.join(os.tmpdir(), 'blindspot-bench-'));
  const timed: number[] = [];
  try {
    await writeFile(path.join(folder, 'model.onnx'), model.bytes);
    const count = context.quick ? QUICK_IMAGES : model.images.count;
    for (let repeat = 0; repeat < COMMAND_REPEATS; repeat++) {
      context.tell(`search: the command, from start to report, ${repeat + 1} of ${COMMAND_REPEATS}`);
      const args = ['attack', '--model', folder, '--data', 'mnist', '--count', String(count)];
      const start = performance.now();
      const child = spawn(process.execPath, [cli, ...args, '--out', path.join(folder, `out${repeat}`)], {
        stdio: 'ignore',
        signal: context.signal,
      });
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`blindspot ${args.join(' ')} ended with code ${code}`);
      timed.push((performance.now() - start) / 1000);
    }
    return timed;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The compiled command line, also when this runs from the sources. */
function commandFile(): string | undefined {
  const fromSources = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(fromSources ? '../../dist/ts/cli/main.js' : '../cli/main.js', import.meta.url));
  return existsSync(file) ? file : undefined;
}

function commandTable(timed: readonly number[], { quick }: BenchContext): Table {
  return {
    title: 'The command, from start to report',
    columns: ['', 'seconds'],
    rows: [
      [
        `blindspot attack --model fc100-100-10 --data mnist --count ${quick ? QUICK_IMAGES : '10000'}`,
        digits(median(timed)),
      ],
    ],
    notes: timed.length === 0 ? ['Not measured: scripts/build --ts comes first.'] : [],
  };
}

function commandGoal(timed: readonly number[], { quick }: BenchContext): Goal | undefined {
  if (timed.length === 0 || quick) return undefined;
  const whole = median(timed);
  return {
    what: '10,000 MNIST test images, untargeted, fast, start to report',
    goal: '< 10 s on two cores',
    measured: `${digits(whole)} s`,
    met: whole < 10,
  };
}
