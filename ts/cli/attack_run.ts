/** `blindspot attack` at work: the images read and searched, all at once or window after window, and what was found. */
import { createHash } from 'node:crypto';
import type { AttackOptions, ModelAttackOptions } from '../attack/attack_options.ts';
import type { OpenedModel } from '../attack/opened_model.ts';
import type { AttackProgress } from '../attack/progress.ts';
import type { AttackOutcome, AttackResults } from '../attack/result.ts';
import { packageVersion } from '../attack/versions.ts';
import type { ImageSet } from '../data/image_set.ts';
import { loadData } from '../data/load_data.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ReportContext } from '../report/attack_page.ts';
import { formatCount, formatDistortion, formatSeconds, formatShare } from '../report/number_format.ts';
import { saveLargeReport, saveReport } from '../report/save_attack.ts';
import { AttackJournalFile } from './attack_journal.ts';
import { AttackParts } from './attack_parts.ts';
import { attackWindows, type Windows, windowsOf } from './attack_windows.ts';
import type { Gate } from './gates.ts';
import type { InputFlags, PictureFlags, ResolvedInput } from './input_flags.ts';
import { ProgressLine } from './progress_line.ts';
import type { Terminal } from './terminal.ts';

export interface AttackFlags extends InputFlags, PictureFlags {
  model: string;
  data: string;
  out: string;
  start: number;
  count?: number;
  target: NonNullable<AttackOptions['target']>;
  method: NonNullable<AttackOptions['method']>;
  effort: NonNullable<AttackOptions['effort']>;
  kernel: NonNullable<AttackOptions['kernel']>;
  provider: NonNullable<AttackOptions['provider']>;
  workers?: number;
  lanes?: number;
  seed: number;
  quantize: number;
  maxEvaluations: number;
  maxMemory?: number;
  classes?: string;
  failUnder: Gate[];
  format: 'text' | 'json' | 'junit';
  baseline?: string;
}

/** What an attack of the command line runs with. */
export interface AttackRun {
  readonly flags: AttackFlags;
  readonly input: ResolvedInput;
  readonly model: OpenedModel;
  /** Of the model's file. */
  readonly sha256: string;
  readonly kernel: Kernel;
  readonly classNames: string[] | undefined;
  readonly terminal: Terminal;
  /** Told once, before the first progress: what was asked may turn out to be a mistake until then. */
  readonly about: (source: string, count: number, unlabelled: boolean) => void;
}

export interface FinishedSearch {
  readonly results: AttackResults;
  /** Where the images come from. */
  readonly source: string;
  /** Writes the output folder. */
  save(context: ReportContext): Promise<void>;
  /** What was kept for going on is not needed any more. */
  forget(): void;
  close(): void;
}

/** @throws as loadData and OpenedModel.attack do. */
export async function runSearch(run: AttackRun): Promise<FinishedSearch> {
  const windows = await windowsOf(run.flags.data, run.flags, run.model.imageShape);
  return windows === undefined ? await searchAtOnce(run) : await searchInWindows(run, windows);
}

async function searchAtOnce(run: AttackRun): Promise<FinishedSearch> {
  const { flags } = run;
  const data = await readImages(run, flags, run.terminal.signal, true);
  const journal = new AttackJournalFile(flags.out, { ...attackKey(run), data: pixelDigest(data) });
  const progress = new ProgressLine(run.terminal.err, 'searching');
  try {
    const about = once(() => run.about(data.source, data.count, data.unlabelled === true));
    const outcome = await search(run, data, journal, (state) => {
      about();
      progress.update(state.done / state.total, progressText(state));
    });
    return {
      results: outcome,
      source: data.source,
      save: (context) => saveReport(flags.out, outcome, context),
      forget: () => journal.remove(),
      close: () => journal.close(),
    };
  } catch (error) {
    journal.close();
    throw error;
  } finally {
    progress.end();
  }
}

