/**
 * Cost and peak memory against pixels of an image, lanes of a search, and images of an attack; each point in a process of
 * its own, all points by turns.
 */
import { loadKernel } from '../kernel/load_kernel_node.ts';
import { alternate, type Contestant, logLogSlope, median } from './alternate.ts';
import { minimizerSeconds, quadraticInBox } from './minimizer_run.ts';
import { benchModel } from './models.ts';
import { pointProgram, runPoint } from './point_program.ts';
import { digits, mebibytes, microseconds, milliseconds } from './quantity.ts';
import type { BenchContext, BenchGroup, Figure, Goal, GroupFindings, Table } from './report.ts';
import type { ScaleAnswer, ScaleTask } from './scale_task.ts';

export const scale: BenchGroup = {
  name: 'scale',
  summary: 'time and memory against pixels, lanes and images',
  run: measure,
};

const SHAPES = [
  [1, 28, 28],
  [3, 32, 32],
  [3, 64, 64],
  [3, 128, 128],
  [3, 224, 224],
] as const;
const SHAPE_IMAGES = { full: 64, quick: 8 } as const;
const LANES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] as const;
const LANE_IMAGES = { full: 2048, quick: 128 } as const;
const IMAGES = { full: [100, 316, 1000, 3162, 10_000], quick: [100, 316] } as const;
const MINIMIZER_ITERATIONS = 40;
const DEFAULT_MAX_MEMORY = 2 * 2 ** 30;

interface Point {
  readonly x: number;
  readonly answers: readonly ScaleAnswer[];
}

