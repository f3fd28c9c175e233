/**
 * `preprocessor_config.json` of Hugging Face: what a model wants of its pictures, as the options of this project.
 *
 *     y = (255·rescale_factor·x [− 1] − image_mean) / image_std        x in [0, 1]
 *
 * so that `range` is [0, 255·rescale_factor], 1 less with rescale_offset, and mean and std are the file's own. Files of old
 * feature extractors say nothing of rescaling: they divide by 255.
 */
import { z } from 'zod';
import type { PictureFitOptions } from '../data/picture_fit.ts';
import { BlindspotError } from '../errors.ts';
import type { InputOptions } from '../onnx/preprocessing.ts';
import type { PreprocessorConfig } from './preprocessor.ts';

const Flag = z.boolean().nullish();
const Positive = z.number().positive();
const Statistics = z.union([z.number(), z.array(z.number()).min(1).max(4)]).nullish();
const Size = z
  .union([
    Positive,
    z.looseObject({ height: Positive, width: Positive }),
    z.looseObject({ shortest_edge: Positive }),
    z.tuple([Positive, Positive]),
  ])
  .nullish();

/** Keys that bear on pixels; whatever else stands in the file is its own. */
const Keys = {
  image_processor_type: z.string().nullish(),
  feature_extractor_type: z.string().nullish(),
  do_rescale: Flag,
  rescale_factor: Positive.nullish(),
  rescale_offset: Flag,
  do_normalize: Flag,
  image_mean: Statistics,
  image_std: Statistics,
  include_top: Flag,
  do_resize: Flag,
  size: Size,
  do_center_crop: Flag,
  crop_size: Size,
  crop_pct: z.number().positive().max(1).nullish(),
  do_convert_rgb: Flag,
  do_flip_channel_order: Flag,
} as const;

const Config = z.looseObject(Keys);
type Config = z.infer<typeof Config>;

const EXPECTED: Readonly<Record<string, string>> = {
  rescale_factor: 'a number over 0',
  image_mean: 'a number or one for each channel',
  image_std: 'a number or one for each channel',
  size: 'a number, { height, width } or { shortest_edge }',
  crop_size: 'a number, { height, width } or { shortest_edge }',
  crop_pct: 'a number over 0 and up to 1',
  image_processor_type: 'a name',
  feature_extractor_type: 'a name',
};

/** Kinds whose `size`, given as one number, is that of the shortest edge; of all others both sides. */
const SHORTEST_EDGE: ReadonlySet<string> = new Set(
  'AltCLIP Bit CLIP ChineseCLIP ConvNext Levit MobileNetV1 MobileNetV2 MobileViT PoolFormer VideoMAE'
    .split(' ')
    .map((name) => name.toLowerCase()),
);

/** ConvNeXt crops pictures for sizes under this, and scales both sides for others. */
const CONVNEXT_WHOLE = 384;

/**
 * @param file for messages.
 * @throws INVALID_DATA naming the key, what was expected and what came.
 */
export function parsePreprocessorConfig(text: string, file: string): PreprocessorConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BlindspotError('INVALID_DATA', `${file} is not JSON; --preprocessor none leaves it out`, { cause });
  }
  const parsed = Config.safeParse(json);
  if (!parsed.success) throw odd(file, parsed.error.issues[0]?.path[0], json);
  const config = parsed.data;
  const kind = (config.image_processor_type ?? config.feature_extractor_type ?? '')
    .replace(/(?:ImageProcessor(?:Fast)?|FeatureExtractor)$/, '')
    .toLowerCase();
  return {
    file,
    input: { ...pixelOptions(config, kind, file), ...defaultSize(config) },
    pictures: config.do_resize === false ? {} : pictureOptions(config, kind),
  };
}

function odd(file: string, key: PropertyKey | undefined, json: unknown): BlindspotError {
  if (typeof key !== 'string') {
    return new BlindspotError('INVALID_DATA', `${file}: expected an object; --preprocessor none leaves it out`);
  }
  const value = JSON.stringify((json as Record<string, unknown>)[key]);
  const expected = EXPECTED[key] ?? 'true or false';
  return new BlindspotError(
    'INVALID_DATA',
    `${file}: expected ${expected} for ${key} but received ${value}; --preprocessor none leaves it out`,
  );
}

