/** What the command line talks to: injected, so that tests run it in their own process. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface Terminal {
  /** Results. */
  readonly out: TextStream;
  /** Progress and errors. */
  readonly err: NodeJS.WritableStream & TextStream;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** As shells and scripts know them. */
export const ExitCode = { OK: 0, GATE: 1, INTERNAL: 1, USER: 2, INTERRUPTED: 130 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
