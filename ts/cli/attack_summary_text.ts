/** What an attack found, in a few lines on the terminal. */
import path from 'node:path';
import { styleText } from 'node:util';
import type { AttackSummary } from '../attack/result.ts';
import {
  formatCount,
  formatDistortion,
  formatL2,
  formatMean,
  formatSeconds,
  formatShare,
  plural,
} from '../report/number_format.ts';

/** @param styled whether escape codes may be used. */
export function attackSummaryText(summary: AttackSummary, folder: string, styled: boolean): string {
  const attacked = summary.images - summary.alreadyMisclassified;
  const rows: [string, string][] = [
    [
      'found',
      `${formatCount(summary.succeeded)} of ${plural(attacked, 'image')} attacked (${formatShare(summary.successRate)})`,
    ],
  ];
  if (summary.alreadyMisclassified > 0) {
    rows.push(['left out', `${plural(summary.alreadyMisclassified, 'image')} answered wrongly from the start`]);
  }
  if (summary.succeeded > 0) {
    rows.push(
      ['distortion', `mean ${formatDistortion(summary.meanDistortion)}`],
      ['L2', `mean ${formatL2(summary.meanL2)}, median ${formatL2(summary.medianL2)}`],
      ['as 8 bits', `${formatShare(summary.quantizedSuccessRate)} stay adversarial`],
    );
  }
  if (summary.judgedBy === 'copy') {
    rows.push(['judged by', `a float32 copy of the model, not the file itself: ${summary.notOriginal ?? 'unknown'}`]);
  }
  const workers = summary.workers === 1 ? '' : ` with ${summary.workers} workers`;
  rows.push(
    ['cost', `${formatMean(summary.evaluationsPerImage)} gradient evaluations an image`],
    [
      'time',
      `${formatSeconds(summary.seconds)}, ${formatSeconds(summary.secondsPerImage)} an image, on ${summary.provider}${workers}`,
    ],
    ['report', path.join(folder, 'report.html')],
  );
  const lines = rows.map(([name, value]) => `${name.padEnd(10)}  ${value}`);
  if (summary.interruptedOf !== undefined) {
    lines.unshift(
      `Interrupted: ${formatCount(summary.images)} of ${plural(summary.interruptedOf, 'image')} were done and are kept.`,
    );
  }
  const headline = headlineOf(summary);
  return `${[styled ? styleText('bold', headline) : headline, ...lines].join('\n')}\n`;
}

function headlineOf({
  succeeded,
  meanDistortion,
  target,
  images,
  alreadyMisclassified,
  withoutGradient,
}: AttackSummary): string {
  if (images > 1 && alreadyMisclassified > images / 2) {
    return `${formatShare(alreadyMisclassified / images)} of the images are answered wrongly from the start: does the model want other pixels? "npx blindspot check" with the same data tells.`;
  }
  if (withoutGradient > 0 && succeeded < images - alreadyMisclassified) {
    const attacked = images - alreadyMisclassified;
    return `The model gives no usable gradient at ${withoutGradient} of ${plural(attacked, 'image')}; mistakes were found at ${succeeded}.`;
  }
  if (succeeded === 0) return 'No mistake was found.';
  const what = target === 'none' ? 'the model answers wrongly' : 'the model answers the class wanted';
  return `At a mean distortion of ${formatDistortion(meanDistortion)}, ${what}.`;
}
