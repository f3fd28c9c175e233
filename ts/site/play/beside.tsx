/** What stands beside a mistake: noise of its length, other models, the nearest mistake to every class. */
import { useEffect, useState } from 'preact/hooks';
import { formatDistortion } from '../../report/number_format.ts';
import { fetched, MODELS } from '../catalog.ts';
import { Cancelled, type Engine } from '../engine/engine.ts';
import { ImagePicture } from './canvas_picture.tsx';
import { type NoiseReport, tryNoise } from './noise.ts';
import type { SearchResult, Subject } from './use_search.ts';
import { answerOf, concatenated } from './vectors.ts';

interface Props {
  engine: Engine;
  subject: Subject;
  result: SearchResult;
  names: readonly string[];
  onTarget: (target: number) => void;
}

interface Transfer {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

interface ClassMistake {
  readonly target: number;
  readonly pixels: Float32Array | undefined;
  readonly distortion: number | null;
}

const MOST_IN_ROW = 10;

export function Beside({ engine, subject, result, names, onTarget }: Props) {
  const [noise, setNoise] = useState<NoiseReport | undefined>();
  const [transfers, setTransfers] = useState<readonly Transfer[] | undefined>();
  const [row, setRow] = useState<readonly ClassMistake[] | undefined>();
  const [error, setError] = useState<string | undefined>();
  const small = subject.image.length <= 10_000;
  const say = (k: number): string => names[k] ?? String(k);

  useEffect(() => {
    let current = true;
    setNoise(undefined);
    setTransfers(undefined);
    setRow(undefined);
    setError(undefined);
    const work = async () => {
      const { model, image, answer } = subject;
      const length = result.found.examples[0]?.l2 ?? 0;
      const tried = await tryNoise(engine, model, { image, length, answer, draws: small ? 50 : 4 });
      if (!current) return;
      setNoise(tried);
      const others = await transfer(engine, subject, result.adversarial);
      if (!current) return;
      setTransfers(others);
      if (!small || subject.opened.classes > MOST_IN_ROW) return;
      const mistakes = await everyClass(engine, subject);
      if (current) setRow(mistakes);
    };
    work().catch((cause: unknown) => {
      if (current && !(cause instanceof Cancelled)) setError(cause instanceof Error ? cause.message : String(cause));
    });
    return () => {
      current = false;
    };
  }, [result]);

  const { imageShape } = subject.opened;
  return (
    <section class="beside" aria-labelledby="beside-title">
      <h2 id="beside-title">Beside it</h2>
      <div class="beside-grid">
        <div>
          <h3>Noise of the same length</h3>
          {noise ? (
            <div class="noise">
              <ImagePicture
                pixels={noise.example}
                shape={imageShape}
                label="The image with Gaussian noise as long as the change"
              />
              <p>
                fools{' '}
                <strong>
                  {noise.fooled} of {noise.draws}
                </strong>{' '}
                times.{' '}
                {noise.factor === null
                  ? 'Even 64 times as long it fools less than half of them.'
                  : noise.factor === 1
                    ? 'That is half of them: this image lies at the boundary.'
                    : `To fool half of them it has to be about ${noise.factor} times as long.`}
              </p>
            </div>
          ) : (
            <p class="note">Trying…</p>
          )}
        </div>
        <div>
          <h3>Do other models fall for it?</h3>
          {transfers === undefined ? (
            <p class="note">Asking…</p>
          ) : transfers.length === 0 ? (
            <p class="note">No other model here takes such images.</p>
          ) : (
            <ul class="ticks">
              {transfers.map(({ name, before, after }) => (
                <li key={name}>
                  <strong>{name}</strong>{' '}
                  {before === after ? (
                    before === subject.answer ? (
                      `no: still ${say(after)}`
                    ) : (
                      `takes the image itself for ${say(after)}`
                    )
                  ) : (
                    <span class="bad">
                      yes: {say(before)} → {say(after)}
                    </span>
                  )}
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      {small && subject.opened.classes <= MOST_IN_ROW && (
        <>
          <h3>The nearest mistake towards every class</h3>
          <ul class="row">
            {(row ?? []).map(({ target, pixels, distortion }) => (
              <li key={target}>
                <button type="button" onClick={() => onTarget(target)}>
                  <ImagePicture pixels={pixels} shape={imageShape} label={`Nearest image taken for ${say(target)}`} />
                  <span>
                    <strong>{say(target)}</strong> {distortion === null ? 'not found' : formatDistortion(distortion)}
                  </span>
                </button>
              </li>
            ))}
          </ul>
          {row === undefined && <p class="note">Searching…</p>}
        </>
      )}
    </section>
  );
}

/** Every other model of the same kind, asked before and after; large ones if they are there already. */
async function transfer(engine: Engine, subject: Subject, adversarial: Float32Array): Promise<Transfer[]> {
  if (subject.image.length !== 784) return [];
  const found: Transfer[] = [];
  const others = MODELS.filter(({ id, images, large }) => {
    return images === 'digits' && id !== subject.model && (large !== true || engine.has(id));
  });
  for (const { id, name } of others) {
    if (!engine.has(id)) await engine.open(id, await fetched(`data/${id}.onnx`));
    const scores = await engine.score(id, concatenated([subject.image, adversarial]), 2);
    const classes = scores.length / 2;
    found.push({ name, before: answerOf(scores.subarray(0, classes)), after: answerOf(scores.subarray(classes)) });
  }
  return found;
}

async function everyClass(engine: Engine, { model, image, answer, opened }: Subject): Promise<ClassMistake[]> {
  const targets = Array.from({ length: opened.classes }, (_, k) => k).filter((k) => k !== answer);
  const pixels = concatenated(targets.map(() => image));
  const { examples, adversarial } = await engine.attack({ model, pixels, targets, quantize: 0 });
  const mistakes = targets.map((target, at): ClassMistake => {
    const example = examples[at];
    if (example?.success !== true) return { target, pixels: undefined, distortion: null };
    return {
      target,
      pixels: adversarial.slice(at * image.length, (at + 1) * image.length),
      distortion: example.distortion,
    };
  });
  return mistakes.toSorted((a, b) => (a.distortion ?? Infinity) - (b.distortion ?? Infinity));
}
