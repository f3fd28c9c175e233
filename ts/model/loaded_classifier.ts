/**
 * A classifier that is read once. The graphs made of it and the sessions that run them are made when they are first asked
 * for, and kept: whoever asks again gets the same ones.
 */
import { BlindspotError } from '../errors.ts';
import { attackGraph, hasRoundedKinks } from '../onnx/attack_graph.ts';
import { type ClassifierDescription, describeClassifier } from '../onnx/classifier.ts';
import { type Classifier, type ClassifierOptions, readClassifier } from '../onnx/read_classifier.ts';
import { type ProviderName, parseProvider, type Session, type SessionFactory } from '../runtime/session.ts';
import { flushTinyWeights } from './flush_tiny_weights.ts';
import { type OpenedJudge, openJudge } from './open_judge.ts';

/** A session that is the borrower's alone until it is disposed of, which gives it back. */
export interface BorrowedSession extends AsyncDisposable {
  readonly session: Session;
}

export class LoadedClassifier implements AsyncDisposable {
  /** The file. */
  readonly bytes: Uint8Array;
  readonly classifier: Classifier;
  readonly description: ClassifierDescription;
  /** Where its sessions run, as asked. */
  readonly provider: ProviderName;
  /** As asked: what it wants of its pixels, which output holds its scores. */
  readonly options: ClassifierOptions;
  /** Whether gradients over rounded kinks differ from the exact ones. */
  readonly hasKinks: boolean;
  readonly #createSession: SessionFactory;
  readonly #graphs = new Map<boolean, Uint8Array<ArrayBuffer>>();
  /** Gradient sessions that nobody has borrowed: at most one a graph. */
  readonly #idle = new Map<boolean, Session>();
  #judge: Promise<OpenedJudge> | undefined;
  #disposed = false;

  /**
   * @param bytes an ONNX file.
   * @throws INVALID_MODEL, UNSUPPORTED_OP, INVALID_ARGUMENT.
   */
  constructor(
    createSession: SessionFactory,
    bytes: Uint8Array,
    provider: ProviderName,
    options: ClassifierOptions = {},
  ) {
    this.#createSession = createSession;
    this.provider = parseProvider(provider);
    this.bytes = bytes;
    this.options = options;
    this.classifier = readClassifier(bytes, options);
    this.description = describeClassifier(this.classifier.model);
    this.hasKinks = hasRoundedKinks(this.classifier.model);
  }

  /** Who judges what is found. @throws INVALID_MODEL, PROVIDER_UNAVAILABLE, DISPOSED. */
  async judge(): Promise<OpenedJudge> {
    this.#expectOpen();
    this.#judge ??= openJudge(this.#createSession, this.bytes, this.classifier, this.provider);
    try {
      return await this.#judge;
    } catch (error) {
      this.#judge = undefined;
      throw error;
    }
  }

  /** attackGraph, as a file. @param smoothing whether it has the input `smoothing`. */
  gradientGraph(smoothing: boolean): Uint8Array<ArrayBuffer> {
    let graph = this.#graphs.get(smoothing);
    if (graph === undefined) {
      const target = this.provider === 'webgpu' ? 'webgpu' : 'cpu';
      graph = attackGraph(flushTinyWeights(this.classifier.model), { target, smoothing });
      this.#graphs.set(smoothing, graph);
    }
    return graph;
  }

  /** A session of gradientGraph. Who borrows while another has it gets one of their own. */
  async borrowSession(smoothing: boolean): Promise<BorrowedSession> {
    this.#expectOpen();
    const kept = this.#idle.get(smoothing);
    this.#idle.delete(smoothing);
    const session = kept ?? (await this.#createSession(this.gradientGraph(smoothing), { provider: this.provider }));
    return { session, [Symbol.asyncDispose]: () => this.#giveBack(smoothing, session) };
  }

  /** Ends its sessions; those that are borrowed end when they come back. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    const sessions = [...this.#idle.values()];
    this.#idle.clear();
    await Promise.all(sessions.map((session) => session.release()));
    const judge = await this.#judge?.catch(() => undefined);
    await judge?.[Symbol.asyncDispose]();
  }

  async #giveBack(smoothing: boolean, session: Session): Promise<void> {
    if (this.#disposed || this.#idle.has(smoothing)) await session.release();
    else this.#idle.set(smoothing, session);
  }

  #expectOpen(): void {
    if (this.#disposed) throw new BlindspotError('DISPOSED', 'The model was disposed of: open it again');
  }
}
