/** The image, the change, the mistake; the search as it went; the line through both. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { formatNpz } from '../../data/npz.ts';
import { formatDistortion, formatL2, formatScientific, formatSeconds } from '../../report/number_format.ts';
import { imageLayout, toPicture } from '../../report/picture.ts';
import { toImageData } from '../catalog.ts';
import type { Engine } from '../engine/engine.ts';
import { LARGEST_T, type PageState } from '../state.ts';
import { ChangePicture, ImagePicture, magnificationOf } from './canvas_picture.tsx';
import { LinePlot } from './line_plot.tsx';
import { PlanePlot } from './plane_plot.tsx';
import { ProbabilityBars } from './probability_bars.tsx';
import type { SearchResult, SearchState, Subject } from './use_search.ts';
import { answerOf, between, distance } from './vectors.ts';

interface Props {
  engine: Engine;
  search: SearchState;
  names: readonly string[];
  state: PageState;
  change: (part: Partial<PageState>) => void;
  loading: boolean;
  onCancel: () => void;
  onRepeat: () => void;
}

/** Of a replay, however fast the search was: slow enough to be watched. */
const REPLAY_MILLISECONDS = 1400;

export function Stage({ engine, search, names, state, change, loading, onCancel, onRepeat }: Props) {
  const { t, across, seed } = state;
  const { subject, steps, result, phase, error } = search;
  const frame = useReplay(steps.length, result);
  const replaying = result !== undefined && frame !== undefined;
  if (subject === undefined) {
    return (
      <div class="stage-empty" aria-live="polite">
        {error ? (
          <p class="error" role="alert">
            {error}
          </p>
        ) : (
          <p>{loading ? 'The model is loading…' : 'Looking at the image…'}</p>
        )}
      </div>
    );
  }
  const live = phase === 'searching' ? steps.at(-1) : replaying ? steps[frame] : undefined;
  const index = result ? Math.round(t / result.step) : 0;
  const shown = live?.point ?? (result ? between(subject.image, result.adversarial, t) : subject.image);
  const probabilities = live?.probabilities ?? result?.along[index] ?? subject.probabilities;
  const { imageShape } = subject.opened;
  const answer = answerOf(probabilities);
  const say = (k: number): string => names[k] ?? String(k);
  const percent = (p: Float32Array, k: number): string => `${(100 * (p[k] ?? 0)).toFixed(1)} %`;
  const magnification = magnificationOf(subject.image, result?.adversarial ?? shown, imageShape);
  return (
    <>
      <div class="trio">
        <figure>
          <ImagePicture
            pixels={subject.image}
            shape={imageShape}
            label={`The image, answered ${say(subject.answer)}`}
          />
          <figcaption>
            <strong>{say(subject.answer)}</strong> {percent(subject.probabilities, subject.answer)}
          </figcaption>
        </figure>
        <figure>
          <ChangePicture original={subject.image} changed={shown} shape={imageShape} magnification={magnification} />
          <figcaption>change × {magnification}</figcaption>
        </figure>
        <figure>
          <ImagePicture pixels={shown} shape={imageShape} label={`The changed image, answered ${say(answer)}`} />
          <figcaption>
            <strong class={answer === subject.answer ? '' : 'bad'}>{say(answer)}</strong>{' '}
            {percent(probabilities, answer)}
          </figcaption>
        </figure>
      </div>
      <label class="slider">
        <span>the image</span>
        <input
          type="range"
          min="0"
          max={LARGEST_T}
          step={result?.step ?? 0.05}
          value={t}
          disabled={result === undefined || replaying}
          aria-label="From the image (0) to its mistake (1) and beyond"
          aria-valuetext={`${t} times the change: ${say(answer)}`}
          onInput={({ currentTarget }) => change({ t: Number(currentTarget.value) })}
        />
        <span>{t === 1 ? 'its mistake' : `${t.toFixed(2)} × the change`}</span>
      </label>
      <p class="verdict" aria-live="polite">
        {result && !replaying ? (
          <Verdict subject={subject} result={result} say={say} />
        ) : phase === 'searching' || replaying ? (
          'Searching for the nearest mistake…'
        ) : error ? (
          ''
        ) : (
          'Cancelled.'
        )}
      </p>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <div class="actions">
        {phase === 'searching' ? (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        ) : (
          <button type="button" onClick={onRepeat}>
            Search again
          </button>
        )}
        {result && (
          <>
            <button type="button" onClick={() => savePng(result.adversarial, imageShape)}>
              Save PNG
            </button>
            <button type="button" onClick={() => saveNpz(subject, result)}>
              Save .npz
            </button>
          </>
        )}
      </div>
      <div class="panels">
        <div>
          <ProbabilityBars probabilities={probabilities} names={names} before={subject.answer} />
          <SearchPlot search={search} upTo={replaying ? frame : undefined} />
        </div>
        <div>
          <PlanePlot
            {...{ engine, search, say, t, across, seed }}
            upTo={replaying ? frame : undefined}
            onAcross={(chosen) => change({ across: chosen })}
            onSeed={(next) => change({ seed: next })}
          />
          {result && !replaying && <AlongPlot subject={subject} result={result} t={t} say={say} />}
        </div>
      </div>
    </>
  );
}

