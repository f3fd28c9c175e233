/** `blindspot attack`: reads the model, runs the search, writes the report, judges the gates. */
import { createHash } from 'node:crypto';
import { type Command, Option } from 'commander';
import { openModel } from '../attack/attack.ts';
import { KERNELS } from '../attack/attack_options.ts';
import { checkOutputFolder } from '../base/output_folder.ts';
import { readUserFile } from '../data/read_file.ts';
import { loadKernelSelection } from '../kernel/load_kernel_node.ts';
import { EFFORTS, SEARCH_METHODS } from '../kernel/options.ts';
import { readClassNames } from '../model/class_names.ts';
import { readModelFile } from '../model/read_model_file.ts';
import { formatCount, plural } from '../report/number_format.ts';
import { PROVIDERS } from '../runtime/session.ts';
import { type AttackFlags, runSearch } from './attack_run.ts';
import { attackSummaryText } from './attack_summary_text.ts';
import {
  type Comparison,
  compareWithBaseline,
  type Gate,
  type GateResult,
  judgeGates,
  junit,
  parseGate,
} from './gates.ts';
import { addInputFlags, addPictureFlags, resolveInput } from './input_flags.ts';
import { byteCount, modelFile, targetChoice, wholeNumber } from './option_parsers.ts';
import { ExitCode, type Terminal } from './terminal.ts';

const FORMATS = ['text', 'json', 'junit'];

function gate(text: string, before: readonly Gate[]): Gate[] {
  return [...before, parseGate(text)];
}

const EXAMPLES = `
Examples:
  The nearest mistakes of 100 MNIST test images, and a report of them in out/a:
    npx blindspot attack --model out/fc/model.onnx --data mnist --count 100 --out out/a
  The nearest image that the model takes for a class drawn at random:
    npx blindspot attack --model out/fc --data mnist --count 100 --target random --out out/b
  A model of pixels from 0 to 255, blue first, less the mean of each channel:
    npx blindspot attack --model net.onnx --data photos --resize --input-range 0..255 --channels bgr --mean 104,117,123 --out out/d
  Images of your own, each in a folder named by its class index (photos/3/cat.png), that stay adversarial as PNG files:
    npx blindspot attack --model model.onnx --data photos --quantize 8 --out out/c

What it leaves in --out:
  report.html       the answer, with pictures; opens in any browser
  results.json      summary and one line an image: l2, distortion, verdicts, evaluations, status
  adversarial.npz   images float32 [N, …], labels, targets (-1: none), indices; of more images than memory holds
                    adversarial-00001.npz and so on
  figures/*.png     the report's figures

Distortion is the root mean square change of a pixel, pixels in [0, 1]: sqrt(Σ (x' - x)² / n).
The exit code is 0 when the attack ran to its end, 1 when a gate (--fail-under) is not met, 2 for a mistake in what was asked, 130 after Ctrl-C.`;

/** @param finish takes the exit code. */
export function addAttackCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const choice = (flags: string, text: string, names: readonly string[], standard: string) =>
    new Option(flags, text).choices(names).default(standard);
  const command = program
    .command('attack')
    .summary('find the smallest change to each image that makes a model answer wrongly')
    .description(
      'Finds, for each image, a change as small as can be found that makes the model answer wrongly, and proves it by running the plain model on the very pixels it delivers. Images that are answered wrongly from the start are reported apart.',
    )
    .requiredOption('--model <file|dir>', 'an ONNX classifier, or a folder that holds model.onnx')
    .requiredOption(
      '--data <name>',
      'labelled images: mnist (test images; mnist:train, mnist:P1, mnist:P2), fashion-mnist, cifar10, a folder of image files, or a .npz file',
    )
    .requiredOption('--out <dir>', 'folder for the results')
    .option('--start <n>', 'index of the first image in the data', wholeNumber(0), 0)
    .option('--count <n>', 'how many images from there on (default: all)', wholeNumber(1))
    .addOption(
      new Option(
        '--target <class>',
        "class to reach: none (any wrong one), random, least-likely, labels (the data's targets), or a class index",
      )
        .argParser(targetChoice)
        .default('none'),
    )
    .addOption(
      choice(
        '--method <name>',
        'boundary is fast and closest; penalty is the method of Szegedy et al. 2013; deepfool, a baseline that ends where the answer first changes',
        SEARCH_METHODS,
        'boundary',
      ),
    )
    .addOption(
      choice('--effort <name>', 'gradients per image: about 45, 400 or 3,000; more end nearer', EFFORTS, 'fast'),
    )
    .addOption(
      choice(
        '--kernel <name>',
        'the C++ search as a native addon or as WebAssembly; auto takes the first that loads',
        KERNELS,
        'auto',
      ),
    )
    .addOption(choice('--provider <name>', 'where ONNX Runtime runs the model', PROVIDERS, 'cpu'))
    .option('--workers <n>', 'threads that search (default: by the work there is)', wholeNumber(1, 256))
    .option(
      '--lanes <n>',
      'images searched at once by a worker (default: by images and memory)',
      wholeNumber(1, 65_536),
    )
    .option('--seed <n>', 'of random targets and restarts', wholeNumber(0), 0)
    .option(
      '--quantize <bits>',
      'search among images that a file with that many bits per value holds exactly; 0 for none',
      wholeNumber(0, 16),
      0,
    )
    .option(
      '--max-evaluations <n>',
      'most gradient evaluations of an image; 0: as method and effort have it',
      wholeNumber(0, 2 ** 31 - 1),
      0,
    )
    .option(
      '--max-memory <bytes>',
      'memory for searches and activations, such as 512M (default: 2G, or what one image of a larger model needs); of a folder whose images take more than a quarter of it, an eighth is read at a time',
      byteCount,
    );
  addPictureFlags(command);
  command.option(
    '--classes <file>',
    'names of the classes: a file of one a line, or imagenet (default: labels.txt or config.json beside the model, or the metadata in it)',
  );
  command
    .option(
      '--fail-under <gate>',
      'exit with 1 unless it is met: distortion=0.01, l2=0.5 (means of what is found), robust-accuracy@0.02=0.9; repeatable',
      gate,
      [],
    )
    .addOption(
      choice('--format <name>', 'what is printed: text, json (summary and gates) or junit (gates)', FORMATS, 'text'),
    )
    .option('--baseline <file>', 'results.json of an earlier attack, to compare with image by image');
  addInputFlags(command)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: AttackFlags) => finish(await runAttack(flags, terminal, program)));
}

