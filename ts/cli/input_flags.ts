/** Options of the command line that tell what a model wants of its pixels, the same for every command that runs one. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type PictureFitOptions, pictureFit, RESIZE_FITS, type ResizeFit } from '../data/picture_fit.ts';
import { findPreprocessor } from '../model/find_preprocessor.ts';
import { withPreprocessor } from '../model/preprocessor.ts';
import { preprocessorText } from '../model/preprocessor_config.ts';
import { type InputOptions, type NamedStatistics, STATISTICS_NAMES } from '../onnx/preprocessing.ts';
import type { ClassifierOptions } from '../onnx/read_classifier.ts';
import { realNumber } from './option_parsers.ts';

export interface InputFlags {
  inputRange?: [number, number];
  mean?: NamedStatistics | number[];
  std?: NamedStatistics | number[];
  layout?: 'nchw' | 'nhwc';
  channels?: 'rgb' | 'bgr';
  size?: [number, number];
  output?: string;
  preprocessor?: string;
}

export interface PictureFlags {
  resize?: true | ResizeFit;
  cropFraction?: number;
}

/** Adds --input-range, --mean, --std, --layout, --channels, --size, --output and --preprocessor. */
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
    .option('--output <name>', 'the output that holds the class scores (default: found by its shape)')
    .option(
      '--preprocessor <file>',
      "a preprocessor_config.json of Hugging Face, whose numbers serve where no option of these says another; none to leave it out (default: the one in the model's folder, or above a folder called onnx)",
    );
}

/** Adds --resize and --crop-fraction. */
export function addPictureFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--resize [fit]',
        'what to do with image files of another size: cover (--resize alone) scales and keeps the middle, contain puts black around, exact distorts (default: as the preprocessor has it, else an error)',
      ).choices(RESIZE_FITS),
    )
    .option(
      '--crop-fraction <share>',
      'with cover and exact, scale to the size divided by it and keep the middle: 0.875 is shortest edge 256 for a crop of 224',
      realNumber({ over: 0, under: 1 }),
    );
}

/** `--resize` in front of another argument has no fit, as it had none before there were any. */
export function withBareResize(argv: readonly string[]): string[] {
  const isFit = (word: string | undefined) => word === undefined || word.startsWith('-') || /^[a-z]+$/.test(word);
  return argv.map((word, i) => (word === '--resize' && !isFit(argv[i + 1]) ? '--resize=cover' : word));
}

export interface ResolvedInput {
  readonly classifier: ClassifierOptions;
  readonly pictures: PictureFitOptions;
  /** What was read from which file, in one line. */
  readonly found: string | undefined;
}

/**
 * The flags, and where they say nothing the preprocessor_config.json that belongs to the model.
 * @param model its file.
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, INVALID_DATA; INVALID_ARGUMENT for a crop fraction without a fit to crop.
 */
export async function resolveInput(
  { resize, cropFraction, ...flags }: InputFlags & PictureFlags,
  model: string,
): Promise<ResolvedInput> {
  const config = await findPreprocessor(flags.preprocessor === 'none' ? false : flags.preprocessor, model);
  const { input, output } = classifierOptions(flags);
  const merged = withPreprocessor(input, config);
  const own = resize === undefined ? config?.pictures : { resize };
  const pictures = { ...own, ...(cropFraction === undefined ? {} : { cropFraction }) };
  pictureFit(pictures);
  return {
    classifier: { ...(merged === undefined ? {} : { input: merged }), ...(output === undefined ? {} : { output }) },
    pictures,
    found: config && `${preprocessorText(config)} (${config.file})`,
  };
}

function classifierOptions(flags: InputFlags): ClassifierOptions {
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
