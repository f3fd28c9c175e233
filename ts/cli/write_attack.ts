/** The files of an attack: results.json, adversarial.npz, report.html, figures. All of them, or none. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AttackOutcome } from '../attack/result.ts';
import { formatNpz } from '../data/npz.ts';
import { type AttackReportContext, renderAttackReport } from '../report/attack_report.ts';
import { writeReport } from '../report/write_report.ts';
import { writeOutputFolder } from './output_folder.ts';

/** @throws OUTPUT_NOT_WRITABLE. */
export async function writeAttack(folder: string, outcome: AttackOutcome, context: AttackReportContext): Promise<void> {
  const report = await renderAttackReport(outcome, context);
  await writeOutputFolder(folder, async (staging) => {
    await writeFile(path.join(staging, 'results.json'), formatResults(outcome, context.classNames));
    await writeFile(path.join(staging, 'adversarial.npz'), formatAdversarial(outcome));
    await writeReport(staging, report);
  });
}

/** One line an example, so that the file can be read and compared by line. NaN becomes null. */
export function formatResults(
  { summary, examples }: Pick<AttackOutcome, 'summary' | 'examples'>,
  classNames?: readonly string[],
): string {
  const head = JSON.stringify({ summary }, undefined, 2).replace(/\n\}$/, '');
  const named = (example: AttackOutcome['examples'][number]) => ({
    ...example,
    labelName: classNames?.[example.label],
    predictionName: classNames?.[example.prediction],
  });
  const lines = examples.map((example) => `    ${JSON.stringify(named(example))}`);
  return `${head},\n  "examples": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

/** images [N, …], labels, targets (-1 for none), indices. */
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
