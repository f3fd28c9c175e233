/** Progress of long work: a bar on a terminal, elsewhere a plain line every few seconds. */
import { SingleBar } from 'cli-progress';
import type { Terminal } from './terminal.ts';

const SECONDS_BETWEEN_LINES = 5;

export class ProgressLine {
  readonly #stream: Terminal['err'];
  readonly #title: string;
  #bar: SingleBar | undefined;
  #written = performance.now();
  #last = '';

  constructor(stream: Terminal['err'], title: string) {
    this.#stream = stream;
    this.#title = title;
  }

  /**
   * @param share of the work done, 0 to 1.
   * @param text what is shown beside it.
   */
  update(share: number, text: string): void {
    if (this.#stream.isTTY === true) this.#draw(share, text);
    else this.#writeLine(share, text);
  }

  /** Takes the bar away, so that what follows starts on a clean line. */
  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #draw(share: number, text: string): void {
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        stream: this.#stream,
        format: `${this.#title} {bar} {percentage} % · {text}`,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
        gracefulExit: false,
        // The text holds the time left, so lines may be long: they are cut, not wrapped.
        linewrap: false,
      });
      this.#bar.start(1000, 0, { text });
    }
    this.#bar.update(Math.round(share * 1000), { text });
  }

  #writeLine(share: number, text: string): void {
    const now = performance.now();
    const line = `${this.#title} ${Math.floor(share * 100)} % · ${text}`;
    if (now - this.#written < SECONDS_BETWEEN_LINES * 1000 || line === this.#last) return;
    this.#written = now;
    this.#last = line;
    this.#stream.write(`${line}\n`);
  }
}
