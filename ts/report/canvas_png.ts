/** Pictures as PNG files, by a canvas (browsers). */
import type { Picture, PngOptions } from './picture.ts';

/** Made smaller as browsers do it: by their best average, or by single pixels. */
export async function encodePng(picture: Picture, { maxSide, kernel }: PngOptions = {}): Promise<Uint8Array> {
  const { width, height, channels, data } = picture;
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < 3; c++) rgba[4 * pixel + c] = data[pixel * channels + (channels === 1 ? 0 : c)] ?? 0;
    rgba[4 * pixel + 3] = 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  contextOf(canvas).putImageData(new ImageData(rgba, width, height), 0, 0);
  return pngOf(maxSide === undefined ? canvas : reduced(canvas, maxSide, kernel === 'nearest'));
}

function reduced(canvas: OffscreenCanvas, maxSide: number, nearest: boolean): OffscreenCanvas {
  const factor = maxSide / Math.max(canvas.width, canvas.height);
  if (factor >= 1) return canvas;
  const [width, height] = [canvas.width, canvas.height].map((side) => Math.max(1, Math.round(side * factor)));
  const smaller = new OffscreenCanvas(width as number, height as number);
  const context = contextOf(smaller);
  context.imageSmoothingEnabled = !nearest;
  context.imageSmoothingQuality = 'high';
  context.drawImage(canvas, 0, 0, smaller.width, smaller.height);
  return smaller;
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser draws on no canvas');
  return context;
}

async function pngOf(canvas: OffscreenCanvas): Promise<Uint8Array> {
  return new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
}
