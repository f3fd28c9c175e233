/**
 * Who judges: the file itself in plain ONNX Runtime where it can be run so, else the graph that logitsGraph makes of it,
 * which the result then says.
 */
import { logitsGraph } from '../onnx/attack_graph.ts';
import type { Classifier } from '../onnx/read_classifier.ts';
import type { ProviderName, Session, SessionFactory } from '../runtime/session.ts';
import { OriginalScorer } from './original_scorer.ts';
import { CopyScorer, type Scorer } from './scorer.ts';

export interface OpenedJudge extends AsyncDisposable {
  readonly scorer: Scorer;
  /** What it really runs on. */
  readonly provider: ProviderName;
  /** Why the file itself does not judge; undefined where it does. */
  readonly notOriginal?: string;
}

/** @param bytes the file. @throws INVALID_MODEL, PROVIDER_UNAVAILABLE when neither can be run. */
export async function openJudge(
  createSession: SessionFactory,
  bytes: Uint8Array,
  classifier: Classifier,
  provider: ProviderName,
): Promise<OpenedJudge> {
  const opened = await openOriginal(createSession, bytes, classifier, provider);
  if (typeof opened !== 'string') return judgeBy(new OriginalScorer(opened, classifier.source), opened);
  const copy = await createSession(logitsGraph(classifier.model), { provider });
  return { ...judgeBy(new CopyScorer(copy), copy), notOriginal: opened };
}

function judgeBy(scorer: Scorer, session: Session): OpenedJudge {
  return { scorer, provider: session.provider, [Symbol.asyncDispose]: () => session.release() };
}

/** The session, or why there is none. */
async function openOriginal(
  createSession: SessionFactory,
  bytes: Uint8Array,
  { source }: Classifier,
  provider: ProviderName,
): Promise<Session | string> {
  let session: Session;
  try {
    session = await createSession(bytes, { provider });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const others = session.inputs.filter(({ name }) => name !== source.input.name).map(({ name }) => `"${name}"`);
  const known = session.outputs.some(({ name }) => name === source.output);
  if (others.length === 0 && known) return session;
  await session.release();
  return known ? `it has other inputs, ${others.join(', ')}` : `"${source.output}" is no output of the file`;
}

/**
 * How much the margins of the two differ where half precision is widened for the search: the largest difference over these
 * images, in logits.
 */
export async function precisionNoise(
  createSession: SessionFactory,
  classifier: Classifier,
  scorer: Scorer,
  { pixels, rows, shape, classes }: { pixels: Float32Array; rows: number; shape: readonly number[]; classes: number },
): Promise<number> {
  await using session = await createSession(logitsGraph(classifier.model));
  const copy = await new CopyScorer(session).score(pixels, rows, shape);
  const original = await scorer.score(pixels, rows, shape);
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    const range = (logits: Float32Array): number => topMargin(logits.subarray(row * classes, (row + 1) * classes));
    const difference = Math.abs(range(copy) - range(original));
    if (difference > largest) largest = difference;
  }
  return largest;
}

/** Of the largest score over the second. */
function topMargin(logits: Float32Array): number {
  const [first = 0, second = 0] = Float32Array.from(logits).sort((a, b) => b - a);
  return first - second;
}
