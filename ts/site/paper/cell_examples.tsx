/** The images behind a cell of a table: before, what was added, after, and what the model says. */
import { useEffect, useRef } from 'preact/hooks';
import { formatDistortion } from '../../report/number_format.ts';
import { ChangePicture, ImagePicture, magnificationOf } from '../play/canvas_picture.tsx';
import type { CellExamples as Examples } from './paper_examples.ts';

const DIGIT = [28, 28];

interface Props {
  row: string;
  found: Examples;
  onClose: () => void;
}

export function CellExamples({ row, found: { model, examples }, onClose }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    heading.current?.parentElement?.scrollIntoView({ block: 'nearest' });
  }, [row, model]);
  const wrong = examples.filter(({ label, prediction }) => label !== prediction).length;
  return (
    <section class="cell-examples">
      <h3 ref={heading} tabIndex={-1}>
        Images of {row.replace(/^… for/, 'distorted for')}, seen by {model}
      </h3>
      <p class="note">
        The first {examples.length} of those counted: the image, what was added to it, magnified, and both together.{' '}
        {model} answers {wrong} of them wrongly.
      </p>
      <ol>
        {examples.map(({ label, original, changed, distortion, prediction }, at) => {
          const magnification = magnificationOf(original, changed, DIGIT);
          return (
            <li key={at}>
              <ImagePicture pixels={original} shape={DIGIT} label={`A ${label}, before`} />
              <ChangePicture original={original} changed={changed} shape={DIGIT} magnification={magnification} />
              <ImagePicture pixels={changed} shape={DIGIT} label={`The same ${label}, changed`} />
              <p>
                {prediction === label ? `still ${label}` : <strong class="bad">{`${label} → ${prediction}`}</strong>}
                <br />
                <small>
                  distortion {formatDistortion(distortion)}, shown ×{magnification}
                </small>
              </p>
            </li>
          );
        })}
      </ol>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </section>
  );
}
