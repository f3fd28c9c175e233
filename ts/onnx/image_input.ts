/** Channels, height and width of a model's image input. */
import { BlindspotError, invalidArgument } from '../errors.ts';
import type { ModelValue } from './model.ts';
import { type Dim, formatShape, type Shape } from './shape.ts';

export interface ImageLayoutOptions {
  /** Where the channels are: nchw [N, C, H, W] or nhwc [N, H, W, C]; default: the axis of length 1, 3 or 4. */
  layout?: 'nchw' | 'nhwc';
  /** Height and width, for a model that takes any. */
  size?: readonly [number, number];
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
 * The input with the height and width asked for in place of open ones.
 * @throws INVALID_ARGUMENT when the input has none, or others.
 */
export function withSize(input: ModelValue, { size, layout }: ImageLayoutOptions): ModelValue {
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
    if (typeof dim === 'number' && dim !== side) {
      throw invalidArgument('size', `that of input "${name}", ${formatShape(shape)},`, size.join(','));
    }
    return side;
  });
  return { ...input, shape: sized };
}
