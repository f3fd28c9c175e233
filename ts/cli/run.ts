/** The command line as a function: arguments and streams in, exit code out. */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../attack/versions.ts';
import { BlindspotError } from '../errors.ts';
import { addAttackCommand } from './attack_command.ts';
import { addBenchCommand } from './bench_command.ts';
import { addCertifyCommand } from './certify_command.ts';
import { addCheckCommand } from './check_command.ts';
import { addDemoCommand } from './demo_command.ts';
import { withBareResize } from './input_flags.ts';
import { addInspectCommand } from './inspect_command.ts';
import { addReproduceCommand } from './reproduce_command.ts';
import { addServeCommand } from './serve_command.ts';
import { addSpectrumCommand } from './spectrum_command.ts';
import { ExitCode, type Terminal } from './terminal.ts';
import { addTrainCommand } from './train_command.ts';

const STEPS = `
Three steps:
  1. A model. Train one of ours, or take any ONNX classifier of yours whose input is pixels in [0, 1]:
       npx blindspot train --model fc100-100-10 --data mnist --out out/fc
  2. Its nearest mistakes, with a report:
       npx blindspot attack --model out/fc/model.onnx --data mnist --count 100 --out out/attack
  3. Open out/attack/report.html in a browser.

"npx blindspot attack --help" tells all that can be set, and what is written.`;

/**
 * @param argv arguments after the program's name.
 * @returns 0; 2 for a user's mistake, said in one line on `err`; 1 for a defect of ours; 130 after Ctrl-C.
 */
export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = ExitCode.OK;
  const program = new Command('blindspot');
  program
    .description(
      'How far is your model from a mistake? Finds the smallest change to an image that makes a classifier answer wrongly, for any ONNX model.',
    )
    .version(packageVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.err.write(text),
      outputError: (text, write) => write(`${oneLine(text)}\n`),
    })
    .addHelpText('after', STEPS);
  const finish = (exitCode: ExitCode): void => {
    code = exitCode;
  };
  addTrainCommand(program, terminal, finish);
  addAttackCommand(program, terminal, finish);
  addCheckCommand(program, terminal, finish);
  addDemoCommand(program, terminal, finish);
  addServeCommand(program, terminal, finish);
  addReproduceCommand(program, terminal, finish);
  addSpectrumCommand(program, terminal, finish);
  addCertifyCommand(program, terminal, finish);
  addInspectCommand(program, terminal, finish);
  addBenchCommand(program, terminal, finish);
  if (argv.length === 0) {
    program.outputHelp();
    return ExitCode.OK;
  }
  try {
    await program.parseAsync(withBareResize(argv), { from: 'user' });
    return code;
  } catch (error) {
    return report(error, terminal);
  }
}

function report(error: unknown, { err, signal }: Terminal): ExitCode {
  // Commander has said it already; help and version end this way, too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.OK : ExitCode.USER;
  if (error instanceof BlindspotError) {
    err.write(`error: ${oneLine(error.message)}\n`);
    return ExitCode.USER;
  }
  if (signal.aborted) {
    err.write('Interrupted before anything was done; nothing was written.\n');
    return ExitCode.INTERRUPTED;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  err.write(`internal error, please report it: ${text}\n`);
  return ExitCode.INTERNAL;
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}
