/**
 * How a picture of another size is made to fit a model. With model W×H, picture w×h and a crop fraction F:
 *
 *     cover     scaled by max(W/w, H/h)/F, the middle W×H kept            nothing is distorted, the edges are lost
 *     contain   scaled by min(W/w, H/h), black around it                  nothing is distorted or lost
 *     exact     scaled to W/F by H/F, the middle W×H kept                 distorted where the shapes differ
 *
 * F = 0.875 is the usual "shortest edge to 256, centre crop of 224".
 */
import { invalidArgument } from '../errors.ts';

export const RESIZE_FITS = ['cover', 'contain', 'exact'] as const;

export type ResizeFit = (typeof RESIZE_FITS)[number];

export interface PictureFitOptions {
  /**
   * What is done with pictures of another size: true is cover; default false: another size is an error. Pictures of the
   * model's own size are always taken as they are.
   */
  resize?: boolean | ResizeFit;
  /** Share of the scaled picture's side that is kept, over 0 and up to 1; of cover and exact; default 1. */
  cropFraction?: number;
}

export interface PictureFit {
  readonly fit: ResizeFit;
  readonly cropFraction: number;
}

/** @returns undefined where pictures are not to be resized. @throws INVALID_ARGUMENT. */
export function pictureFit({ resize = false, cropFraction }: PictureFitOptions): PictureFit | undefined {
  const fit = resize === true ? 'cover' : resize;
  if (fit !== false && !RESIZE_FITS.includes(fit)) {
    throw invalidArgument('resize', `true, false, ${RESIZE_FITS.join(', ')}`, resize);
  }
  if (cropFraction === undefined) return fit === false ? undefined : { fit, cropFraction: 1 };
  if (!(cropFraction > 0 && cropFraction <= 1)) {
    throw invalidArgument('cropFraction', 'a number over 0 and up to 1', cropFraction);
  }
  if (fit === false || fit === 'contain') {
    throw invalidArgument('cropFraction', `nothing without resize cover or exact`, cropFraction);
  }
  return { fit, cropFraction };
}

/** Width and height of the whole scaled picture, of which the middle is kept or around which is black; not rounded. */
export function scaledSize(
  picture: { readonly width: number; readonly height: number },
  { width, height }: { readonly width: number; readonly height: number },
  { fit, cropFraction }: PictureFit,
): [number, number] {
  if (fit === 'exact') return [width / cropFraction, height / cropFraction];
  const sides = [width / picture.width, height / picture.height] as const;
  const scale = fit === 'cover' ? Math.max(...sides) / cropFraction : Math.min(...sides);
  return [picture.width * scale, picture.height * scale];
}
