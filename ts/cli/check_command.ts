/** `blindspot check`: what a file is, in one screen. */
import type { Command } from 'commander';
import { saveWrappedModel } from '../attack/attack.ts';
import { loadData } from '../data/load_data.ts';
import { checkFile, type ModelCheck } from '../model/check_model.ts';
import { readModelFile } from '../model/read_model_file.ts';
import { formatCount, formatSeconds, formatShare, plural } from '../report/number_format.ts';
import { createSession } from '../runtime/node_session.ts';
import { addInputFlags, addPictureFlags, type InputFlags, type PictureFlags, resolveInput } from './input_flags.ts';
import { modelFile, wholeNumber } from './option_parsers.ts';
import { ExitCode, type Terminal } from './terminal.ts';

interface CheckFlags extends InputFlags, PictureFlags {
  data?: string;
  count: number;
  wrapped?: string;
}

const EXAMPLES = `
Examples:
  The same network as a file that takes pixels from 0 to 1 as they are:
    npx blindspot check model.onnx --mean imagenet --std imagenet --wrapped wrapped.onnx
  What a file is, and what blocks it:
    npx blindspot check model.onnx
  What it seems to want of its pixels, tried on labelled images:
    npx blindspot check model.onnx --data photos --resize

The exit code is 0 when the model can be attacked, 1 when it cannot, 2 for a mistake in what was asked.`;

/** @param finish takes the exit code. */
export function addCheckCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('check')
    .summary('tell what a model file is, and how to attack it')
    .description(
      'Tells what an ONNX file is: inputs, outputs, classes, operators and which of them block an attack, precision, whether gradients are of use; with labelled images also its accuracy, and what it seems to want of its pixels.',
    )
    .argument('<model>', 'an ONNX file, or a folder that holds model.onnx')
    .option('--data <name>', 'labelled images, as for attack')
    .option('--count <n>', 'the first n of them', wholeNumber(1), 32);
  addInputFlags(addPictureFlags(command))
    .option(
      '--wrapped <file>',
      'write the model with what it wants of its pixels in front, an ONNX file of its own: pixels [N, …] in [0, 1] to scores [N, classes]',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, flags: CheckFlags) => finish(await runCheck(model, flags, terminal)));
}

async function runCheck(model: string, flags: CheckFlags, { out, signal }: Terminal): Promise<ExitCode> {
  const path = await modelFile(model);
  const bytes = await readModelFile(path);
  const { data } = flags;
  const input = await resolveInput(flags, path);
  const load =
    data === undefined
      ? undefined
      : async ({ imageShape, classes }: { imageShape: number[]; classes: number }) => {
          const options = { imageShape, classes, ...input.pictures, signal };
          const all = await loadData(data, options);
          return all.count <= flags.count ? all : await loadData(data, { ...options, count: flags.count });
        };
  const check = await checkFile(createSession, bytes, load, input.classifier);
  out.write(`${checkText(path, bytes.length, check, input.found).join('\n')}\n`);
  if (flags.wrapped !== undefined && check.blocked === undefined) {
    await saveWrappedModel(flags.wrapped, bytes, input.classifier);
    out.write(`${'wrapped'.padEnd(10)}  ${flags.wrapped}: "pixels" in [0, 1] to "scores"\n`);
  }
  return check.blocked === undefined ? ExitCode.OK : ExitCode.GATE;
}

function checkText(path: string, size: number, check: ModelCheck, found: string | undefined): string[] {
  const { file, classifier, blocked } = check;
  const line = (name: string, text: string): string => `${name.padEnd(10)}  ${text}`;
  const value = ({ name, type, shape }: ModelCheck['file']['inputs'][number]): string =>
    `"${name}" ${type} [${shape.join(', ')}]`;
  const made = file.producer === '' ? '' : `, by ${file.producer}`;
  const missing = file.operators.filter(({ supported }) => !supported);
  const common = file.operators
    .slice(0, 8)
    .map(({ op, count }) => `${count} ${op}`)
    .join(', ');
  const others = file.operators.length > 8 ? `, ${file.operators.length - 8} more kinds` : '';
  const lines = [
    line(
      'file',
      `${path}, ${(size / 2 ** 20).toFixed(1)} MiB, IR ${file.irVersion}, opset ${file.opset ?? '?'}${made}`,
    ),
    ...file.inputs.map((input, i) => line(i === 0 ? 'input' : '', value(input))),
    ...file.outputs.map((output, i) => {
      const scores = output.name === check.scores ? '  <- the class scores' : '';
      return line(i === 0 ? 'output' : '', `${value(output)}${scores}`);
    }),
    line('operators', `${common}${others}`),
    line(
      'weights',
      `${formatCount(file.parameters)}${file.precisions.length > 0 ? `, ${file.precisions.join(', ')}` : ''}`,
    ),
  ];
  if (found !== undefined) lines.push(line('takes', found));
  if (missing.length > 0) {
    const named = missing.map(({ op, count, first }) => `${op} (${count}, first "${first}")`).join(', ');
    lines.push(line('missing', `${named}: not supported`));
  }
  if (blocked !== undefined || classifier === undefined) {
    lines.push('', `It cannot be attacked: ${blocked ?? 'it is no classifier'}`);
    return lines;
  }
  const { imageShape, classes, batch, endsWithSoftmax } = classifier;
  const ending = endsWithSoftmax ? ', a softmax or the like at its end left out' : '';
  lines.push(line('classes', `${classes}${ending}`));
  lines.push(
    line(
      'images',
      `[${imageShape.join(', ')}], ${batch === 'symbolic' ? 'any batch' : `the file takes ${plural(batch, 'image')} at once`}`,
    ),
  );
  if (check.notOriginal !== undefined)
    lines.push(line('judged by', `a float32 copy, not the file itself: ${check.notOriginal}`));
  if (check.gradient !== undefined) lines.push(line('gradient', gradientText(check.gradient)));
  if (check.accuracy !== undefined)
    lines.push(line('accuracy', `${formatShare(check.accuracy)} of the images, with the options given`));
  lines.push(...guessText(check));
  return lines;
}

function gradientText({ images, zero, notFinite, seconds }: NonNullable<ModelCheck['gradient']>): string {
  const faults = [...(zero > 0 ? [`0 at ${zero}`] : []), ...(notFinite > 0 ? [`not finite at ${notFinite}`] : [])];
  const health = faults.length === 0 ? 'finite and not 0' : faults.join(', ');
  return `${health} of ${plural(images, 'image')}; ${formatSeconds(seconds)} for one`;
}

function guessText({ guesses, accuracy }: ModelCheck): string[] {
  const [best] = guesses ?? [];
  if (!guesses || !best) return [];
  const shown = guesses.slice(0, 5).map(({ flags, accuracy: share }) => {
    return `  ${formatShare(share).padStart(7)}  ${flags === '' ? 'pixels as they are' : flags}`;
  });
  const lines = ['', 'What it may want of its pixels, by its accuracy on a few images:', ...shown];
  if (best.flags !== '' && best.accuracy > (accuracy ?? 0)) lines.push('', `Try the options ${best.flags}`);
  return lines;
}