async function measure(context: BenchContext): Promise<GroupFindings> {
  const program = pointProgram();
  if (program === undefined) return absent();
  const { file: model } = await benchModel('fc100-100-10', 0, context);
  const size = context.quick ? 'quick' : 'full';
  const points = async (what: string, tasks: readonly { x: number; task: ScaleTask }[]): Promise<Point[]> => {
    context.tell(`scale: ${what}`);
    const contestants = tasks.map(
      ({ x, task }): Contestant<ScaleAnswer> => ({
        name: String(x),
        run: () => runPoint(program, task, context.signal),
      }),
    );
    const measured = await alternate(contestants, context);
    return tasks.map(({ x }) => ({ x, answers: measured.get(String(x)) ?? [] }));
  };
  const pixels = await points(
    'pixels',
    SHAPES.map((shape) => ({
      x: elements(shape),
      task: { kind: 'pixels', shape: [...shape], count: SHAPE_IMAGES[size] },
    })),
  );
  const lanes = await points(
    'lanes',
    LANES.map((count) => ({ x: count, task: { kind: 'lanes', model, count: LANE_IMAGES[size], lanes: count } })),
  );
  const images = await points(
    'images',
    IMAGES[size].map((count) => ({ x: count, task: { kind: 'images', model, count } })),
  );
  const minimizers = await minimizerTimes(context);
  return {
    tables: [
      pixelsTable(pixels, minimizers, SHAPE_IMAGES[size]),
      lanesTable(lanes, LANE_IMAGES[size]),
      imagesTable(images),
    ],
    goals: [memoryGoal([...pixels, ...lanes, ...images])],
    figures: [pixelsFigure(pixels, minimizers), countsFigure(lanes, images)],
    raw: { pixels, lanes, images, minimizers: Object.fromEntries(minimizers) },
  };
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** Seconds of an L-BFGS-B iteration by pixels, double precision, m = 10. */
async function minimizerTimes(context: BenchContext): Promise<Map<number, number>> {
  context.tell('scale: L-BFGS-B');
  const kernel = await loadKernel('auto');
  const contestants = SHAPES.map((shape): Contestant<number> => {
    const problem = quadraticInBox(elements(shape));
    const task = { problem, precision: 64, memory: 10, iterations: MINIMIZER_ITERATIONS } as const;
    return { name: String(problem.n), run: () => minimizerSeconds(kernel, kernel.instructionSet, task) };
  });
  const measured = await alternate(contestants, context);
  return new Map([...measured].map(([n, times]) => [Number(n), median(times)]));
}

function of({ answers }: Point, part: (answer: ScaleAnswer) => number): number {
  return median(answers.map(part));
}

const peak = (point: Point) => of(point, ({ peakBytes }) => peakBytes);
const evaluationSeconds = (point: Point) => of(point, ({ seconds, evaluations }) => seconds / evaluations);
const kernelSeconds = (point: Point) =>
  of(point, ({ kernelSeconds = Number.NaN, evaluations }) => kernelSeconds / evaluations);
const runtimeSeconds = (point: Point) =>
  of(point, ({ runtimeSeconds = Number.NaN, evaluations }) => runtimeSeconds / evaluations);

function slope(points: readonly Point[], y: (point: Point) => number): string {
  return logLogSlope(points.map((point) => ({ x: point.x, y: y(point) }))).toFixed(2);
}

function pixelsTable(points: readonly Point[], minimizers: ReadonlyMap<number, number>, count: number): Table {
  const minimizer = ({ x }: Point) => minimizers.get(x) ?? Number.NaN;
  return {
    title: `Against pixels: one evaluation of the search (${count} random images, a network of 32 units), one L-BFGS-B iteration (double, m = 10)`,
    columns: ['pixels', 'kernel', 'ONNX Runtime', 'together', 'L-BFGS-B', 'peak memory'],
    rows: [
      ...points.map((point) => [
        point.x.toLocaleString('en-US'),
        microseconds(kernelSeconds(point)),
        microseconds(runtimeSeconds(point)),
        microseconds(evaluationSeconds(point)),
        microseconds(minimizer(point)),
        mebibytes(peak(point)),
      ]),
      [
        'slope',
        slope(points, kernelSeconds),
        slope(points, runtimeSeconds),
        slope(points, evaluationSeconds),
        slope(points, minimizer),
        slope(points, peak),
      ],
    ],
    notes: [],
  };
}

function lanesTable(points: readonly Point[], count: number): Table {
  const rate = (point: Point) => of(point, ({ seconds }) => seconds / count);
  return {
    title: `Against lanes: FC100-100-10, fast, untargeted, ${count.toLocaleString('en-US')} images, one worker`,
    columns: ['lanes', 'an image', 'evaluations an image', 'peak memory'],
    rows: points.map((point) => [
      String(point.x),
      milliseconds(rate(point)),
      digits(of(point, ({ evaluations }) => evaluations / count)),
      mebibytes(peak(point)),
    ]),
    notes: [],
  };
}

function imagesTable(points: readonly Point[]): Table {
  const seconds = (point: Point) => of(point, (answer) => answer.seconds);
  return {
    title: 'Against images: FC100-100-10, fast, untargeted, workers as the work suggests',
    columns: ['images', 'seconds', 'an image', 'peak memory'],
    rows: [
      ...points.map((point) => [
        point.x.toLocaleString('en-US'),
        digits(seconds(point)),
        milliseconds(seconds(point) / point.x),
        mebibytes(peak(point)),
      ]),
      ['slope', slope(points, seconds), '', slope(points, peak)],
    ],
    notes: ['Search and judging; reading the model and starting workers left out. Memory is of the whole process.'],
  };
}

function memoryGoal(points: readonly Point[]): Goal {
  const most = Math.max(...points.map(peak));
  return {
    what: 'peak memory of the whole process, all points of “scale”',
    goal: '≤ --max-memory, 2 GiB',
    measured: mebibytes(most),
    met: most <= DEFAULT_MAX_MEMORY,
  };
}

function pixelsFigure(points: readonly Point[], minimizers: ReadonlyMap<number, number>): Figure {
  const series = (name: string, y: (point: Point) => number) => ({
    name: `${name}: ${slope(points, y)}`,
    points: points.map((point) => ({ x: point.x, y: 1e6 * y(point) })),
  });
  return {
    name: 'cost-against-pixels',
    alt: 'Microseconds of one evaluation in the kernel and in ONNX Runtime, and of one L-BFGS-B iteration, against pixels',
    x: 'pixels of an image (slopes above)',
    y: 'microseconds',
    series: [
      series('kernel', kernelSeconds),
      series('runtime', runtimeSeconds),
      series('L-BFGS-B', ({ x }) => minimizers.get(x) ?? Number.NaN),
    ],
  };
}

function countsFigure(lanes: readonly Point[], images: readonly Point[]): Figure {
  const series = (name: string, points: readonly Point[]) => {
    const seconds = (point: Point) => of(point, (answer) => answer.seconds);
    return {
      name: `${name}: ${slope(points, seconds)}`,
      points: points.map((point) => ({ x: point.x, y: seconds(point) })),
    };
  };
  return {
    name: 'cost-against-lanes-and-images',
    alt: 'Seconds of an attack against its lanes and against its images',
    x: 'lanes, or images (slopes above)',
    y: 'seconds',
    series: [series('lanes', lanes), series('images', images)],
  };
}

function absent(): GroupFindings {
  const notes = ['Not measured: scripts/build --ts comes first.'];
  return { tables: [{ title: 'Cost against size', columns: [''], rows: [], notes }], goals: [], raw: {} };
}
