/** What an attack found, as files and as a page. */
import { copyFile, link, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AttackOutcome, AttackResults } from '../attack/result.ts';
import { writeOutputFolder } from '../base/output_folder.ts';
import { formatNpz } from '../data/npz.ts';
import { completeContext, type ReportContext } from './attack_page.ts';
import type { AttackReport } from './attack_report.ts';
import { type ReportedAttack, reported } from './reported_attack.ts';
import { writeReport } from './write_report.ts';

/**
 * Writes results.json, adversarial.npz, report.html and figures/*.png into `folder`, all of them or none; the command line
 * leaves the same.
 * @throws OUTPUT_NOT_WRITABLE.
 */
export async function saveReport(folder: string, outcome: AttackOutcome, context: ReportContext = {}): Promise<void> {
  const report = await render(reported(outcome), context);
  await writeOutputFolder(folder, async (staging) => {
    await writeResults(staging, outcome, context.classNames);
    await writeReport(staging, report);
  });
  await removeOtherExamples(folder, ['adversarial.npz']);
}

/**
 * The same of an attack whose images do not fit into memory: its examples' pixels are in files already.
 * @param parts .npz files in the order of the examples; they are left as adversarial-00001.npz and so on.
 * @throws OUTPUT_NOT_WRITABLE.
 */
export async function saveLargeReport(
  folder: string,
  attack: ReportedAttack,
  parts: readonly string[],
  context: ReportContext = {},
): Promise<void> {
  const report = await render(attack, context);
  const names = parts.map((_, i) => `adversarial-${String(i + 1).padStart(5, '0')}.npz`);
  await writeOutputFolder(folder, async (staging) => {
    await writeFile(path.join(staging, 'results.json'), formatResults(attack, context.classNames));
    for (const [i, part] of parts.entries()) {
      const place = path.join(staging, names[i] as string);
      // Both are on one file system unless somebody mounted another one there.
      await link(part, place).catch(() => copyFile(part, place));
    }
    await writeReport(staging, report);
  });
  await removeOtherExamples(folder, names);
}

/** Files of an earlier attack on more or fewer images, which results.json says nothing of any more. */
async function removeOtherExamples(folder: string, names: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    if (/^adversarial(-\d{5})?\.npz$/.test(name) && !names.includes(name)) await rm(path.join(folder, name));
  }
}

/**
 * Writes results.json (summary, and one line per image) and adversarial.npz (images float32 [N, …], labels, targets with -1
 * for none, indices) into `folder`, both or none.
 * @throws OUTPUT_NOT_WRITABLE.
 */
export async function saveResults(
  folder: string,
  outcome: AttackOutcome,
  { classNames }: Pick<ReportContext, 'classNames'> = {},
): Promise<void> {
  await writeOutputFolder(folder, (staging) => writeResults(staging, outcome, classNames));
}

/** The report as one HTML page that needs nothing else. */
export async function renderReport(outcome: AttackOutcome, context: ReportContext = {}): Promise<string> {
  return (await render(reported(outcome), context)).html;
}

async function render(attack: ReportedAttack, context: ReportContext): Promise<AttackReport> {
  // Only now: the plotting libraries take 0.2 s to load.
  const { renderAttackReport } = await import('./attack_report.ts');
  return await renderAttackReport(attack, completeContext(context));
}

async function writeResults(
  folder: string,
  outcome: AttackOutcome,
  classNames: readonly string[] | undefined,
): Promise<void> {
  await writeFile(path.join(folder, 'results.json'), formatResults(outcome, classNames));
  await writeFile(path.join(folder, 'adversarial.npz'), formatAdversarial(outcome));
}

/** One line an example, so that the file can be read and compared by line. NaN becomes null. */
function formatResults({ summary, examples }: AttackResults, classNames?: readonly string[]): string {
  const head = JSON.stringify({ summary }, undefined, 2).replace(/\n\}$/, '');
  const named = (example: AttackOutcome['examples'][number]) => ({
    ...example,
    labelName: classNames?.[example.label],
    predictionName: classNames?.[example.prediction],
  });
  const lines = examples.map((example) => `    ${JSON.stringify(named(example))}`);
  return `${head},\n  "examples": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

function formatAdversarial({ examples, imageShape, adversarial }: AttackOutcome): Uint8Array {
  const column = (value: (example: AttackOutcome['examples'][number]) => number) => ({
    shape: [examples.length],
    data: Int32Array.from(examples, value),
  });
  return formatNpz({
    images: { shape: [examples.length, ...imageShape], data: adversarial },
    labels: column(({ label }) => label),
    targets: column(({ target }) => target ?? -1),
    indices: column(({ index }) => index),
  });
}