function pixelOptions(config: Config, kind: string, file: string): InputOptions {
  const top = config.do_rescale === false ? 255 : tidy(255 * (config.rescale_factor ?? 1 / 255));
  const low = config.rescale_offset === true && config.do_rescale !== false ? -1 : 0;
  const swapped = config.do_flip_channel_order === true;
  const mean = normalizes(config) ? numbers(config, 'image_mean', file) : undefined;
  const deviation = normalizes(config) ? numbers(config, 'image_std', file) : undefined;
  if (deviation?.some((value) => value <= 0)) throw odd(file, 'image_std', config);
  // EfficientNet with its classifier on top divides by the deviation twice.
  const twice = kind === 'efficientnet' && config.include_top !== false;
  const std = twice ? deviation?.map((value) => value ** 2) : deviation;
  // The file's numbers are of red, green, blue; the options' of the model's own order.
  const ordered = (values: readonly number[]) => (swapped ? [...values].reverse() : [...values]);
  return {
    ...(low === 0 && top === 1 ? {} : { range: [low, low + top] as const }),
    ...(mean === undefined ? {} : { mean: ordered(mean) }),
    ...(std === undefined ? {} : { std: ordered(std) }),
    ...(swapped ? { channels: 'bgr' as const } : {}),
  };
}

function normalizes({ do_normalize, image_mean, image_std }: Config): boolean {
  return do_normalize !== false && (do_normalize === true || image_mean != null || image_std != null);
}

function numbers(config: Config, key: 'image_mean' | 'image_std', file: string): number[] {
  const value = config[key];
  if (value == null) {
    throw new BlindspotError(
      'INVALID_DATA',
      `${file}: it normalises but has no ${key}; say --mean and --std with --preprocessor none`,
    );
  }
  return typeof value === 'number' ? [value] : value;
}

/** 255 · 0.00392156862745098 is 1, 255 · 0.00784313725490196 is 2. */
function tidy(value: number): number {
  const whole = Math.round(value);
  return Math.abs(value - whole) < 1e-5 * value ? whole : value;
}

type Sides = { readonly sides: readonly [number, number]; readonly isEdge: boolean };

function sidesOf(size: Config['size']): Sides | undefined {
  if (size == null) return undefined;
  if (typeof size === 'number') return { sides: [size, size], isEdge: false };
  // A pair is as PIL has it: width, height.
  if (Array.isArray(size)) return { sides: [size[1], size[0]], isEdge: false };
  if ('shortest_edge' in size) {
    const edge = size.shortest_edge as number;
    return { sides: [edge, edge], isEdge: true };
  }
  return { sides: [size.height as number, size.width as number], isEdge: false };
}

function crops(config: Config): boolean {
  return config.do_center_crop !== false && (config.do_center_crop === true || config.crop_size != null);
}

function defaultSize(config: Config): Pick<InputOptions, 'defaultSize'> {
  const size = (crops(config) ? sidesOf(config.crop_size) : undefined) ?? sidesOf(config.size);
  return size === undefined || !size.sides.every(Number.isInteger) ? {} : { defaultSize: size.sides };
}

function pictureOptions(config: Config, kind: string): PictureFitOptions {
  const size = sidesOf(config.size);
  if (size === undefined) return config.do_resize === true ? { resize: 'exact' } : {};
  const byEdge = size.isEdge || (typeof config.size === 'number' && SHORTEST_EDGE.has(kind));
  const crop = crops(config) ? sidesOf(config.crop_size) : undefined;
  const [edge] = size.sides;
  if (config.crop_pct != null || kind === 'convnext') {
    if (kind === 'convnext' && edge >= CONVNEXT_WHOLE) return { resize: 'exact' };
    return fitted('cover', config.crop_pct ?? 224 / 256);
  }
  // LeViT makes its shortest edge larger by itself.
  const scaled = kind === 'levit' && byEdge ? Math.floor((edge * 256) / 224) : edge;
  return fitted(byEdge ? 'cover' : 'exact', crop === undefined ? 1 : Math.min(1, crop.sides[0] / scaled));
}

function fitted(resize: 'cover' | 'exact', cropFraction: number): PictureFitOptions {
  return cropFraction === 1 ? { resize } : { resize, cropFraction };
}

/** What the file says, in one line: "mean 0.5; std 0.25; size 224,224; resize cover; crop fraction 0.875". */
export function preprocessorText({ input, pictures }: PreprocessorConfig): string {
  const list = (values: InputOptions['mean']): string =>
    typeof values === 'string' ? values : (values ?? []).join(', ');
  const { range, mean, std, channels, defaultSize } = input;
  const parts = [
    ...(range === undefined ? [] : [`pixels ${range[0]}..${tidyText(range[1])}`]),
    ...(mean === undefined ? [] : [`mean ${list(mean)}`]),
    ...(std === undefined ? [] : [`std ${list(std)}`]),
    ...(channels === undefined ? [] : [channels]),
    ...(defaultSize === undefined ? [] : [`size ${defaultSize.join(',')}`]),
    ...(pictures.resize === undefined ? [] : [`resize ${pictures.resize}`]),
    ...(pictures.cropFraction === undefined ? [] : [`crop fraction ${tidyText(pictures.cropFraction)}`]),
  ];
  return parts.length === 0 ? 'pixels as they are' : parts.join('; ');
}

function tidyText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
