/** The model's answers all over a plane, coarse at first and finer while that takes less than a moment. */
import { useEffect, useState } from 'preact/hooks';
import { Cancelled, type Engine } from '../engine/engine.ts';
import { blockCentre, PLANE_CELLS, PLANE_PASSES, type Plane, writePlanePoint } from './plane.ts';
import { answerOf } from './vectors.ts';

export interface Regions {
  /** Class of each cell, row by row from the top; −1: not asked yet. */
  readonly answers: Int32Array;
  /** Its probability. */
  readonly sure: Float32Array;
  readonly done: boolean;
  readonly error: string | undefined;
}

/** A pass four times as dear as one that took longer is left out. */
const LONGEST_MILLISECONDS = 2500;
/** Numbers a call: what is asked meanwhile has not to wait long. */
const VALUES_A_CALL = 2 ** 18;

export function useRegions(engine: Engine, model: string, plane: Plane | undefined): Regions | undefined {
  const [regions, setRegions] = useState<Regions | undefined>();
  useEffect(() => {
    setRegions(undefined);
    if (plane === undefined) return;
    let current = true;
    const cells = PLANE_CELLS.columns * PLANE_CELLS.rows;
    const answers = new Int32Array(cells).fill(-1);
    const sure = new Float32Array(cells);
    const tell = (done: boolean, error?: string) => setRegions({ answers, sure, done, error });
    const work = async () => {
      for (const side of PLANE_PASSES) {
        const start = performance.now();
        for await (const _ of pass(engine, model, plane, { side, answers, sure })) {
          if (!current) return;
          tell(false);
        }
        if (performance.now() - start > LONGEST_MILLISECONDS) break;
      }
      if (current) tell(true);
    };
    work().catch((cause: unknown) => {
      if (current && !(cause instanceof Cancelled)) tell(true, cause instanceof Error ? cause.message : String(cause));
    });
    return () => {
      current = false;
    };
  }, [engine, model, plane]);
  return regions;
}

/** Yields after every call. */
async function* pass(
  engine: Engine,
  model: string,
  plane: Plane,
  { side, answers, sure }: { side: number; answers: Int32Array; sure: Float32Array },
): AsyncGenerator<void> {
  const across = PLANE_CELLS.columns / side;
  const blocks = across * (PLANE_CELLS.rows / side);
  const n = plane.origin.length;
  const most = Math.max(1, Math.floor(VALUES_A_CALL / n));
  for (let first = 0; first < blocks; first += most) {
    const rows = Math.min(most, blocks - first);
    const pixels = new Float32Array(rows * n);
    const corner = (block: number): [number, number] => [(block % across) * side, Math.floor(block / across) * side];
    for (let row = 0; row < rows; row++) {
      const [column, line] = corner(first + row);
      const [a, b] = blockCentre(column, line, side);
      writePlanePoint(plane, a, b, pixels.subarray(row * n, (row + 1) * n));
    }
    const probabilities = await engine.score(model, pixels, rows);
    const classes = probabilities.length / rows;
    for (let row = 0; row < rows; row++) {
      const own = probabilities.subarray(row * classes, (row + 1) * classes);
      const answer = answerOf(own);
      const [column, line] = corner(first + row);
      for (let y = line; y < line + side; y++) {
        const at = y * PLANE_CELLS.columns + column;
        answers.fill(answer, at, at + side);
        sure.fill(own[answer] ?? 0, at, at + side);
      }
    }
    yield;
  }
}