async function runAttack(flags: AttackFlags, terminal: Terminal, program: Command): Promise<ExitCode> {
  const plain = flags.format === 'text';
  const out = plain ? terminal.out : terminal.err;
  await checkOutputFolder(flags.out);
  const baseline = flags.baseline === undefined ? undefined : await readUserFile(flags.baseline, 'baseline');
  const file = await modelFile(flags.model);
  const bytes = await readModelFile(file);
  const input = await resolveInput(flags, file);
  await using model = await openModel(bytes, { ...input.classifier, provider: flags.provider });
  const { imageShape, classes } = model;
  const classNames = await readClassNames(flags.classes, file, classes, bytes);
  const selection = await loadKernelSelection(flags.kernel);
  const about = (source: string, count: number, unlabelled: boolean): void => {
    out.write(`model   ${file}: [${imageShape.join(', ')}] to ${classes} classes\n`);
    if (input.found !== undefined) out.write(`input   ${input.found}\n`);
    const labels = unlabelled ? ', without labels: the answers of the model count as right' : '';
    out.write(`data    ${source}: ${formatCount(count)} images${labels}\n`);
    out.write(`kernel  ${selection.reason} (${selection.kernel.instructionSet})\n`);
  };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { kernel } = selection;
  const finished = await runSearch({ flags, input, model, sha256, kernel, classNames, terminal, about });
  try {
    const outcome = finished.results;
    await finished.save({
      model: { name: file, path: file },
      data: { name: finished.source, path: flags.data },
      commandLine: commandLine(program),
      ...(classNames === undefined ? {} : { classNames }),
      settings: { ...flagSettings(flags), 'model SHA-256': sha256 },
      createdAt: new Date(),
    });
    if (outcome.summary.interruptedOf === undefined) finished.forget();
    if (plain) out.write(`\n${attackSummaryText(outcome.summary, flags.out, out.isTTY === true)}`);
    const gates = judgeGates(flags.failUnder, outcome);
    const compared =
      baseline === undefined
        ? undefined
        : compareWithBaseline(new TextDecoder().decode(baseline), flags.baseline ?? '', outcome);
    if (flags.format === 'json') {
      terminal.out.write(`${JSON.stringify({ summary: outcome.summary, gates, baseline: compared }, undefined, 2)}\n`);
    } else if (flags.format === 'junit') terminal.out.write(junit(gates));
    else for (const line of verdictLines(gates, compared)) out.write(`${line}\n`);
    if (outcome.summary.interruptedOf !== undefined) return ExitCode.INTERRUPTED;
    return gates.every(({ met }) => met) ? ExitCode.OK : ExitCode.GATE;
  } finally {
    finished.close();
  }
}

function verdictLines(gates: readonly GateResult[], compared: Comparison | undefined): string[] {
  const lines = gates.map(({ met, why }) => `${met ? 'gate' : 'GATE'}        ${why}`);
  if (compared === undefined) return lines;
  const { images, nearer, further } = compared;
  const named = (list: readonly number[]) => {
    const more = list.length > SHOWN ? `, and ${list.length - SHOWN} more` : '';
    return list.length === 0 ? '' : ` (${list.slice(0, SHOWN).join(', ')}${more})`;
  };
  lines.push(
    `baseline    of ${plural(images, 'image')}, mistakes are nearer at ${nearer.length}${named(nearer)}, further at ${further.length}${named(further)}`,
  );
  return lines;
}

/** Positions of images shown. */
const SHOWN = 10;

/** What the summary does not hold yet. */
function flagSettings({ quantize, maxEvaluations, lanes }: AttackFlags): Record<string, string | number> {
  return {
    ...(quantize === 0 ? {} : { 'quantized to bits': quantize }),
    ...(maxEvaluations === 0 ? {} : { 'evaluations at most': maxEvaluations }),
    ...(lanes === undefined ? {} : { lanes }),
  };
}

/** As a reader would type it again. */
function commandLine(program: Command): string {
  const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  return ['npx', 'blindspot', ...program.args.map(quote)].join(' ');
}
