/** An image or a change, drawn on a canvas. */
import { useEffect, useRef } from 'preact/hooks';
import { imageLayout, type Picture, perturbationPicture, perturbationRange, toPicture } from '../../report/picture.ts';
import { toImageData } from '../catalog.ts';

interface ImageProps {
  pixels: Float32Array | undefined;
  shape: readonly number[];
  label: string;
}

export function ImagePicture({ pixels, shape, label }: ImageProps) {
  return <CanvasPicture picture={pixels && toPicture(pixels, imageLayout(shape))} shape={shape} label={label} />;
}

/** How many times a change is magnified so that its largest pixel just fits. */
export function magnificationOf(original: Float32Array, changed: Float32Array, shape: readonly number[]): number {
  let largest = 0;
  for (let i = 0; i < original.length; i++) {
    largest = Math.max(largest, Math.abs((changed[i] as number) - (original[i] as number)));
  }
  if (largest === 0) return 1;
  const exact = perturbationRange(imageLayout(shape)) / largest;
  return exact >= 10 ? Math.floor(exact) : Math.max(1, Math.floor(exact * 10) / 10);
}

interface ChangeProps {
  original: Float32Array;
  changed: Float32Array;
  shape: readonly number[];
  magnification: number;
}

export function ChangePicture({ original, changed, shape, magnification }: ChangeProps) {
  const picture = perturbationPicture(original, changed, imageLayout(shape), magnification);
  return <CanvasPicture picture={picture} shape={shape} label={`The change, magnified ${magnification} times`} />;
}

function CanvasPicture({
  picture,
  shape,
  label,
}: {
  picture: Picture | undefined;
  shape: readonly number[];
  label: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height } = imageLayout(shape);
  useEffect(() => {
    if (picture) canvas.current?.getContext('2d')?.putImageData(toImageData(picture), 0, 0);
  });
  return (
    <canvas
      ref={canvas}
      width={width}
      height={height}
      role="img"
      aria-label={label}
      class={width < 100 ? 'coarse' : ''}
    />
  );
}
