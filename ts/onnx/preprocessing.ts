/**
 * What a model wants of its pixels, as a part of its graph: pixels stay in [0, 1], red first, and so do all distances.
 *
 *     y_c = (lo + (hi − lo)·x_c − mean_c) / std_c
 *
 * with (lo, hi) the range that the model takes, mean and std of each channel in the units of that range and in the
 * model's own order of channels.
 */
import { invalidArgument } from '../errors.ts';
import { channelAxis, type ImageLayoutOptions } from './image_input.ts';
import type { Model, ModelNode, ModelValue } from './model.ts';
import { inferModel } from './read_model.ts';
import { formatShape } from './shape.ts';
import { tensorFromNumbers } from './tensor.ts';
import { unusedName } from './unused_name.ts';

export type NamedStatistics = 'imagenet' | 'cifar10';

export interface InputOptions extends ImageLayoutOptions {
  /** What 0 and 1 of a pixel are to the model; default [0, 1]. */
  range?: readonly [number, number];
  /** Subtracted after that, one number for all channels or one each; or that of a data set, in units of [0, 1]; default 0. */
  mean?: NamedStatistics | readonly number[];
  /** Divided by after that; default 1. */
  std?: NamedStatistics | readonly number[];
  /** Default rgb. */
  channels?: 'rgb' | 'bgr';
}

/** Red, green, blue; of pixels in [0, 1]. */
const STATISTICS = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
} as const satisfies Record<NamedStatistics, { mean: readonly number[]; std: readonly number[] }>;

export const STATISTICS_NAMES = Object.keys(STATISTICS) as NamedStatistics[];

/**
 * The model as one of pixels in [0, 1].
 * @throws INVALID_ARGUMENT: an option that does not suit the model's input; INVALID_MODEL: a size that does not suit its layers.
 */
export function withPreprocessing(model: Model, options: InputOptions): Model {
  const [input] = model.inputs;
  if (!input) return model;
  const { nodes, initializers, name } = preprocessingNodes(model, input, options);
  if (nodes.length === 0) return model;
  const inputs = [{ ...input, name }, ...model.inputs.slice(1)];
  return inferModel(
    { ...model, inputs, nodes: [...nodes, ...model.nodes], initializers },
    model.outputs.map((output) => output.name),
  );
}

/** y[i] = x[from(i)] · scale + offset of the channel, for one image of `size` numbers; what the graph computes, in float32. */
export interface PixelMap {
  /** [channels] */
  readonly scale: readonly number[];
  readonly offset: readonly number[];
  /** Numbers between neighbours of one channel, and the other way round: channel c of the number at i is floor(i / stride) mod channels. */
  readonly stride: number;
  readonly flipped: boolean;
}

export function pixelMap(model: Model, options: InputOptions): PixelMap {
  const [input] = model.inputs;
  const axis = input && channelAxis(input, options.layout);
  const channels = axis === undefined ? 1 : (input?.shape[axis] as number);
  const after = axis === undefined ? [] : (input?.shape.slice(axis + 1) ?? []);
  const stride = after.reduce((product: number, dim) => product * Number(dim), 1);
  return { ...scaleAndOffset(options, channels), stride, flipped: options.channels === 'bgr' };
}

/** The pixels as the model wants them: [rows · size]. */
export function applyPixelMap({ scale, offset, stride, flipped }: PixelMap, pixels: Float32Array): Float32Array {
  const channels = scale.length;
  if (!flipped && scale.every((value) => value === 1) && offset.every((value) => value === 0)) return pixels;
  const scales = Float32Array.from(scale);
  const offsets = Float32Array.from(offset);
  return pixels.map((_, i) => {
    const channel = Math.floor(i / stride) % channels;
    const from = flipped ? i + (channels - 1 - 2 * channel) * stride : i;
    return Math.fround((pixels[from] as number) * (scales[channel] as number)) + (offsets[channel] as number);
  });
}

interface Preprocessing {
  readonly nodes: ModelNode[];
  readonly initializers: Model['initializers'];
  /** Of the new input. */
  readonly name: string;
}

