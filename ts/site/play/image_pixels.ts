/** The image that the address names, as a model takes it. */
import type { PictureFitOptions } from '../../data/picture_fit.ts';
import { digitPixels, fetched, PHOTOS, picturePixels } from '../catalog.ts';
import { digitImage } from './digit_thumb.tsx';

/** Name of a model or an image of the user's, in the address. */
export const OWN = 'own';

export interface ImageWish {
  readonly id: string;
  /** The user's own, where the id is OWN. */
  readonly picture: Blob | undefined;
  /** Whether the model takes photos, not digits. */
  readonly photos: boolean;
  /** Of the user's own. */
  readonly fit: PictureFitOptions;
}

/** @param shape of one image, as the model takes it. @throws as picturePixels does. */
export async function imagePixels(
  shape: readonly number[],
  { id, picture, photos, fit }: ImageWish,
): Promise<Float32Array<ArrayBuffer>> {
  if (id === OWN && picture) return await picturePixels(picture, shape, fit);
  if (photos) {
    const { file } = PHOTOS.find((photo) => photo.id === id) ?? PHOTOS[0];
    return await picturePixels(new Blob([await fetched(file)]), shape);
  }
  const pixels = await digitPixels(id);
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (size === pixels.length) return Float32Array.from(pixels);
  // A model of another size takes the digit scaled.
  const canvas = new OffscreenCanvas(28, 28);
  canvas.getContext('2d')?.putImageData(digitImage(pixels), 0, 0);
  return await picturePixels(await canvas.convertToBlob(), shape);
}
