/** A digit that comes with the page, small. */
import { useEffect, useRef } from 'preact/hooks';
import { digitPixels } from '../catalog.ts';

interface Props {
  id: string;
  onError: (error: unknown) => void;
}

export function DigitThumb({ id, onError }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    digitPixels(id)
      .then((pixels) => canvas.current?.getContext('2d')?.putImageData(digitImage(pixels), 0, 0))
      .catch(onError);
  }, [id]);
  const digit = Math.floor(Number(id.replace('digit-', '')) / 10);
  return <canvas ref={canvas} width={28} height={28} role="img" aria-label={`Digit ${digit}`} />;
}

/** 28×28 grey levels in [0, 1] for a canvas. */
export function digitImage(pixels: Float32Array): ImageData {
  const image = new ImageData(28, 28);
  for (const [at, value] of pixels.entries()) {
    image.data.fill(Math.round(255 * value), 4 * at, 4 * at + 3);
    image.data[4 * at + 3] = 255;
  }
  return image;
}