function preprocessingNodes(model: Model, input: ModelValue, options: InputOptions): Preprocessing {
  const axis = channelAxis(input, options.layout);
  const channels = axis === undefined ? 1 : (input.shape[axis] as number);
  const { scale, offset } = scaleAndOffset(options, channels);
  const initializers = new Map(model.initializers);
  const steps: { op: string; constant: string; attributes: ModelNode['attributes'] }[] = [];
  const fresh = (stem: string): string => unusedName({ ...model, initializers }, stem);
  const constant = (stem: string, values: readonly number[]): string => {
    const name = fresh(stem);
    const same = values.every((value) => value === values[0]);
    const after = axis === undefined ? 0 : input.shape.length - 1 - axis;
    const shape = same ? [] : [values.length, ...new Array<number>(after).fill(1)];
    initializers.set(name, tensorFromNumbers('float32', same ? values.slice(0, 1) : values, shape));
    return name;
  };
  if (options.channels === 'bgr') {
    if (axis === undefined || channels !== 3) {
      throw invalidArgument(
        'channels',
        `rgb (input "${input.name}" ${formatShape(input.shape)} has no three channels)`,
        'bgr',
      );
    }
    const order = fresh('blue_first');
    initializers.set(order, tensorFromNumbers('int64', [2, 1, 0], [3]));
    steps.push({ op: 'Gather', constant: order, attributes: { axis } });
  }
  if (scale.some((value) => value !== 1))
    steps.push({ op: 'Mul', constant: constant('pixel_scale', scale), attributes: {} });
  if (offset.some((value) => value !== 0))
    steps.push({ op: 'Add', constant: constant('pixel_offset', offset), attributes: {} });
  if (steps.length === 0) return { nodes: [], initializers, name: input.name };
  const pixels = fresh('pixels');
  let from = pixels;
  const nodes = steps.map(({ op, constant: second, attributes }, i): ModelNode => {
    const to = i === steps.length - 1 ? input.name : fresh(`pixels_${i + 1}`);
    const node = { op, name: to, inputs: [from, second], outputs: [to], attributes };
    from = to;
    return node;
  });
  return { nodes, initializers, name: pixels };
}

function scaleAndOffset(options: InputOptions, channels: number): { scale: number[]; offset: number[] } {
  const [low, high] = options.range ?? [0, 1];
  if (!(Number.isFinite(low) && Number.isFinite(high) && low !== high)) {
    throw invalidArgument('range', 'two different numbers', options.range);
  }
  const mean = perChannel('mean', options, channels, 0);
  const std = perChannel('std', options, channels, 1);
  if (std.some((value) => !(value > 0))) throw invalidArgument('std', 'numbers above 0', options.std);
  return {
    scale: std.map((value) => (high - low) / value),
    offset: std.map((value, c) => (low - (mean[c] as number)) / value),
  };
}

function perChannel(name: 'mean' | 'std', options: InputOptions, channels: number, standard: number): number[] {
  const given = options[name];
  if (given === undefined) return new Array<number>(channels).fill(standard);
  if (typeof given === 'string') {
    const known = STATISTICS_NAMES.includes(given) ? STATISTICS[given][name] : undefined;
    if (!known) throw invalidArgument(name, `numbers or one of ${STATISTICS_NAMES.join(', ')}`, given);
    if (channels !== 3) throw invalidArgument(name, `numbers (the model takes ${channels} channels, not three)`, given);
    // They are of pixels in [0, 1]; the model's range stretches them.
    const [low, high] = options.range ?? [0, 1];
    const ordered = options.channels === 'bgr' ? [...known].reverse() : known;
    return ordered.map((value) => (name === 'mean' ? low : 0) + (high - low) * value);
  }
  if (!given.every(Number.isFinite) || (given.length !== 1 && given.length !== channels)) {
    const wanted = channels === 1 ? 'one number' : `one number or ${channels}, one for each channel`;
    throw invalidArgument(name, wanted, given.join(', '));
  }
  return given.length === channels ? [...given] : new Array<number>(channels).fill(given[0] as number);
}