async function searchInWindows(run: AttackRun, windows: Windows): Promise<FinishedSearch> {
  const { flags, terminal } = run;
  const key = { ...attackKey(run), data: windows.digest, list: windows.list };
  const parts = await AttackParts.open(flags.out, key);
  const progress = new ProgressLine(terminal.err, 'searching');
  const about = once((unlabelled: boolean) => run.about(flags.data, windows.total, unlabelled));
  try {
    const { whole, files } = await attackWindows(windows, parts, {
      signal: terminal.signal,
      load: (window, signal) => readImages(run, window, signal),
      attack: async (data, before) => {
        const journal = new AttackJournalFile(flags.out, { ...key, window: data.indices?.[0] ?? 0 });
        try {
          const outcome = await search(run, data, journal, (state) => {
            about(data.unlabelled === true);
            const done = before + state.done;
            progress.update(done / windows.total, progressText({ ...state, ...remaining(state, done, windows.total) }));
          });
          if (outcome.summary.interruptedOf === undefined) journal.remove();
          return outcome;
        } finally {
          journal.close();
        }
      },
    });
    return {
      results: whole,
      source: flags.data,
      save: (context) => saveLargeReport(flags.out, whole, files, context),
      forget: () => parts.remove(),
      close: () => undefined,
    };
  } finally {
    progress.end();
  }
}

/** Of all windows, at the pace of this one. */
function remaining(
  state: AttackProgress,
  done: number,
  total: number,
): Pick<AttackProgress, 'done' | 'total' | 'secondsLeft'> {
  const left = state.total - state.done;
  const pace = left > 0 && state.secondsLeft !== null ? state.secondsLeft / left : null;
  return { done, total, secondsLeft: pace === null ? null : pace * (total - done) };
}

async function search(
  { flags, model, terminal }: AttackRun,
  data: ImageSet,
  journal: AttackJournalFile,
  onProgress: (state: AttackProgress) => void,
): Promise<AttackOutcome> {
  return await model.attack(data, { ...attackOptions(flags), journal, signal: terminal.signal, onProgress });
}

/** Everything that decides what is found, but the images. */
function attackKey({ flags, input, sha256, kernel }: AttackRun): Record<string, unknown> {
  const { target, method, effort, provider, seed, quantize, maxEvaluations } = flags;
  return {
    ...{ version: packageVersion(), model: sha256, kernel: kernel.name },
    ...{ target, method, effort, provider, seed, quantize, maxEvaluations, ...input.classifier },
  };
}

function pixelDigest(data: ImageSet): string {
  const hash = createHash('sha256');
  const none = new Int32Array();
  for (const { buffer, byteOffset, byteLength } of [
    data.images,
    data.labels,
    data.targets ?? none,
    data.indices ?? none,
  ]) {
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}

async function readImages(
  { flags, input, model, classNames, terminal }: AttackRun,
  { start, count }: { readonly start?: number; readonly count?: number },
  signal: AbortSignal | undefined,
  told = false,
): Promise<ImageSet> {
  const progress = new ProgressLine(terminal.err, 'reading');
  try {
    return await loadData(flags.data, {
      imageShape: model.imageShape,
      classes: model.classes,
      ...(classNames === undefined ? {} : { classNames }),
      ...(start === undefined ? {} : { start }),
      ...(count === undefined ? {} : { count }),
      ...input.pictures,
      ...(signal === undefined ? {} : { signal }),
      onProgress: (done, total) => {
        if (told) progress.update(done / total, `${formatCount(done)} of ${formatCount(total)} images`);
      },
      onDownload: ({ file, received, total }) => {
        progress.update(total === undefined ? 0 : received / total, `${file}, ${formatCount(received / 2 ** 20)} MiB`);
      },
    });
  } finally {
    progress.end();
  }
}

function attackOptions(flags: AttackFlags): ModelAttackOptions {
  const { target, method, effort, kernel, workers, lanes, seed, quantize, maxEvaluations, maxMemory } = flags;
  return {
    ...{ target, method, effort, kernel, seed, quantize, maxEvaluations },
    ...(workers === undefined ? {} : { workers }),
    ...(lanes === undefined ? {} : { lanes }),
    ...(maxMemory === undefined ? {} : { maxMemory }),
  };
}

function progressText({ phase, done, total, successRate, meanDistortion, secondsLeft }: AttackProgress): string {
  const images = `${formatCount(done)} of ${formatCount(total)} images`;
  if (phase === 'judging') return `${images} · judging`;
  const found = `${formatShare(successRate)} found, mean distortion ${formatDistortion(meanDistortion)}`;
  return `${images} · ${found} · ${formatSeconds(secondsLeft)} left`;
}

function once<Arguments extends unknown[]>(action: (...given: Arguments) => void): (...given: Arguments) => void {
  let done = false;
  return (...given) => {
    if (!done) action(...given);
    done = true;
  };
}
