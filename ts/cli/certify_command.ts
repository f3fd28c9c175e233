/** `blindspot certify`: distances within which no mistake can be, beside those of the mistakes found. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { type Certificate, certify } from '../analysis/certificates/certify.ts';
import { CERTIFIED_NORMS, type CertifiedNorm } from '../analysis/certificates/region.ts';
import { attack } from '../attack/attack.ts';
import type { AttackExample } from '../attack/result.ts';
import { checkOutputFolder, writeOutputFolder } from '../base/output_folder.ts';
import { imageAt, imageSize } from '../data/image_set.ts';
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
  norm: CertifiedNorm;
  slopes: 'optimized' | 'fixed';
  out?: string;
}

const EXAMPLES = `
Examples:
  Of ten test images, how near the nearest mistake found is, and how near none can be:
    npx blindspot certify out/fc --data mnist --count 10
  The same of fifty, kept:
    npx blindspot certify out/fc/model.onnx --data mnist --count 50 --out out/certificates
  Tighter, with the best slopes for each bound (a minute):
    npx blindspot certify out/fc --data mnist --count 10 --slopes optimized
  In L∞, the largest change of a pixel:
    npx blindspot certify out/fc --data mnist --norm linf

What it leaves in --out:
  certificates.json   for each image the distances found and certified

For models that are one chain of dense, convolutional, pooling and normalising layers with ReLU, leaky ReLU, sigmoid or tanh. A
certified distance is a lower bound in exact arithmetic: no smaller change that keeps pixels in [0, 1] makes the model answer
wrongly. What is found in L∞ is the largest pixel of the nearest mistake in L2, so that found/certified is larger there.`;

/** @param finish takes the exit code. */
export function addCertifyCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('certify')
    .summary('prove how near no mistake can be, beside how near one is')
    .description(
      'Certifies for each image a distance within which no change makes the model answer wrongly, by linear relaxation of its layers (CROWN, Zhang et al. 2018; with --slopes optimized α-CROWN, Xu et al. 2021), beside what the product of norms certifies and the distance of the nearest mistake that the search finds.',
    )
    .argument('<model>', 'an ONNX file, or a folder that holds model.onnx')
    .requiredOption('--data <name>', 'labelled images: mnist, a folder of image files, or a .npz file')
    .option('--count <n>', 'the first n images', wholeNumber(1), 10)
    .addOption(new Option('--norm <norm>', 'of distances').choices(CERTIFIED_NORMS).default('l2'))
    .addOption(
      new Option(
        '--slopes <lines>',
        'that stand for activations: fixed, or optimized for each bound, tighter and slower',
      )
        .choices(['optimized', 'fixed'])
        .default('fixed'),
    )
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
    norm: flags.norm,
    slopes: flags.slopes,
    signal,
    onProgress: ({ done, total }) => progress.update(done / total, `${done} of ${total} images`),
  }).finally(() => progress.end());
  const seconds = (performance.now() - started) / 1000;
  const { examples, adversarial } = await attack(bytes, images, { ...input.classifier, signal });
  signal.throwIfAborted();
  const pixels = imageSize(images.shape);
  const rows = certificates.map((certificate, i) => {
    const found = adversarial.subarray(i * pixels, (i + 1) * pixels);
    return rowOf(certificate, examples[i] as AttackExample, largestChange(imageAt(images, i), found));
  });
  const summary = summarise(rows);
  out.write(`model   ${file}: [${imageShape.join(', ')}] to ${classes} classes\n`);
  if (input.found !== undefined) out.write(`input   ${input.found}\n`);
  out.write(`data    ${plural(images.count, 'image')} of ${images.source}\n\n${table(rows)}\n`);
  out.write(summaryText(summary, flags.norm, seconds));
  if (flags.out !== undefined) {
    const json = `${JSON.stringify({ model: file, data: images.source, summary, examples: rows }, undefined, 1)}\n`;
    await writeOutputFolder(flags.out, (staging) => writeFile(path.join(staging, 'certificates.json'), json));
    out.write(`results ${path.join(flags.out, 'certificates.json')}\n`);
  }
  return ExitCode.OK;
}

interface CertifiedRow extends Certificate {
  /** Distance of the nearest mistake found; null when none was. */
  readonly found: number | null;
}

/** @param linf largest change of a pixel, where a mistake was found. */
function rowOf(certificate: Certificate, { success, l2 }: AttackExample, linf: number): CertifiedRow {
  const { index, distance, norm } = certificate;
  const found = success ? (norm === 'l2' ? l2 : linf) : null;
  if (found !== null && distance > found) {
    throw new Error(`image ${index}: certified ${distance}, but a mistake was found at ${found}`);
  }
  return { ...certificate, found };
}

function largestChange(image: Float32Array, changed: Float32Array): number {
  return image.reduce((most, x, i) => Math.max(most, Math.abs((changed[i] ?? x) - x)), 0);
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
  const correct = rows.filter(({ distance }) => distance > 0);
  const met = correct.filter((row): row is CertifiedRow & { found: number } => row.found !== null);
  const known = met.flatMap(({ found, productOfNorms }) =>
    productOfNorms === null ? [] : [{ found, productOfNorms }],
  );
  const mean = (values: readonly number[]) =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  const ratios = met.map(({ found, distance }) => found / distance);
  const meanRatio = mean(ratios);
  return {
    images: rows.length,
    correct: correct.length,
    found: mean(met.map(({ found }) => found)),
    certified: mean(met.map(({ distance }) => distance)),
    productOfNorms: mean(known.map(({ productOfNorms }) => productOfNorms)),
    ratio: meanRatio === null ? null : { mean: meanRatio, smallest: Math.min(...ratios), largest: Math.max(...ratios) },
    productRatio: mean(known.map(({ found, productOfNorms }) => found / productOfNorms)),
  };
}

function table(rows: readonly CertifiedRow[]): string {
  const number = (value: number | null) => (value === null ? '-' : value.toPrecision(4));
  const lines = [
    ['image', 'label', 'found', 'certified', 'found/certified', 'product of norms'],
    ...rows.map(({ index, label, found, distance, productOfNorms }) => [
      String(index),
      String(label),
      number(found),
      number(distance),
      found === null || distance === 0 ? '-' : (found / distance).toFixed(2),
      number(productOfNorms),
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return `${lines.map((line) => line.map((text, i) => text.padStart(widths[i] ?? 0)).join('  ')).join('\n')}\n`;
}

function summaryText(
  { images, correct, found, certified, productOfNorms, ratio, productRatio }: Summary,
  norm: CertifiedNorm,
  seconds: number,
) {
  const share = `${correct} of ${plural(images, 'image')} certified in ${formatSeconds(seconds)}`;
  if (ratio === null || found === null || certified === null) return `${share}\n`;
  const product = productOfNorms === null ? '' : `, by the product of norms ${productOfNorms.toPrecision(3)}`;
  const loose = productRatio === null ? '' : `; by the product of norms ${productRatio.toFixed(2)}`;
  return [
    share,
    `mean ${norm === 'l2' ? 'L2' : 'L∞'}          found ${found.toPrecision(3)}, certified ${certified.toPrecision(3)}${product}`,
    `found/certified  mean ${ratio.mean.toFixed(2)}, ${ratio.smallest.toFixed(2)} to ${ratio.largest.toFixed(2)}${loose}`,
    '',
  ].join('\n');
}
