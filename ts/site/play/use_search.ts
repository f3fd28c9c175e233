/** One image, the search for its nearest mistake, and what is then known of it. */
import { useCallback, useRef, useState } from 'preact/hooks';
import { Cancelled, type Engine } from '../engine/engine.ts';
import type { Found, OpenedModel, SearchStep } from '../engine/messages.ts';
import { LARGEST_T } from '../state.ts';
import { answerOf, between, concatenated } from './vectors.ts';

/** An image as a model sees it. */
export interface Subject {
  readonly model: string;
  readonly opened: OpenedModel;
  readonly image: Float32Array<ArrayBuffer>;
  readonly probabilities: Float32Array;
  readonly answer: number;
}

export interface SearchResult {
  readonly found: Found;
  readonly adversarial: Float32Array<ArrayBuffer>;
  readonly seconds: number;
  /** Probabilities at t = 0, step, 2·step, … up to LARGEST_T. */
  readonly along: readonly Float32Array[];
  readonly step: number;
}

export type SearchPhase = 'idle' | 'searching' | 'done' | 'failed';

export interface SearchState {
  readonly phase: SearchPhase;
  readonly subject: Subject | undefined;
  readonly steps: readonly SearchStep[];
  readonly result: SearchResult | undefined;
  readonly error: string | undefined;
}

const NOTHING: SearchState = { phase: 'idle', subject: undefined, steps: [], result: undefined, error: undefined };

/** Large images are evaluated at fewer points of the line. */
const FINE_STEP = 0.05;
const COARSE_STEP = 0.25;
const LARGE = 10_000;

export interface SearchWish {
  readonly model: string;
  readonly opened: OpenedModel;
  readonly image: Float32Array<ArrayBuffer>;
  readonly target: number | null;
  readonly quantize: number;
}

export function useSearch(engine: Engine) {
  const [state, setState] = useState<SearchState>(NOTHING);
  const run = useRef(0);

  const search = useCallback(
    async ({ model, opened, image, target, quantize }: SearchWish) => {
      run.current += 1;
      const own = run.current;
      const current = (): boolean => own === run.current;
      const steps: SearchStep[] = [];
      try {
        const probabilities = await engine.score(model, image, 1);
        if (!current()) return;
        const subject: Subject = { model, opened, image, probabilities, answer: answerOf(probabilities) };
        setState({ phase: 'searching', subject, steps: [], result: undefined, error: undefined });
        if (target === subject.answer) throw new Error('The model answers this class already; choose another one');
        const start = performance.now();
        let told = 0;
        const found = await engine.attack(
          { model, pixels: image, targets: target === null ? null : [target], quantize },
          (step) => {
            steps.push(step);
            if (!current() || performance.now() - told < 30) return;
            told = performance.now();
            setState((last) => ({ ...last, steps: [...steps] }));
          },
        );
        const seconds = (performance.now() - start) / 1000;
        if (!current()) return;
        if (found.examples[0]?.success !== true) {
          throw new Error('No mistake was found within the evaluations of a fast search; try another class or image');
        }
        const adversarial = found.adversarial;
        const step = image.length > LARGE ? COARSE_STEP : FINE_STEP;
        const ts = Array.from({ length: Math.round(LARGEST_T / step) + 1 }, (_, i) => Number((i * step).toFixed(2)));
        const line = ts.map((t) => between(image, adversarial, t));
        const scores = await engine.score(model, concatenated(line), ts.length);
        if (!current()) return;
        const along = ts.map((_, row) => scores.slice(row * opened.classes, (row + 1) * opened.classes));
        setState({
          phase: 'done',
          subject,
          steps: [...steps],
          result: { found, adversarial, seconds, along, step },
          error: undefined,
        });
      } catch (error) {
        if (!current()) return;
        const cancelled = error instanceof Cancelled;
        setState((last) => ({
          ...last,
          phase: cancelled ? 'idle' : 'failed',
          steps: [...steps],
          error: cancelled ? undefined : error instanceof Error ? error.message : String(error),
        }));
      }
    },
    [engine],
  );

  const fail = useCallback((error: unknown) => {
    run.current += 1;
    setState({ ...NOTHING, phase: 'failed', error: error instanceof Error ? error.message : String(error) });
  }, []);

  return { state, search, fail };
}
