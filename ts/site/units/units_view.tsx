/** Section 3 of the paper as a game: which of two sets of images belongs to a unit, and which to a random direction? */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { fetched, MODELS, quizDigits } from '../catalog.ts';
import { Cancelled, type Engine } from '../engine/engine.ts';
import type { UnitImages } from '../engine/messages.ts';
import { FIRST_STATE, type PageState } from '../state.ts';
import { DigitCard } from './digit_card.tsx';
import { commonest, type Round, roundOf, SIDES, type Side } from './rounds.ts';

interface Props {
  engine: Engine;
  state: PageState;
  change: (part: Partial<PageState>) => void;
}

const TOP = 8;
const QUIZ_MODELS = MODELS.filter(({ images }) => images === 'digits');
const LETTERS: Readonly<Record<Side, string>> = { left: 'A', right: 'B' };

export function UnitsView({ engine, state, change }: Props) {
  const model = QUIZ_MODELS.find(({ id }) => id === state.model)?.id ?? FIRST_STATE.model;
  const { layer, round: number, right, pick } = state;
  const [digits, setDigits] = useState<{ pixels: Uint8Array; labels: Uint8Array } | undefined>();
  const [found, setFound] = useState<UnitImages | undefined>();
  const [error, setError] = useState<string | undefined>();
  const next = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    let current = true;
    setFound(undefined);
    setError(undefined);
    const load = async () => {
      const quiz = await quizDigits();
      if (!engine.has(model)) await engine.open(model, await fetched(`data/${model}.onnx`));
      const pixels = Float32Array.from(quiz.pixels, (value) => value / 255);
      const wanted = layer === '' ? undefined : layer;
      const units = await engine.units({ model, layer: wanted, pixels, images: quiz.labels.length, top: TOP });
      if (!current) return;
      setDigits(quiz);
      setFound(units);
    };
    load().catch((cause: unknown) => {
      if (current && !(cause instanceof Cancelled)) setError(cause instanceof Error ? cause.message : String(cause));
    });
    return () => {
      current = false;
    };
  }, [engine, model, layer]);

  const round = useMemo((): Round | string | undefined => {
    if (found === undefined) return undefined;
    try {
      return roundOf(found, number);
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }, [found, number]);
  const playable = typeof round === 'object' ? round : undefined;

  const choose = (side: Side) => {
    if (!playable || pick !== null) return;
    change({ pick: side, right: right + (side === playable.answer ? 1 : 0) });
  };
  const goOn = () => change({ round: number + 1, pick: null });
  // Before the next key can come.
  useLayoutEffect(() => {
    if (pick !== null) next.current?.focus();
  }, [pick]);
  useLayoutEffect(() => {
    const press = ({ key, target }: KeyboardEvent) => {
      if (target instanceof HTMLSelectElement) return;
      if (key === 'ArrowLeft' || key.toLowerCase() === 'a') choose('left');
      if (key === 'ArrowRight' || key.toLowerCase() === 'b') choose('right');
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  });
  const restart = { round: 1, right: 0, pick: null } as const;
  const problem = error ?? (typeof round === 'string' ? round : undefined);
  return (
    <>
      <h1>Which is the unit?</h1>
      <p class="lead">
        One card shows the eight digits that excite a single unit most; the other, those that excite a random mixture of
        the layer’s units. The paper says that nobody can tell. Can you?
      </p>
      <div class="quiz-controls">
        <label class="field">
          Model
          <select
            value={model}
            onChange={({ currentTarget }) => change({ ...restart, model: currentTarget.value, layer: '' })}
          >
            {QUIZ_MODELS.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Layer
          <select
            value={found?.layer ?? ''}
            disabled={found === undefined}
            onChange={({ currentTarget }) => change({ ...restart, layer: currentTarget.value })}
          >
            {found?.layers.map(({ name, units }) => (
              <option key={name} value={name}>
                {name}, {units} units
              </option>
            ))}
          </select>
        </label>
      </div>
      {problem && (
        <p class="error" role="alert">
          {problem}
        </p>
      )}
      {playable && digits ? (
        <div class="quiz-cards">
          {SIDES.map((side) => (
            <DigitCard
              key={side}
              letter={LETTERS[side]}
              card={playable.cards[side]}
              digits={digits}
              picked={pick === side}
              revealed={pick !== null}
              onPick={() => choose(side)}
            />
          ))}
        </div>
      ) : (
        !problem && <p class="note quiz-waiting">Looking through a thousand digits…</p>
      )}
      <p class="verdict" aria-live="polite">
        {playable && digits && pick !== null && <Verdict round={playable} pick={pick} labels={digits.labels} />}
      </p>
      <div class="actions">
        <button ref={next} type="button" disabled={pick === null} onClick={goOn}>
          Next
        </button>
        <button type="button" disabled={number === 1 && pick === null} onClick={() => change(restart)}>
          Start again
        </button>
        <p class="quiz-score">{scoreText(right, number - (pick === null ? 1 : 0))}</p>
      </div>
      <p class="note">Keys: A or ← and B or → choose, Enter goes on.</p>
    </>
  );
}

function Verdict({ round: { cards, answer }, pick, labels }: { round: Round; pick: Side; labels: Uint8Array }) {
  const { unit } = cards[answer];
  const direction = cards[answer === 'left' ? 'right' : 'left'];
  const [own, other] = [commonest(cards[answer], labels), commonest(direction, labels)];
  return (
    <>
      <strong class={pick === answer ? 'good' : 'bad'}>{pick === answer ? 'Right' : 'Wrong'}:</strong> {LETTERS[answer]}{' '}
      is unit {unit}, with {own.count} of {TOP} that are a {own.label}; the random direction has {other.count} that are
      a {other.label}.
    </>
  );
}

function scoreText(right: number, answered: number): string {
  if (answered === 0) return 'No answer yet';
  return `${right} of ${answered} right; guessing gets ${answered / 2}`;
}
