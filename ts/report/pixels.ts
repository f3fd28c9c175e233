/** Pictures as PNG files (Node). */
import sharp from 'sharp';
import type { ImageLayout, Picture, PngOptions } from './picture.ts';

/** PNG of a picture. */
export async function encodePng(picture: Picture, options: PngOptions = {}): Promise<Uint8Array> {
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

/** What anyone reads from the file: pixels in [0, 1], in the order of a layout of its size. */
export async function decodePng(
  png: Uint8Array,
  { channels, channelStride, pixelStride, size }: ImageLayout,
): Promise<Float32Array> {
  const decoded = await sharp(png)
    .removeAlpha()
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer();
  const pixels = new Float32Array(size);
  for (const [i, value] of decoded.entries()) {
    pixels[(i % channels) * channelStride + Math.floor(i / channels) * pixelStride] = value / 255;
  }
  return pixels;
}
