/** `blindspot bench`: times, distortions and memory, each as a ratio measured within one run. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { runBench } from '../bench/bench.ts';
import { figurePngs } from '../bench/figures.ts';
import { chooseGroups, GROUP_NAMES, GROUPS } from '../bench/groups.ts';
import { fillDocument, reportText } from '../bench/markdown.ts';
import { BenchReport } from '../bench/report.ts';
import { HALVES, type Half } from '../bench/zoo/networks.ts';
import { writeFileAtomically } from '../data/atomic_write.ts';
import { readUserFile } from '../data/read_file.ts';
import { BlindspotError } from '../errors.ts';
import { ExitCode, type Terminal } from './terminal.ts';

interface BenchFlags {
  only?: string[];
  quick: boolean;
  out: string;
  markdown?: string;
  models?: string;
  count?: number;
  half?: Half;
}

const REPEATS = { full: 7, quick: 5 } as const;

const EXAMPLES = `
Groups:
${GROUPS.map(({ name, summary }) => `  ${name.padEnd(11)}${summary}`).join('\n')}

Contestants take turns, each figure is the median of at least ${REPEATS.quick} repeats. Run it on a machine that does nothing else. Networks
are trained once, about ten minutes in all, and kept beside the results.

Examples:
  A look at everything, in a few minutes:
    npx blindspot bench --quick
  How well the search holds on networks it was not made with, and on yours:
    npx blindspot bench --only quality --models FOLDER
  One group in earnest:
    npx blindspot bench --only search
  The tables of this project's documentation (in a clone; builds the C++ benchmarks first):
    npm run bench -- --markdown docs/benchmarks.md`;

/** @param finish takes the exit code. */
export function addBenchCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('bench')
    .summary('measure speed, distortions and memory on this machine')
    .description('Measures speed, distortions and memory on this machine, peers beside where they are installed.')
    .option('--only <names>', `groups, with commas between: ${GROUP_NAMES.join(', ')} (default: all)`, groupNames)
    .option('--quick', 'few images and short trainings: shows that it works', false)
    .option('--out <file>', 'every measurement, as JSON', 'out/bench/results.json')
    .option('--markdown <file>', 'a document whose marked tables are replaced; JSON and figures go beside it')
    .option('--models <folder>', 'quality: ONNX files of MNIST or CIFAR-10 to judge, too')
    .option('--count <n>', 'quality: images of each network (default: 20)', imageCount)
    .addOption(new Option('--half <name>', 'quality: one half of the zoo alone (default: both)').choices(HALVES))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: BenchFlags) => finish(await runBenchmark(flags, terminal)));
}

function imageCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 2000) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 1 to 2000.');
}

function groupNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  try {
    chooseGroups(names);
    return names;
  } catch (error) {
    if (error instanceof BlindspotError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

async function runBenchmark(flags: BenchFlags, terminal: Terminal): Promise<ExitCode> {
  const { only, quick, out: file, markdown, models, count, half } = flags;
  const { out, err, signal } = terminal;
  const groups = chooseGroups(only);
  // Asked for before hours of work, not after.
  if (markdown !== undefined) await readUserFile(markdown, 'document');
  const context = {
    quick,
    repeats: quick ? REPEATS.quick : REPEATS.full,
    folder: path.join(path.dirname(file), 'kept'),
    signal,
    tell: (text: string) => err.write(`${text}\n`),
    models,
    count,
    half,
  };
  const done: BenchReport = {};
  try {
    await runBench(groups, context, async (name, report) => {
      done[name] = report;
      out.write(reportText(report));
      await writeFileAtomically(file, `${JSON.stringify(done, undefined, 1)}\n`);
      if (markdown !== undefined) await updateDocument(markdown, done);
    });
  } catch (error) {
    if (!signal.aborted || Object.keys(done).length === 0) throw error;
    out.write(`\nInterrupted: only ${Object.keys(done).join(', ')} finished\nresults  ${file}\n`);
    return ExitCode.INTERRUPTED;
  }
  out.write(`\nresults  ${file}\n`);
  return ExitCode.OK;
}

/** docs/benchmarks.md keeps its measurements in docs/benchmarks.json: groups not run now stay as they were. */
async function updateDocument(document: string, done: BenchReport): Promise<void> {
  const kept = `${document.replace(/\.md$/, '')}.json`;
  const before = existsSync(kept) ? BenchReport.parse(JSON.parse(await readFile(kept, 'utf8'))) : {};
  const report = { ...before, ...done };
  const text = new TextDecoder().decode(await readUserFile(document, 'document'));
  for (const [name, png] of await figurePngs(done)) {
    await writeFileAtomically(path.join(path.dirname(document), 'figures', `${name}.png`), png);
  }
  await writeFileAtomically(kept, `${JSON.stringify(report)}\n`);
  await writeFileAtomically(document, fillDocument(text, report));
}
