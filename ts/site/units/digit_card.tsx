/** Eight digits on a card that can be chosen. */
import { useEffect, useRef } from 'preact/hooks';
import { DIGIT_PIXELS } from '../digits.ts';
import type { Card } from './rounds.ts';

interface Props {
  letter: string;
  card: Card;
  digits: { pixels: Uint8Array; labels: Uint8Array };
  picked: boolean;
  revealed: boolean;
  onPick: () => void;
}

const SIDE = 28;
const GAP = 2;
const COLUMNS = 4;

export function DigitCard({ letter, card, digits: { pixels, labels }, picked, revealed, onPick }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const rows = Math.ceil(card.images.length / COLUMNS);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    for (const [place, image] of card.images.entries()) {
      const picture = new ImageData(SIDE, SIDE);
      for (let at = 0; at < DIGIT_PIXELS; at++) {
        picture.data.fill(pixels[image * DIGIT_PIXELS + at] ?? 0, 4 * at, 4 * at + 3);
        picture.data[4 * at + 3] = 255;
      }
      const [column, row] = [place % COLUMNS, Math.floor(place / COLUMNS)];
      context.putImageData(picture, column * (SIDE + GAP), row * (SIDE + GAP));
    }
  }, [card, pixels]);
  const shown = card.images.map((image) => labels[image]).join(', ');
  const kind = card.unit === null ? 'a random direction' : `unit ${card.unit}`;
  return (
    <button
      type="button"
      class={revealed && card.unit !== null ? 'quiz-card unit' : 'quiz-card'}
      aria-pressed={picked}
      aria-disabled={revealed}
      onClick={onPick}
    >
      <strong>{letter}</strong> {revealed && <span>{kind}</span>}
      <canvas
        ref={canvas}
        width={COLUMNS * (SIDE + GAP) - GAP}
        height={rows * (SIDE + GAP) - GAP}
        role="img"
        aria-label={`Digits ${shown}`}
        class="coarse"
      />
    </button>
  );
}
