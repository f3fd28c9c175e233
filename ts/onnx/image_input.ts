/** Channels, height and width of a model's image input. */
import { BlindspotError, invalidArgument } from '../errors.ts';
import type { ModelValue } from './model.ts';
import { type Dim, formatShape, isStatic, type Shape } from './shape.ts';

export interface ImageLayoutOptions {
  /** Where the channels are: nchw [N, C, H, W] or nhwc [N, H, W, C]; default: the axis of length 1, 3 or 4. */
  layout?: 'nchw' | 'nhwc';
  /** Height and width, for a model that takes any. */
  size?: readonly [number, number];
  /** The same where `size` is not given, of no account where the model has its own. */
  defaultSize?: readonly [number, number];
}

/** Axis of the channels; undefined for images that have none. */
export function channelAxis({ shape, name }: ModelValue, layout: ImageLayoutOptions['layout']): number | undefined {
  if (shape.length < 4) {
    if (layout !== undefined) {
      throw invalidArgument('layout', `nothing (input "${name}" ${formatShape(shape)} has no channels)`, layout);
    }
    return undefined;
  }
  const last = shape.length - 1;
  const isChannels = (dim: Dim | undefined): boolean => dim === 1 || dim === 3 || dim === 4;
  const axis =
    layout === 'nhwc' ? last : layout === 'nchw' || isChannels(shape[1]) || !isChannels(shape[last]) ? 1 : last;
  if (typeof shape[axis] !== 'number') {
    throw new BlindspotError(
      'INVALID_MODEL',
      `Input "${name}" ${formatShape(shape)} does not say how many channels it takes`,
    );
  }
  return axis;
}

/**
 * An image input [N, C, H, W] that leaves its channels open, as some exporters write all axes, with three: red, green, blue.
 * @param channels what the first layer takes, where that is known.
 */
export function withChannels(input: ModelValue, layout: ImageLayoutOptions['layout'], channels = 3): ModelValue {
  const { shape } = input;
  const isColours = (dim: Dim | undefined): boolean => dim === 1 || dim === 3 || dim === 4;
  if (shape.length !== 4 || (layout === undefined && isColours(shape[3]))) return input;
  const axis = layout === 'nhwc' ? 3 : 1;
  if (typeof shape[axis] === 'number') return input;
  return { ...input, shape: shape.map((dim, at) => (at === axis ? channels : dim)) };
}

/**
 * The input with the height and width asked for in place of open ones.
 * @throws INVALID_ARGUMENT when the input has none, or others than `size`.
 */
export function withSize(input: ModelValue, { size: asked, defaultSize, layout }: ImageLayoutOptions): ModelValue {
  const isOpen = input.shape.length === 4 && !isStatic(input.shape.slice(1));
  const size = asked ?? (isOpen ? defaultSize : undefined);
  if (size === undefined) return input;
  const { shape, name } = input;
  if (size.length !== 2 || !size.every((side) => Number.isInteger(side) && side > 0)) {
    throw invalidArgument('size', 'height and width, whole numbers from 1', size);
  }
  if (shape.length !== 4) {
    throw invalidArgument('size', `nothing (input "${name}" ${formatShape(shape)} has no height and width)`, size);
  }
  const axis = channelAxis(input, layout);
  const sides = [1, 2, 3].filter((at) => at !== axis);
  const sized: Shape = shape.map((dim, at) => {
    const side = size[sides.indexOf(at)];
    if (side === undefined) return dim;
    if (typeof dim === 'number' && asked === undefined) return dim;
    if (typeof dim === 'number' && dim !== side) {
      throw invalidArgument('size', `that of input "${name}", ${formatShape(shape)},`, size.join(','));
    }
    return side;
  });
  return { ...input, shape: sized };
}
