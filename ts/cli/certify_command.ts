/** `blindspot certify`: distances within which no mistake can be, beside those of the mistakes found. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { type Certificate, certify } from '../analysis/certificates/certify.ts';
import { attack } from '../attack/attack.ts';
import type { AttackExample } from '../attack/result.ts';
import { checkOutputFolder, writeOutputFolder } from '../base/output_folder.ts';
import { loadData } from '../data/load_data.ts';
import { readModelFile } from '../model/read_model_file.ts';
import { describeClassifier } from '../onnx/classifier.ts';
import { readClassifier } from '../onnx/read_classifier.ts';
import { formatSeconds, plural } from '../report/number_format.ts';
import { addInputFlags, addPictureFlags, type InputFlags, type PictureFlags, resolveInput } from './input_flags.ts';
import { modelFile, wholeNumber } from './option_parsers.ts';
import { ProgressLine } from './progress_line.ts';
import { ExitCode, type Terminal } from './terminal.ts';

interface CertifyFlags extends InputFlags, PictureFlags {
  data: string;
  count: number;
  out?: string;
}

const EXAMPLES = `
Examples:
  Of ten test images, how near the nearest mistake found is, and how near none can be:
    npx blindspot certify out/fc --data mnist --count 10
  The same of fifty, kept:
    npx blindspot certify out/fc/model.onnx --data mnist --count 50 --out out/certificates

What it leaves in --out:
  certificates.json   for each image the distances found and certified

For models that are one chain of dense and convolutional layers with ReLU, sigmoid or tanh. A certified distance is a lower
bound in exact arithmetic: no smaller change (L2) that keeps pixels in [0, 1] makes the model answer wrongly.`;

/** @param finish takes the exit code. */
export function addCertifyCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('certify')
    .summary('prove how near no mistake can be, beside how near one is')
    .description(
      'Certifies for each image a distance (L2) within which no change makes the model answer wrongly, by linear relaxation of its layers (CROWN, Zhang et al. 2018), beside what the product of norms certifies and the distance of the nearest mistake that the search finds.',
    )
    .argument('<model>', 'an ONNX file, or a folder that holds model.onnx')
    .requiredOption('--data <name>', 'labelled images: mnist, a folder of image files, or a .npz file')
    .option('--count <n>', 'the first n images', wholeNumber(1), 10)
    .option('--out <dir>', 'folder for certificates.json');
  addInputFlags(addPictureFlags(command))
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, flags: CertifyFlags) => finish(await runCertify(model, flags, terminal)));
}

async function runCertify(model: string, flags: CertifyFlags, terminal: Terminal): Promise<ExitCode> {
  const { out, err, signal } = terminal;
  if (flags.out !== undefined) await checkOutputFolder(flags.out);
  const file = await modelFile(model);
  const bytes = await readModelFile(file);
  const input = await resolveInput(flags, file);
  const { imageShape, classes } = describeClassifier(readClassifier(bytes, input.classifier).model);
  const images = await loadData(flags.data, { imageShape, classes, count: flags.count, signal, ...input.pictures });
  const progress = new ProgressLine(err, 'certifying');
  const started = performance.now();
  const certificates = await certify(bytes, images, {
    ...input.classifier,
    signal,
    onProgress: ({ done, total }) => progress.update(done / total, `${done} of ${total} images`),
  }).finally(() => progress.end());
  const seconds = (performance.now() - started) / 1000;
  const { examples } = await attack(bytes, images, { ...input.classifier, signal });
  signal.throwIfAborted();
  const rows = certificates.map((certificate, i) => rowOf(certificate, examples[i] as AttackExample));
  const summary = summarise(rows);
  out.write(`model   ${file}: [${imageShape.join(', ')}] to ${classes} classes\n`);
  if (input.found !== undefined) out.write(`input   ${input.found}\n`);
  out.write(`data    ${plural(images.count, 'image')} of ${images.source}\n\n${table(rows)}\n`);
  out.write(summaryText(summary, seconds));
  if (flags.out !== undefined) {
    const json = `${JSON.stringify({ model: file, data: images.source, summary, examples: rows }, undefined, 1)}\n`;
    await writeOutputFolder(flags.out, (staging) => writeFile(path.join(staging, 'certificates.json'), json));
    out.write(`results ${path.join(flags.out, 'certificates.json')}\n`);
  }
  return ExitCode.OK;
}

interface CertifiedRow extends Certificate {
  /** L2 of the nearest mistake found; null when none was. */
  readonly found: number | null;
}

function rowOf(certificate: Certificate, { success, l2 }: AttackExample): CertifiedRow {
  const found = success ? (l2 ?? null) : null;
  if (found !== null && certificate.l2 > found) {
    throw new Error(`image ${certificate.index}: certified ${certificate.l2}, but a mistake was found at ${found}`);
  }
  return { ...certificate, found };
}

interface Summary {
  readonly images: number;
  /** Answered rightly. */
  readonly correct: number;
  /** Means over those with a mistake found; null when there are none. */
  readonly found: number | null;
  readonly certified: number | null;
  readonly productOfNorms: number | null;
  /** found/certified: mean, smallest, largest; and of the product of norms, mean. */
  readonly ratio: { readonly mean: number; readonly smallest: number; readonly largest: number } | null;
  readonly productRatio: number | null;
}

function summarise(rows: readonly CertifiedRow[]): Summary {
  const correct = rows.filter(({ l2 }) => l2 > 0);
  const met = correct.filter((row): row is CertifiedRow & { found: number } => row.found !== null);
  const mean = (values: readonly number[]) =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  const ratios = met.map(({ found, l2 }) => found / l2);
  const meanRatio = mean(ratios);
  return {
    images: rows.length,
    correct: correct.length,
    found: mean(met.map(({ found }) => found)),
    certified: mean(met.map(({ l2 }) => l2)),
    productOfNorms: mean(met.map(({ productL2 }) => productL2)),
    ratio: meanRatio === null ? null : { mean: meanRatio, smallest: Math.min(...ratios), largest: Math.max(...ratios) },
    productRatio: mean(met.map(({ found, productL2 }) => found / productL2)),
  };
}

function table(rows: readonly CertifiedRow[]): string {
  const number = (value: number | null) => (value === null ? '-' : value.toPrecision(4));
  const lines = [
    ['image', 'label', 'found', 'certified', 'found/certified', 'product of norms'],
    ...rows.map(({ index, label, found, l2, productL2 }) => [
      String(index),
      String(label),
      number(found),
      number(l2),
      found === null || l2 === 0 ? '-' : (found / l2).toFixed(2),
      number(productL2),
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return `${lines.map((line) => line.map((text, i) => text.padStart(widths[i] ?? 0)).join('  ')).join('\n')}\n`;
}

function summaryText(
  { images, correct, found, certified, productOfNorms, ratio, productRatio }: Summary,
  seconds: number,
) {
  const share = `${correct} of ${plural(images, 'image')} certified in ${formatSeconds(seconds)}`;
  if (ratio === null || found === null || certified === null || productOfNorms === null) return `${share}\n`;
  return [
    share,
    `mean L2          found ${found.toPrecision(3)}, certified ${certified.toPrecision(3)}, by the product of norms ${productOfNorms.toPrecision(3)}`,
    `found/certified  mean ${ratio.mean.toFixed(2)}, ${ratio.smallest.toFixed(2)} to ${ratio.largest.toFixed(2)}; by the product of norms ${productRatio?.toFixed(2)}`,
    '',
  ].join('\n');
}
