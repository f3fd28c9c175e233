/** `blindspot inspect`: which images move the units of a layer most, against random directions. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { inspectUnits, type UnitInspection } from '../analysis/units/inspect_units.ts';
import { LAYER_VIEWS, type LayerView } from '../analysis/units/probe_graph.ts';
import { unitFigurePng } from '../analysis/units/unit_figure.ts';
import { checkOutputFolder, writeOutputFolder } from '../base/output_folder.ts';
import { loadData } from '../data/load_data.ts';
import { readModelFile } from '../model/read_model_file.ts';
import { describeClassifier } from '../onnx/classifier.ts';
import { readClassifier } from '../onnx/read_classifier.ts';
import { formatCount, formatShare } from '../report/number_format.ts';
import { addInputFlags, addPictureFlags, type InputFlags, type PictureFlags, resolveInput } from './input_flags.ts';
import { modelFile, wholeNumber } from './option_parsers.ts';
import { ProgressLine } from './progress_line.ts';
import { ExitCode, type Terminal } from './terminal.ts';

interface InspectFlags extends InputFlags, PictureFlags {
  model: string;
  layer: string;
  data: string;
  out: string;
  view: LayerView;
  count?: number;
  top: number;
  seed: number;
}

const EXAMPLES = `
A layer is named as its value in the model; a wrong name is answered with those there are.
Examples:
  The first hidden layer of a network trained here:
    npx blindspot inspect --model out/fc --layer Sigmoid_1 --data mnist --out out/units

What it leaves in --out:
  units.json  for every unit and as many directions the images found, and the purity of their labels
  units.png   the images of four units and of four random directions`;

/** @param finish takes the exit code. */
export function addInspectCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('inspect')
    .summary('show which images move the units of a layer most, against random directions')
    .description(
      'Finds the images that move each unit of a layer most, and the same for random directions of that layer (Szegedy et al. 2013, section 3), and measures whether the labels of the ones are purer than those of the others.',
    )
    .requiredOption('--model <file|dir>', 'an ONNX classifier, or a folder that holds model.onnx')
    .requiredOption('--layer <name>', 'name of a value inside the model')
    .requiredOption('--data <name>', 'labelled images: mnist, a folder of image files, or a .npz file')
    .requiredOption('--out <dir>', 'folder for the results')
    .addOption(
      new Option(
        '--view <name>',
        'what a unit of a layer with space is: a channel at its strongest position, or each position',
      )
        .choices(LAYER_VIEWS)
        .default('channels'),
    )
    .option('--count <n>', 'the first n images (default: all)', wholeNumber(1))
    .option('--top <n>', 'images found for each unit', wholeNumber(1), 10)
    .option('--seed <n>', 'of directions, and of the units shown', wholeNumber(0), 0);
  addInputFlags(addPictureFlags(command))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: InspectFlags) => finish(await runInspection(flags, terminal)));
}

async function runInspection(flags: InspectFlags, { out, err, signal }: Terminal): Promise<ExitCode> {
  const { layer, view, top, seed } = flags;
  await checkOutputFolder(flags.out);
  const file = await modelFile(flags.model);
  const bytes = await readModelFile(file);
  const input = await resolveInput(flags, file);
  const { model } = readClassifier(bytes, input.classifier);
  const { imageShape, classes } = describeClassifier(model);
  const count = flags.count === undefined ? {} : { count: flags.count };
  const images = await loadData(flags.data, { imageShape, classes, signal, ...input.pictures, ...count });
  const progress = new ProgressLine(err, 'looking through');
  try {
    const inspection = await inspectUnits(model, images, {
      ...{ layer, view, top, seed, signal },
      onProgress: (done, total) =>
        progress.update(done / total, `${formatCount(done)} of ${formatCount(total)} images`),
    });
    progress.end();
    const figure = await unitFigurePng(inspection, images);
    await writeOutputFolder(flags.out, async (staging) => {
      await writeFile(path.join(staging, 'units.json'), `${JSON.stringify(inspection, undefined, 1)}\n`);
      await writeFile(path.join(staging, 'units.png'), figure);
    });
    if (input.found !== undefined) out.write(`input   ${input.found}\n`);
    out.write(inspectionText(inspection));
    out.write(`results ${path.join(flags.out, 'units.json')}, ${path.join(flags.out, 'units.png')}\n`);
    return ExitCode.OK;
  } finally {
    progress.end();
  }
}

function inspectionText({ layer, shape, units, constantUnits, images, top, purity }: UnitInspection): string {
  const points = (share: number) => (100 * share).toFixed(1).replace('-', '−');
  const dead = constantUnits === 0 ? '' : `, ${formatCount(constantUnits)} of them dead`;
  const verdict = purity.distinguishable ? 'can be told apart' : 'cannot be told apart';
  return [
    `layer   ${layer}: [${shape.join(', ')}], ${formatCount(units)} units${dead}; ${formatCount(images)} images\n\n`,
    `label purity of the top ${top} images: units ${formatShare(purity.natural)}, random directions ${formatShare(purity.random)}, images at random ${formatShare(purity.chance)}\n`,
    `difference ${points(purity.difference)} points, 95 % between ${points(purity.interval[0])} and ${points(purity.interval[1])}: units and directions ${verdict}\n`,
  ].join('');
}
