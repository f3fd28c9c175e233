/** A square to draw a digit on; what was drawn goes on as a picture. The keyboard has the other ways to an image. */
import { useRef } from 'preact/hooks';

const SIDE = 280;

export function DrawPad({ onDrawn }: { onDrawn: (picture: Blob) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<{ x: number; y: number } | undefined>(undefined);
  const at = ({ offsetX, offsetY }: PointerEvent) => {
    const side = canvas.current?.clientWidth || SIDE;
    return { x: (offsetX * SIDE) / side, y: (offsetY * SIDE) / side };
  };
  const stroke = (event: PointerEvent) => {
    const context = canvas.current?.getContext('2d');
    if (!context || !last.current) return;
    const to = at(event);
    context.strokeStyle = '#fff';
    context.lineWidth = 22;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(last.current.x, last.current.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    last.current = to;
  };
  const done = () => {
    if (last.current === undefined) return;
    last.current = undefined;
    canvas.current?.toBlob((blob) => blob && onDrawn(blob));
  };
  const clear = () => canvas.current?.getContext('2d')?.clearRect(0, 0, SIDE, SIDE);
  return (
    <div class="draw">
      <canvas
        ref={canvas}
        width={SIDE}
        height={SIDE}
        role="img"
        aria-label="Draw a digit here with the pointer"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          last.current = at(event);
          stroke(event);
        }}
        onPointerMove={stroke}
        onPointerUp={done}
        onPointerCancel={done}
      />
      <button type="button" onClick={clear}>
        Clear
      </button>
    </div>
  );
}
