/**
 * A search replayed from what the model once answered, so that its kernel's time counts alone. All kernels compute the
 * same bits, hence take the same path and fit the same record; a path that differs is an error here.
 */
import type { Kernel, Search, SearchOptions } from '../kernel/kernel.ts';
import type { Session, Tensor } from '../runtime/session.ts';

interface Answer {
  readonly count: number;
  readonly logits: Float32Array;
  readonly gradients: Float32Array;
}

export interface ReplayImage {
  readonly pixels: Float32Array;
  readonly label: number;
  readonly target: number;
}

export interface Recording {
  readonly options: SearchOptions;
  readonly images: readonly ReplayImage[];
  readonly answers: readonly Answer[];
  /** Gradient evaluations of all images. */
  readonly evaluations: number;
  /** Sum over all images. */
  readonly l2: number;
}

/** Searches all images at once on `kernel`, the model's answers kept. */
export async function record(
  kernel: Kernel,
  session: Session,
  images: readonly ReplayImage[],
  given: { readonly search: SearchOptions; readonly imageShape: readonly number[] },
): Promise<Recording> {
  const options = { ...given.search, lanes: images.length };
  using search = kernel.createSearch(options);
  submitAll(search, images);
  const answers: Answer[] = [];
  let evaluations = 0;
  let l2 = 0;
  for (let count = search.ask(); count > 0; count = search.ask()) {
    await evaluate(search, session, count, given.imageShape);
    answers.push({
      count,
      logits: search.logits.slice(0, count * options.classes),
      gradients: search.gradients.slice(0, count * options.n),
    });
    search.tell();
    for (let result = search.take(); result !== undefined; result = search.take()) {
      evaluations += result.evaluations;
      l2 += Number.isNaN(result.distance) ? 0 : result.distance;
    }
  }
  return { options, images, answers, evaluations, l2 };
}

async function evaluate(search: Search, session: Session, count: number, imageShape: readonly number[]): Promise<void> {
  const rows = (data: Float32Array, shape: readonly number[]): Tensor => ({
    data: data.subarray(
      0,
      shape.reduce((product, dim) => product * dim, count),
    ),
    dims: [count, ...shape],
  });
  const { classes } = search.options;
  await session.run(
    {
      image: rows(search.points, imageShape),
      one_hot: rows(search.oneHot, [classes]),
      sign: rows(search.sign, [1]),
      temperature: rows(search.temperature, [1]),
      ...(search.options.smoothable ? { smoothing: rows(search.smoothing, [1]) } : {}),
    },
    { logits: rows(search.logits, [classes]), gradient: rows(search.gradients, imageShape) },
  );
}

/** @returns seconds in the kernel's own calls, for one evaluation of one image. */
export function replaySeconds(kernel: Kernel, instructionSet: string, recording: Recording): number {
  const { options, images, answers } = recording;
  kernel.useInstructionSet(instructionSet);
  using search = kernel.createSearch(options);
  let since = performance.now();
  let milliseconds = 0;
  const pause = () => {
    milliseconds += performance.now() - since;
  };
  submitAll(search, images);
  let l2 = 0;
  for (const answer of answers) {
    const count = search.ask();
    pause();
    if (count !== answer.count) throw new Error(`${kernel.name} ${instructionSet} leaves the recorded path`);
    search.logits.set(answer.logits);
    search.gradients.set(answer.gradients);
    since = performance.now();
    search.tell();
    for (let result = search.take(); result !== undefined; result = search.take()) {
      l2 += Number.isNaN(result.distance) ? 0 : result.distance;
    }
  }
  if (search.ask() !== 0) throw new Error(`${kernel.name} ${instructionSet} goes on past the recorded path`);
  pause();
  // The sum is taken in the order in which the lanes end, which is the same.
  if (l2 !== recording.l2) throw new Error(`${kernel.name} ${instructionSet} gives ${l2}, not ${recording.l2}`);
  return milliseconds / 1000 / recording.evaluations;
}

function submitAll(search: Search, images: readonly ReplayImage[]): void {
  for (const [id, { pixels, label, target }] of images.entries()) search.submit(id, pixels, label, target);
}
