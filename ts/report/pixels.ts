/** Pictures as PNG files (Node). */
import sharp from 'sharp';
import type { Picture } from './picture.ts';

/**
 * PNG of a picture. With `maxSide` a larger picture is made smaller; `kernel: 'nearest'` keeps the single pixels of a
 * perturbation, which an average would cancel.
 */
export async function encodePng(
  picture: Picture,
  options: { maxSide?: number; kernel?: 'lanczos3' | 'nearest' } = {},
): Promise<Uint8Array> {
  const { width, height, channels, data } = picture;
  let image = sharp(data, { raw: { width, height, channels } });
  if (options.maxSide !== undefined && Math.max(width, height) > options.maxSide) {
    image = image.resize({
      width: options.maxSide,
      height: options.maxSide,
      fit: 'inside',
      kernel: options.kernel ?? 'lanczos3',
    });
  }
  if (channels === 1) image = image.toColourspace('b-w');
  return new Uint8Array(await image.png({ compressionLevel: 9 }).toBuffer());
}

export function dataUri(png: Uint8Array): string {
  return `data:image/png;base64,${Buffer.from(png.buffer, png.byteOffset, png.byteLength).toString('base64')}`;
}
