/**
 * Errors that a user can act on. Each carries a stable code; the command line prints the message alone and
 * exits with 2. Anything else that is thrown is a defect of ours.
 */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'FILE_NOT_FOUND'
  | 'FILE_UNREADABLE'
  | 'OUTPUT_NOT_WRITABLE'
  | 'INVALID_MODEL'
  | 'UNSUPPORTED_OP'
  | 'MODEL_DATA_MISMATCH'
  | 'INVALID_DATA'
  | 'KERNEL_UNAVAILABLE'
  | 'PROVIDER_UNAVAILABLE'
  | 'DISPOSED'
  | 'NOT_FINITE'
  | 'OUT_OF_MEMORY';

export class BlindspotError extends Error {
  override readonly name = 'BlindspotError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** "Expected a positive integer for count but received -3 of type number": one phrasing for every argument. */
export function invalidArgument(name: string, expected: string, received: unknown): BlindspotError {
  return new BlindspotError('INVALID_ARGUMENT', `Expected ${expected} for ${name} but received ${describe(received)}`);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return `${JSON.stringify(value)} of type string`;
  if (typeof value === 'object') return `an object of type ${value.constructor?.name ?? 'Object'}`;
  return `${String(value)} of type ${typeof value}`;
}
