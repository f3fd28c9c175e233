/**
 * The kernel alone, in Node: native by instruction set and WebAssembly, on the same L-BFGS-B iterations and the same
 * search (the model's answers recorded), and against the bytes that must be moved at this machine's measured bandwidth.
 *
 * An L-BFGS-B iteration must go over the history, 2m vectors of n, at least twice: once for its products with the new
 * gradient, once for the step made of them, which needs the products. Besides, it reads x, gradient and the two bounds
 * for the Cauchy point, and reads the step, writes x and writes the new pair. That is 4m + 8 vectors, the least.
 */
import { z } from 'zod';
import type { Kernel } from '../kernel/kernel.ts';
import { loadKernel } from '../kernel/load_kernel_node.ts';
import { attackGraph } from '../onnx/attack_graph.ts';
import { readModel } from '../onnx/read_model.ts';
import { createSession } from '../runtime/node_session.ts';
import { alternate, type Contestant, median } from './alternate.ts';
import { minimizerSeconds, quadraticInBox } from './minimizer_run.ts';
import { benchModel, wrongClasses } from './models.ts';
import { NOT_BUILT, nativeProgram, runForJson } from './native_program.ts';
import { gigabytes, microseconds, percent, times } from './quantity.ts';
import { type Recording, record, replaySeconds } from './replay.ts';
import type { BenchContext, BenchGroup, Goal, GroupFindings, Table } from './report.ts';

export const kernel: BenchGroup = {
  name: 'kernel',
  summary: 'native by instruction set and WebAssembly, and against memory bandwidth',
  run: measure,
};

const MEMORY = 10;
const VECTORS_MOVED = 4 * MEMORY + 8;
/** History, and x, gradient, bounds, step and the places of the last x and gradient. */
const VECTORS_HELD = 2 * MEMORY + 7;
const LARGE = 150_528;
const MINIMIZERS = [
  { n: 784, precision: 32, iterations: 110 },
  { n: 784, precision: 64, iterations: 110 },
  { n: LARGE, precision: 32, iterations: 40 },
  { n: LARGE, precision: 64, iterations: 40 },
] as const;
const SEARCHES = [
  { effort: 'fast', target: false },
  { effort: 'fast', target: true },
  { effort: 'thorough', target: false },
] as const;
const SEARCH_IMAGES = { full: 64, quick: 16 } as const;
/** On a busy machine WebAssembly's second compilation takes its time. */
const WARM_UP_SECONDS = 0.5;
const INSTRUCTION_SETS = ['sse2', 'avx2', 'avx512', 'neon', 'scalar'] as const;

interface Engine {
  readonly name: string;
  readonly kernel: Kernel;
  readonly instructionSet: string;
}

/** Seconds of one unit of work by engine. */
type Work = { readonly title: string; readonly run: (engine: Engine) => number };

async function measure(context: BenchContext): Promise<GroupFindings> {
  const engines = await availableEngines();
  const minimizers = MINIMIZERS.map(minimizerWork);
  const searches = (await recordings(context, engines)).map(searchWork);
  const results = new Map<Work, Map<string, number[]>>();
  for (const work of [...minimizers, ...searches]) {
    context.tell(`kernel: ${work.title}`);
    const contestants = engines.map(
      (engine): Contestant<number> => ({ name: engine.name, run: () => work.run(engine) }),
    );
    results.set(work, await alternate(contestants, { ...context, warmUpSeconds: WARM_UP_SECONDS }));
  }
  const time = (work: Work, engine: string) => median(results.get(work)?.get(engine) ?? []);
  const roofs = await bandwidths(context);
  return {
    tables: [
      enginesTable('One L-BFGS-B iteration in Node, m = 10', engines, minimizers, time),
      enginesTable('The search’s own arithmetic for one evaluation of one image (784 pixels)', engines, searches, time),
      rooflineTable(engines, minimizers, time, roofs),
    ],
    goals: [
      againstAvx2('search', searches, time, 2),
      againstAvx2('optimiser', minimizers, time, 3),
      bandwidthGoal(minimizers, time, roofs, engines),
    ].filter((goal) => goal !== undefined),
    raw: {
      ...Object.fromEntries([...results].map(([{ title }, measured]) => [title, Object.fromEntries(measured)])),
      bandwidth: roofs,
    },
  };
}

