/** Options of the command line that tell what a model wants of its pixels, the same for every command that runs one. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type InputOptions, type NamedStatistics, STATISTICS_NAMES } from '../onnx/preprocessing.ts';
import type { ClassifierOptions } from '../onnx/read_classifier.ts';

export interface InputFlags {
  inputRange?: [number, number];
  mean?: NamedStatistics | number[];
  std?: NamedStatistics | number[];
  layout?: 'nchw' | 'nhwc';
  channels?: 'rgb' | 'bgr';
  size?: [number, number];
  output?: string;
}

/** Adds --input-range, --mean, --std, --layout, --channels, --size and --output. */
export function addInputFlags(command: Command): Command {
  const statistics = STATISTICS_NAMES.join(', ');
  return command
    .option(
      '--input-range <lo..hi>',
      'what the model takes for black and white, such as 0..255 or -1..1 (default: 0..1)',
      range,
    )
    .option(
      '--mean <numbers>',
      `subtracted after that, one for all channels or one each, or ${statistics}`,
      numbersOrName,
    )
    .option('--std <numbers>', `divided by after that, or ${statistics}`, numbersOrName)
    .addOption(
      new Option('--layout <order>', "where the model's channels are (default: found)").choices(['nchw', 'nhwc']),
    )
    .addOption(new Option('--channels <order>', "the model's order of colours (default: rgb)").choices(['rgb', 'bgr']))
    .option('--size <h,w>', 'height and width, for a model that takes any', side)
    .option('--output <name>', 'the output that holds the class scores (default: found by its shape)');
}

export function classifierOptions(flags: InputFlags): ClassifierOptions {
  const { inputRange, mean, std, layout, channels, size, output } = flags;
  const input: InputOptions = {
    ...(inputRange === undefined ? {} : { range: inputRange }),
    ...(mean === undefined ? {} : { mean }),
    ...(std === undefined ? {} : { std }),
    ...(layout === undefined ? {} : { layout }),
    ...(channels === undefined ? {} : { channels }),
    ...(size === undefined ? {} : { size }),
  };
  return {
    ...(Object.keys(input).length === 0 ? {} : { input }),
    ...(output === undefined ? {} : { output }),
  };
}

const NUMBER = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;

function range(text: string): [number, number] {
  const match = new RegExp(`^(${NUMBER})(?:\\.\\.|,|:)(${NUMBER})$`, 'i').exec(text);
  if (match) return [Number(match[1]), Number(match[2])];
  throw new InvalidArgumentError('Expected two numbers, such as 0..255 or -1..1.');
}

function numbersOrName(text: string): NamedStatistics | number[] {
  const name = STATISTICS_NAMES.find((known) => known === text);
  if (name !== undefined) return name;
  const numbers = text
    .split(',')
    .map((part) => (new RegExp(`^${NUMBER}$`, 'i').test(part.trim()) ? Number(part) : Number.NaN));
  if (numbers.every(Number.isFinite)) return numbers;
  throw new InvalidArgumentError(`Expected numbers, such as 104,117,123, or one of ${STATISTICS_NAMES.join(', ')}.`);
}

function side(text: string): [number, number] {
  const match = /^(\d+)(?:[,x](\d+))?$/.exec(text);
  if (match) return [Number(match[1]), Number(match[2] ?? match[1])];
  throw new InvalidArgumentError('Expected height and width, such as 48,192.');
}
