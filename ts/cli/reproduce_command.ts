/** `blindspot reproduce`: the paper's tables and figures, ours beside the paper's. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { checkOutputFolder, writeOutputFolder } from '../base/output_folder.ts';
import { writeFileAtomically } from '../data/atomic_write.ts';
import { BlindspotError } from '../errors.ts';
import { chooseExperiments, EXPERIMENT_NAMES } from '../experiments/experiments.ts';
import { SHIPPED_IMAGENET } from '../experiments/imagenet_source.ts';
import { DEFAULT_IMAGES, studySettings } from '../experiments/profiles.ts';
import { examplesJson, reportJson, reportMarkdown, reportPage } from '../experiments/report.ts';
import { type Reproduction, reproduce } from '../experiments/reproduce.ts';
import { Store } from '../experiments/store.ts';
import { formatSeconds, plural } from '../report/number_format.ts';
import { addInputFlags, type InputFlags, resolveInput } from './input_flags.ts';
import { wholeNumber } from './option_parsers.ts';
import { ProgressLine } from './progress_line.ts';
import { ExitCode, type Terminal } from './terminal.ts';

interface ReproduceFlags extends InputFlags {
  out: string;
  quick: boolean;
  only?: string[];
  seed: number;
  seeds: number;
  images?: number;
  markdown?: string;
  imagenetModel?: string;
  photos?: string;
}

const EXAMPLES = `
What there is: ${EXPERIMENT_NAMES.join(', ')}.
Examples:
  Everything, about forty minutes on two cores:
    npx blindspot reproduce --out out/paper
  Two parts of it:
    npx blindspot reproduce --only table1,figure7 --out out/paper
  Tables 1 to 4 with their spread over five seeds, half an hour more:
    npx blindspot reproduce --only table1,table2,table3,table4 --seeds 5 --out out/paper
  Figure 5 with SqueezeNet and your own photos:
    npx blindspot reproduce --only imagenet --imagenet-model squeezenet.onnx --input-range 0..255 --channels bgr --mean 104,117,123 --photos photos --out out/photos
  All of the code in two minutes, with numbers that say nothing:
    npx blindspot reproduce --quick --out out/quick

What it leaves in --out:
  report.html       tables and figures, ours beside the paper's, and which of its statements hold
  results.json      every number, with 95 % intervals
  examples.json     some of the images that tables 1 to 4 count, and what the models say of them
  reproduction.md   the report as Markdown
  figures/*.png     at print quality
  cache/            trained models, examples and finished parts: a run that was ended, even killed, goes on from them`;

/** @param finish takes the exit code. */
export function addReproduceCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('reproduce')
    .summary("make the tables and figures of the paper, ours beside the paper's")
    .description(
      'Makes the tables and figures of Szegedy et al. 2013, “Intriguing properties of neural networks”, and says which of its statements hold.',
    )
    .requiredOption('--out <dir>', 'folder for the report')
    .option('--quick', 'few images and epochs: shows that it works, says nothing about the paper', false)
    .option('--only <names>', `parts, with commas between: ${EXPERIMENT_NAMES.join(', ')} (default: all)`, names)
    .option('--seed <n>', 'of weights, orders, targets and noise', wholeNumber(0), 0)
    .option(
      '--seeds <n>',
      'make tables 1 to 4 with so many seeds; each takes about seven minutes more',
      wholeNumber(1, 100),
      1,
    )
    .option('--images <n>', `images distorted for each model (default: ${DEFAULT_IMAGES})`, wholeNumber(1, 10_000))
    .option('--markdown <file>', 'write the Markdown there, and its figures into a folder of its name beside')
    .option(
      '--imagenet-model <file>',
      'an ONNX model of ImageNet’s 1,000 classes (default: MobileNet v1 0.25, shipped)',
    )
    .option('--photos <folder>', 'photos for it (default: the three that are shipped)');
  addInputFlags(command)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: ReproduceFlags) => finish(await runReproduction(flags, terminal)));
}

function names(text: string): string[] {
  const wanted = text.split(',').map((name) => name.trim());
  try {
    chooseExperiments(wanted);
    return wanted;
  } catch (error) {
    if (error instanceof BlindspotError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

async function runReproduction(flags: ReproduceFlags, terminal: Terminal): Promise<ExitCode> {
  const { out, err, signal } = terminal;
  await checkOutputFolder(flags.out);
  const progress = new ProgressLine(err, 'reproducing');
  try {
    const reproduction = await reproduce({
      experiments: chooseExperiments(flags.only),
      settings: studySettings({ quick: flags.quick, seed: flags.seed, images: flags.images }),
      seeds: flags.seeds,
      store: new Store(path.join(flags.out, 'cache')),
      imagenet: {
        model: flags.imagenetModel ?? SHIPPED_IMAGENET.model,
        photos: flags.photos ?? SHIPPED_IMAGENET.photos,
        classifier: (await resolveInput(flags, flags.imagenetModel ?? SHIPPED_IMAGENET.model)).classifier,
      },
      signal,
      onProgress: ({ done, text, secondsLeft }) =>
        progress.update(done, `${text} · ${formatSeconds(secondsLeft)} left`),
      onFinished: (name, kept) => {
        progress.end();
        out.write(`${name}${kept ? ' (kept from before)' : ''}\n`);
      },
    });
    progress.end();
    await writeReproduction(flags.out, reproduction);
    if (flags.markdown !== undefined) await writeMarkdown(flags.markdown, reproduction);
    return conclude(flags, reproduction, out);
  } finally {
    progress.end();
  }
}

async function writeReproduction(folder: string, reproduction: Reproduction): Promise<void> {
  await writeOutputFolder(folder, async (staging) => {
    await writeFile(path.join(staging, 'report.html'), reportPage(reproduction));
    await writeFile(path.join(staging, 'results.json'), reportJson(reproduction));
    await writeFile(path.join(staging, 'examples.json'), examplesJson(reproduction));
    await writeFile(path.join(staging, 'reproduction.md'), reportMarkdown(reproduction, 'figures'));
    await mkdir(path.join(staging, 'figures'));
    for (const { figures } of reproduction.finished) {
      for (const [name, png] of figures) await writeFile(path.join(staging, 'figures', name), png);
    }
  });
}

/** docs/reproduction.md gets its figures in docs/reproduction/. */
async function writeMarkdown(file: string, reproduction: Reproduction): Promise<void> {
  const folder = path.join(path.dirname(file), path.basename(file, path.extname(file)));
  for (const { figures } of reproduction.finished) {
    for (const [name, png] of figures) await writeFileAtomically(path.join(folder, name), png);
  }
  await writeFileAtomically(path.join(folder, 'examples.json'), examplesJson(reproduction));
  await writeFileAtomically(file, reportMarkdown(reproduction, path.basename(folder)));
}

function conclude(
  { out: folder }: ReproduceFlags,
  { finished, missing, seconds }: Reproduction,
  out: Terminal['out'],
): ExitCode {
  if (missing.length > 0) {
    out.write(
      `\nInterrupted before ${missing.join(', ')}: what is done is kept; the same command goes on from there.\n`,
    );
  } else {
    out.write(`\n${plural(finished.length, 'part')} in ${formatSeconds(seconds)}\n`);
  }
  out.write(`report  ${path.join(folder, 'report.html')}\n`);
  return missing.length > 0 ? ExitCode.INTERRUPTED : ExitCode.OK;
}
