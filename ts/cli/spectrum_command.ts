/** `blindspot spectrum`: operator norms of a model's layers, and the distance within which no image can be misread. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { type SpectralReport, spectralReport } from '../analysis/spectral/spectral_report.ts';
import { checkOutputFolder, writeOutputFolder } from '../base/output_folder.ts';
import { loadData } from '../data/load_data.ts';
import { readModelFile } from '../model/read_model_file.ts';
import { describeClassifier } from '../onnx/classifier.ts';
import { readClassifier } from '../onnx/read_classifier.ts';
import { formatCount, formatDistortion } from '../report/number_format.ts';
import { addInputFlags, addPictureFlags, type InputFlags, type PictureFlags, resolveInput } from './input_flags.ts';
import { modelFile, wholeNumber } from './option_parsers.ts';
import { ExitCode, type Terminal } from './terminal.ts';

interface SpectrumFlags extends InputFlags, PictureFlags {
  model: string;
  data?: string;
  count?: number;
  out?: string;
}

const EXAMPLES = `
Examples:
  The norms of a network's layers, and the bound on how fast its logits can change:
    npx blindspot spectrum --model out/fc
  The distance that this certifies for each of 100 test images:
    npx blindspot spectrum --model out/fc --data mnist --count 100 --out out/spectrum

What it leaves in --out:
  spectrum.json   layers, the bound, and for each image its margin and certified distance

A certified distance is a lower bound: no smaller change, seen or unseen, makes the model answer wrongly.`;

/** @param finish takes the exit code. */
export function addSpectrumCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('spectrum')
    .summary('bound how fast a model can change its answer, and the distance that this certifies')
    .description(
      "Multiplies the operator norms of a model's layers to a bound on its Lipschitz constant (Szegedy et al. 2013, section 4.3), and certifies for each image a distance within which no change can make the model answer wrongly. For models that are one chain of layers.",
    )
    .requiredOption('--model <file|dir>', 'an ONNX classifier, or a folder that holds model.onnx')
    .option('--data <name>', 'labelled images to certify: mnist, a folder of image files, or a .npz file')
    .option('--count <n>', 'the first n images (default: all)', wholeNumber(1))
    .option('--out <dir>', 'folder for spectrum.json');
  addInputFlags(addPictureFlags(command))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: SpectrumFlags) => finish(await runSpectrum(flags, terminal)));
}

async function runSpectrum(flags: SpectrumFlags, { out, signal }: Terminal): Promise<ExitCode> {
  if (flags.out !== undefined) await checkOutputFolder(flags.out);
  const file = await modelFile(flags.model);
  const bytes = await readModelFile(file);
  const input = await resolveInput(flags, file);
  const { imageShape, classes } = describeClassifier(readClassifier(bytes, input.classifier).model);
  const images =
    flags.data === undefined
      ? undefined
      : await loadData(flags.data, {
          imageShape,
          classes,
          signal,
          ...input.pictures,
          ...(flags.count === undefined ? {} : { count: flags.count }),
        });
  const report = await spectralReport(bytes, { ...input.classifier, ...(images === undefined ? {} : { images }) });
  if (input.found !== undefined) out.write(`input   ${input.found}\n`);
  out.write(`model   ${file}: [${imageShape.join(', ')}] to ${classes} classes\n\n${layerTable(report)}`);
  out.write(`\nLipschitz constant of pixels to logits: at most ${report.lipschitz.toPrecision(4)}\n`);
  if (images !== undefined) out.write(certificates(report));
  if (flags.out !== undefined) {
    const json = `${JSON.stringify({ model: file, data: images?.source ?? null, ...report }, undefined, 1)}\n`;
    await writeOutputFolder(flags.out, (staging) => writeFile(path.join(staging, 'spectrum.json'), json));
    out.write(`results ${path.join(flags.out, 'spectrum.json')}\n`);
  }
  return ExitCode.OK;
}

/** Activations that change no distance are left out. */
function layerTable({ layers }: SpectralReport): string {
  const shown = layers.filter(({ kind, norm }) => kind !== 'layout' && !(kind === 'activation' && norm === 1));
  const rows = [
    ['layer', 'operator', 'from', 'to', 'norm', 'product'],
    ...shown.map(({ name, op, inputShape, outputShape, norm, product }) => [
      name,
      op,
      inputShape.join('×'),
      outputShape.join('×'),
      norm.toPrecision(4),
      product.toPrecision(4),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) =>
    row.map((text, i) => (i < 2 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join('  ');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}

function certificates({
  summary: { images, correct, meanDistortion, meanPairwiseDistortion },
}: SpectralReport): string {
  const pairs =
    meanPairwiseDistortion === null ? '' : `, ${formatDistortion(meanPairwiseDistortion)} by pairs of classes`;
  return `certified distortion, mean over ${formatCount(correct)} of ${formatCount(images)} images answered rightly: ${formatDistortion(meanDistortion)}${pairs}\n`;
}
