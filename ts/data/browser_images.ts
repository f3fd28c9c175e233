/** Pictures of a page as pixels for a model. */
import { BlindspotError, invalidArgument } from '../errors.ts';
import { imageLayout } from './image_layout.ts';
import { imageSize } from './image_set.ts';
import { type PictureFit, type PictureFitOptions, pictureFit, scaledSize } from './picture_fit.ts';

/** What a page has: pixels of a canvas, a picture, a file that was dropped. */
export type PictureSource =
  | ImageData
  | ImageBitmap
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLImageElement
  | HTMLVideoElement
  | Blob;

export type ReadPicturesOptions = PictureFitOptions;

/**
 * Pixels of pictures, in the way that a model takes them; what is transparent is black.
 *
 *     const images = await readPictures([file], model.imageShape, { resize: true });
 *     const { summary } = await model.attack({ images });
 *
 * @param shape of one image: [H, W], [C, H, W], [H, W, C] with 1 or 3 channels, or a square [n].
 * @returns [pictures, ...shape], red, green, blue in [0, 1]; grey by the weights of Rec. 709.
 * @throws MODEL_DATA_MISMATCH for a shape that pictures cannot fill, or a picture of another size; FILE_UNREADABLE for one
 *   that cannot be decoded; INVALID_ARGUMENT.
 */
export async function readPictures(
  pictures: readonly PictureSource[],
  shape: readonly number[],
  options: ReadPicturesOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  if (!Array.isArray(pictures)) throw invalidArgument('pictures', 'an array of pictures', pictures);
  const fit = pictureFit(options);
  const layout = imageLayout(shape);
  if (layout === undefined) {
    const given = shape.join(', ');
    throw new BlindspotError(
      'MODEL_DATA_MISMATCH',
      `The model takes inputs of shape [${given}], which pictures cannot fill`,
    );
  }
  const { width, height, channels, order } = layout;
  const area = width * height;
  const images = new Float32Array(pictures.length * imageSize(shape));
  for (const [index, picture] of pictures.entries()) {
    const rgba = await draw(picture, width, height, fit);
    const image = images.subarray(index * channels * area, (index + 1) * channels * area);
    for (let pixel = 0; pixel < area; pixel++) {
      const [red, green, blue] = [0, 1, 2].map((channel) => (rgba[4 * pixel + channel] as number) / 255) as [
        number,
        number,
        number,
      ];
      if (channels === 1) {
        // Exact where the three are the same.
        image[pixel] = red === green && green === blue ? red : 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        continue;
      }
      for (const [channel, value] of [red, green, blue].entries()) {
        image[order === 'planar' ? channel * area + pixel : 3 * pixel + channel] = value;
      }
    }
  }
  return images;
}

/** RGBA of the picture in the size wanted, over black. */
async function draw(
  picture: PictureSource,
  width: number,
  height: number,
  fit: PictureFit | undefined,
): Promise<Uint8ClampedArray> {
  const bitmap = await bitmapOf(picture);
  try {
    const fits = bitmap.width === width && bitmap.height === height;
    if (!fits && fit === undefined) {
      throw new BlindspotError(
        'MODEL_DATA_MISMATCH',
        `Expected a picture of ${width}×${height} but received ${bitmap.width}×${bitmap.height}; resize it, or pass { resize: true }`,
      );
    }
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (context === null)
      throw new BlindspotError('FILE_UNREADABLE', 'This browser gives no canvas to read pictures with');
    context.fillStyle = 'black';
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = 'high';
    const [wide, high] = fits || fit === undefined ? [width, height] : scaledSize(bitmap, { width, height }, fit);
    context.drawImage(bitmap, (width - wide) / 2, (height - high) / 2, wide, high);
    return context.getImageData(0, 0, width, height).data;
  } finally {
    bitmap.close();
  }
}

async function bitmapOf(picture: PictureSource): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(picture);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BlindspotError('FILE_UNREADABLE', `Cannot read a picture: ${reason}`, { cause });
  }
}