function Verdict({ subject, result, say }: { subject: Subject; result: SearchResult; say: (k: number) => string }) {
  const example = result.found.examples[0];
  if (!example) return null;
  const { distortion, l2, evaluations, prediction, quantized } = example;
  return (
    <>
      <strong>
        At a distortion of {formatDistortion(distortion)} the model takes it for {say(prediction)}, not{' '}
        {say(subject.answer)}.
      </strong>{' '}
      L2 {formatL2(l2)}, {evaluations} gradients, {formatSeconds(result.seconds)}. Saved as a PNG it is{' '}
      {quantized.success
        ? `still wrong (${say(quantized.prediction)}).`
        : 'right again: tick “Saves as PNG and stays wrong”.'}
    </>
  );
}

/** The step to show while what was searched is played; undefined when it has been. */
function useReplay(count: number, result: SearchResult | undefined): number | undefined {
  const [frame, setFrame] = useState<number | undefined>();
  useEffect(() => {
    setFrame(undefined);
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    // A search that took its time has been watched already.
    if (!result || calm || count < 2 || result.seconds > 1) return;
    const start = performance.now();
    let request = 0;
    const draw = () => {
      const part = (performance.now() - start) / REPLAY_MILLISECONDS;
      setFrame(part < 1 ? Math.floor(part * count) : undefined);
      if (part < 1) request = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(request);
  }, [result]);
  return frame;
}

function SearchPlot({ search: { subject, steps, result }, upTo }: { search: SearchState; upTo: number | undefined }) {
  const points = useMemo(
    () =>
      steps.map(({ point, probabilities }, i) => ({
        at: [i + 1, subject ? distance(subject.image, point) / Math.sqrt(point.length) : 0] as const,
        wrong: answerOf(probabilities) !== subject?.answer,
      })),
    [steps, subject],
  );
  const known = points.slice(0, upTo === undefined ? undefined : upTo + 1);
  const final = result?.found.examples[0]?.distortion ?? null;
  const highest = Math.max(1e-6, ...points.map(({ at }) => at[1]));
  return (
    <LinePlot
      title="The search: distortion of each point it tried"
      xTitle="evaluation"
      xMax={Math.max(10, points.length)}
      yMax={highest * 1.05}
      formatY={(value) => (highest < 1e-3 ? formatScientific(value) : formatDistortion(Number(value.toPrecision(2))))}
      series={[
        ...(final === null || upTo !== undefined
          ? []
          : [
              {
                name: 'found',
                colour: 'rule',
                points: [
                  [0, final],
                  [Math.max(10, points.length), final],
                ] as const,
              },
            ]),
        {
          name: 'answered right',
          colour: 'series-1',
          dots: true,
          points: known.filter(({ wrong }) => !wrong).map(({ at }) => at),
        },
        {
          name: 'wrong',
          colour: 'series-2',
          dots: true,
          points: known.filter(({ wrong }) => wrong).map(({ at }) => at),
        },
      ]}
    />
  );
}

function AlongPlot({
  subject,
  result,
  t,
  say,
}: {
  subject: Subject;
  result: SearchResult;
  t: number;
  say: (k: number) => string;
}) {
  const wrong = result.found.examples[0]?.prediction ?? subject.answer;
  const of = (k: number) => result.along.map((p, i) => [i * result.step, p[k] ?? 0] as const);
  return (
    <LinePlot
      title="From the image to its mistake and beyond"
      xTitle="times the change"
      xMax={LARGEST_T}
      yMax={1}
      formatY={(value) => `${100 * value} %`}
      cursor={t}
      series={[
        { name: say(subject.answer), colour: 'series-1', points: of(subject.answer) },
        { name: say(wrong), colour: 'series-2', points: of(wrong) },
      ]}
    />
  );
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function savePng(pixels: Float32Array, shape: readonly number[]): Promise<void> {
  const picture = toPicture(pixels, imageLayout(shape));
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext('2d')?.putImageData(toImageData(picture), 0, 0);
  save(await canvas.convertToBlob({ type: 'image/png' }), 'adversarial.png');
}

function saveNpz({ image, opened, answer }: Subject, { adversarial, found }: SearchResult): void {
  const shape = [1, ...opened.imageShape];
  const bytes = formatNpz({
    originals: { shape, data: image },
    adversarial: { shape, data: adversarial },
    labels: { shape: [1], data: Int32Array.of(answer) },
    predictions: { shape: [1], data: Int32Array.of(found.examples[0]?.prediction ?? -1) },
  });
  save(new Blob([Uint8Array.from(bytes)]), 'adversarial.npz');
}