async function availableEngines(): Promise<Engine[]> {
  const engines: Engine[] = [];
  const native = await loadKernel('native').catch(() => undefined);
  if (native !== undefined) {
    const widest = native.instructionSet;
    for (const instructionSet of INSTRUCTION_SETS) {
      if (has(native, instructionSet))
        engines.push({ name: `native ${instructionSet}`, kernel: native, instructionSet });
    }
    native.useInstructionSet(widest);
  }
  const wasm = await loadKernel('wasm').catch(() => undefined);
  if (wasm !== undefined) engines.push({ name: 'wasm simd128', kernel: wasm, instructionSet: 'simd128' });
  return engines;
}

function has(kernel: Kernel, instructionSet: string): boolean {
  try {
    kernel.useInstructionSet(instructionSet);
    return true;
  } catch {
    return false;
  }
}

interface MinimizerWork extends Work {
  readonly n: number;
  readonly precision: 32 | 64;
}

function minimizerWork({ n, precision, iterations }: (typeof MINIMIZERS)[number]): MinimizerWork {
  const problem = quadraticInBox(n);
  return {
    title: `n = ${n.toLocaleString('en-US')}, ${precision === 32 ? 'float' : 'double'}`,
    n,
    precision,
    run: ({ kernel, instructionSet }) =>
      minimizerSeconds(kernel, instructionSet, { problem, precision, memory: MEMORY, iterations }),
  };
}

interface NamedRecording {
  readonly title: string;
  readonly recording: Recording;
}

async function recordings(context: BenchContext, engines: readonly Engine[]): Promise<NamedRecording[]> {
  const first = engines[0];
  if (first === undefined) return [];
  const { bytes, images } = await benchModel('fc100-100-10', 0, context);
  await using session = await createSession(attackGraph(readModel(bytes)));
  const count = context.quick ? SEARCH_IMAGES.quick : SEARCH_IMAGES.full;
  const wrong = wrongClasses(images.labels);
  const made: NamedRecording[] = [];
  for (const { effort, target } of SEARCHES) {
    const replayed = Array.from({ length: count }, (_, i) => {
      const pixels = images.images.subarray(i * 784, (i + 1) * 784);
      return { pixels, label: images.labels[i] as number, target: target ? (wrong[i] as number) : -1 };
    });
    const search = { n: 784, classes: 10, lanes: count, effort };
    const title = `${effort}, ${target ? 'targeted' : 'untargeted'}`;
    made.push({ title, recording: await record(first.kernel, session, replayed, { search, imageShape: [784] }) });
  }
  return made;
}

function searchWork({ title, recording }: NamedRecording): Work {
  return { title, run: ({ kernel, instructionSet }) => replaySeconds(kernel, instructionSet, recording) };
}

type TimeOf = (work: Work, engine: string) => number;

function enginesTable(title: string, engines: readonly Engine[], works: readonly Work[], time: TimeOf): Table {
  const reference = 'native avx2';
  return {
    title: `${title}; in brackets the time over that of native AVX2`,
    columns: ['', ...works.map((work) => work.title)],
    rows: engines.map(({ name }) => [
      name,
      ...works.map((work) => `${microseconds(time(work, name))} (${times(time(work, name) / time(work, reference))})`),
    ]),
    notes: engines.some(({ name }) => name === reference) ? [] : ['There is no native AVX2 kernel here.'],
  };
}

function againstAvx2(what: string, works: readonly Work[], time: TimeOf, most: number): Goal | undefined {
  const worst = Math.max(...works.map((work) => time(work, 'wasm simd128') / time(work, 'native avx2')));
  if (Number.isNaN(worst)) return undefined;
  return {
    what: `WASM kernel in Node, ${what}`,
    goal: `≤ ${most}× native AVX2’s time`,
    measured: times(worst),
    met: worst <= most,
  };
}

const Bandwidths = z.object({ runs: z.array(z.object({ bytes: z.number(), triad: z.number(), read: z.number() })) });

