/**
 * An attack on a folder of more images than memory holds: window after window of them, each an attack of its own on the same open
 * model. An image is searched by its index and seed, so that windows change nothing but the other images that it may start
 * from, which are those of its window.
 */
import { stat } from 'node:fs/promises';
import { summarize } from '../attack/assemble.ts';
import { DEFAULT_MAX_MEMORY } from '../attack/lanes.ts';
import type { AttackExample, AttackOutcome, AttackResults } from '../attack/result.ts';
import { surveyImageFolder } from '../data/image_folder.ts';
import { checkSlice, type ImageSet, imageSize } from '../data/image_set.ts';
import type { ImagePair, ReportedAttack } from '../report/reported_attack.ts';
import { type AttackPart, type AttackParts, partPixels } from './attack_parts.ts';

export interface Window {
  /** Index of the first image. */
  readonly start: number;
  readonly count: number;
}

export interface Windows {
  readonly list: readonly Window[];
  /** Images of all. */
  readonly total: number;
  /** Of the folder's content. */
  readonly digest: string;
}

/**
 * Of the memory for searches: a window's pixels are held four times at most (before, after, and a copy of both), beside them.
 */
const WINDOW_SHARE = 8;
/** Fewer than so many windows are attacked at once. */
const LEAST_WINDOWS = 2;

/**
 * undefined where all of the images may be in memory at once, or the data are no folder.
 * @throws INVALID_ARGUMENT for a slice that is not there; as loadImageFolder.
 */
export async function windowsOf(
  data: string,
  {
    start = 0,
    count,
    maxMemory = DEFAULT_MAX_MEMORY,
  }: { start?: number; count?: number | undefined; maxMemory?: number | undefined },
  imageShape: readonly number[],
): Promise<Windows | undefined> {
  const isFolder = await stat(data)
    .then((entry) => entry.isDirectory())
    .catch(() => false);
  if (!isFolder) return undefined;
  const each = Math.max(1, Math.floor(maxMemory / WINDOW_SHARE / (4 * imageSize(imageShape))));
  if (count !== undefined && count <= LEAST_WINDOWS * each) return undefined;
  const { count: available, digest } = await surveyImageFolder(data);
  const total = count ?? Math.max(1, available - start);
  checkSlice({ start, count: total }, available, data);
  if (total <= LEAST_WINDOWS * each) return undefined;
  const list: Window[] = [];
  for (let done = 0; done < total; done += each)
    list.push({ start: start + done, count: Math.min(each, total - done) });
  return { list, total, digest };
}

export interface WindowedAttack {
  /** Ends the attack between two windows, or within one. */
  readonly signal: AbortSignal;
  /** Decodes; pictures for the report of what an interruption left, too. */
  load(window: Window, signal: AbortSignal | undefined): Promise<ImageSet>;
  /** @param before images of the windows before. */
  attack(images: ImageSet, before: number): Promise<AttackOutcome>;
}

/** @returns the whole, or what there was of it when it was interrupted, and the files of its pixels. */
export async function attackWindows(
  windows: Windows,
  parts: AttackParts,
  { signal, load, attack }: WindowedAttack,
): Promise<{ whole: ReportedAttack; files: readonly string[] }> {
  const done: AttackPart[] = [];
  let imageShape: number[] = [];
  let before = 0;
  for (const window of windows.list) {
    const name = `${window.start}-${window.count}`;
    const kept = await parts.read(name);
    if (kept !== undefined) {
      done.push(kept);
      before += window.count;
      continue;
    }
    let outcome: AttackOutcome;
    try {
      outcome = await attack(await load(window, signal), before);
    } catch (error) {
      // Before the first image of this window was done.
      if (!signal.aborted || done.length === 0) throw error;
      break;
    }
    imageShape = outcome.imageShape;
    const ended = outcome.summary.interruptedOf === undefined;
    done.push(await parts.write(ended ? name : 'interrupted', outcome));
    before += window.count;
    if (!ended) break;
  }
  const results = merged(done, windows.total);
  if (imageShape.length === 0)
    imageShape = [...(await load({ ...(windows.list[0] as Window), count: 1 }, undefined)).shape];
  const whole = { ...results, imageShape, pixels: (some: readonly AttackExample[]) => pixelsOf(some, done, load) };
  return { whole, files: done.map(({ file }) => file) };
}

function merged(parts: readonly AttackPart[], total: number): AttackResults {
  const examples = parts.flatMap((part) => part.examples);
  const last = parts.at(-1)?.summary;
  if (last === undefined) throw new TypeError('an attack has at least one window');
  const seconds = parts.reduce((sum, { summary }) => sum + summary.seconds, 0);
  const { method, effort, target, kernel, instructionSet, provider, judgedBy, notOriginal, workers, seed, versions } =
    last;
  const summary = summarize(examples, {
    ...{ seconds, method, effort, target, kernel, instructionSet, provider, judgedBy },
    ...(notOriginal === undefined ? {} : { notOriginal }),
    ...{ workers, seed, versions },
    ...(examples.length < total ? { interruptedOf: total } : {}),
  });
  return { summary, examples };
}

/** Each part is read once. */
async function pixelsOf(
  examples: readonly AttackExample[],
  parts: readonly AttackPart[],
  load: WindowedAttack['load'],
): Promise<ImagePair[]> {
  const pairs = new Map<AttackExample, ImagePair>();
  for (const part of parts) {
    const own = part.examples
      .map((example, row) => ({ example, row }))
      .filter(({ example }) => examples.includes(example));
    if (own.length === 0) continue;
    const pixels = await partPixels(part);
    const n = pixels.length / part.examples.length;
    for (const { example, row } of own) {
      const { images } = await load({ start: example.index, count: 1 }, undefined);
      pairs.set(example, { original: images, adversarial: pixels.slice(row * n, (row + 1) * n) });
    }
  }
  return examples.map((example) => pairs.get(example) as ImagePair);
}