interface Roof {
  /** Gone over, again and again. */
  readonly bytes: number;
  /** Bytes a second, medians. */
  readonly triad: number;
  readonly read: number;
}

const FAR_OUT_OF_CACHE = 2 ** 30;

/** For the sizes of the minimizers, and for one that no cache holds. */
async function bandwidths(context: BenchContext): Promise<Roof[]> {
  const program = nativeProgram('bandwidth_bench');
  if (program === undefined) return [];
  context.tell('kernel: memory bandwidth');
  const sizes = [...MINIMIZERS.map(({ n, precision }) => bytesHeld(n, precision)), FAR_OUT_OF_CACHE];
  const { runs } = Bandwidths.parse(await runForJson(program, [context.repeats, ...sizes], context.signal));
  return sizes.map((bytes) => {
    const own = runs.filter((run) => run.bytes === bytes);
    return { bytes, triad: median(own.map(({ triad }) => triad)), read: median(own.map(({ read }) => read)) };
  });
}

function bytesHeld(n: number, precision: 32 | 64): number {
  return VECTORS_HELD * n * (precision / 8);
}

function bytesMoved({ n, precision }: MinimizerWork): number {
  return VECTORS_MOVED * n * (precision / 8);
}

function roofOf(work: MinimizerWork, roofs: readonly Roof[]): Roof | undefined {
  return roofs.find(({ bytes }) => bytes === bytesHeld(work.n, work.precision));
}

function rooflineTable(
  engines: readonly Engine[],
  works: readonly MinimizerWork[],
  time: TimeOf,
  roofs: readonly Roof[],
): Table {
  const far = roofs.at(-1);
  return {
    title: `L-BFGS-B iterations against memory: at least ${VECTORS_MOVED} vectors of n moved`,
    columns: ['', 'bytes held', 'triad', 'read', ...engines.map(({ name }) => name)],
    rows: works.map((work) => {
      const roof = roofOf(work, roofs);
      const share = (engine: string) => {
        const rate = bytesMoved(work) / time(work, engine);
        return roof === undefined ? gigabytes(rate) : `${gigabytes(rate)} = ${percent(rate / roof.triad)}`;
      };
      const held = `${(bytesHeld(work.n, work.precision) / 2 ** 20).toFixed(2)} MiB`;
      const rates = roof === undefined ? ['–', '–'] : [gigabytes(roof.triad), gigabytes(roof.read)];
      return [work.title, held, ...rates, ...engines.map(({ name }) => share(name))];
    }),
    notes: [
      far === undefined
        ? `The bandwidth is not measured: native/bench/bandwidth_bench is ${NOT_BUILT}.`
        : `Shares are of the triad’s bandwidth over as many bytes as the iteration holds. Far out of cache (1 GiB) the triad has ${gigabytes(far.triad)}, reading ${gigabytes(far.read)}.`,
    ],
  };
}

function bandwidthGoal(
  works: readonly MinimizerWork[],
  time: TimeOf,
  roofs: readonly Roof[],
  engines: readonly Engine[],
): Goal | undefined {
  const natives = engines.filter(({ name }) => name.startsWith('native'));
  const memory = roofs.at(-1)?.triad ?? Number.NaN;
  const rates = works
    .filter(({ n }) => n === LARGE)
    .map((work) => ({
      rate: bytesMoved(work) / Math.min(...natives.map(({ name }) => time(work, name))),
      held: roofOf(work, roofs)?.triad ?? Number.NaN,
    }));
  const inPlace = Math.min(...rates.map(({ rate, held }) => rate / held));
  if (!Number.isFinite(inPlace)) return undefined;
  const ofMemory = Math.min(...rates.map(({ rate }) => rate / memory));
  return {
    what: `L-BFGS-B iteration, n = ${LARGE.toLocaleString('en-US')}`,
    goal: '≥ 50 % of measured memory bandwidth',
    measured: `${percent(ofMemory)} (over as many bytes, in the last cache or not: ${percent(inPlace)})`,
    met: ofMemory >= 0.5,
  };
}
