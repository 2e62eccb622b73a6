/** What kind of thing went wrong. Codes are stable: match on them, never on messages. */
export type ErrorCode =
  /** A record of the input could not be read as what it should be. */
  | 'parse'
  /** Data does not fit a schema. */
  | 'validation'
  /** The user's own function or expression threw. */
  | 'expression'
  /** A result could not be written in the format of the output. */
  | 'encode'
  /** An option, a flag or a pipeline is wrong; nothing was started. */
  | 'usage'
  /** An input could not be opened or read, or nothing matched. */
  | 'input'
  /** An output could not be written. */
  | 'output'
  /** The reader of stdout has gone. */
  | 'closed'
  /** A policy ended the run. */
  | 'halted'
  /** A call was given up before it was done. */
  | 'aborted'
  /** A fault in batchx itself. */
  | 'bug';

export interface BatchxErrorOptions {
  /** Whether the same call may succeed when it is tried again. */
  readonly retryable?: boolean;
  /** The wait that the other side asked for, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Where it happened, as `file:line` or the name of a step. */
  readonly where?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of batchx: a stable `code`, a message that says what was expected and what came, and where.
 *
 * @example
 * import { BatchxError } from 'batchx';
 *
 * throw new BatchxError('validation', 'expected `sku` to be text, got 12', { where: 'orders.jsonl:7' });
 */
export class BatchxError extends Error {
  override readonly name = 'BatchxError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly where: string | undefined;

  constructor(code: ErrorCode, message: string, options: BatchxErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.where = options.where;
  }

  /** The error itself where it is a `BatchxError`, otherwise a new one of the given code with `thrown` as its cause. */
  static from(thrown: unknown, code: ErrorCode = 'expression'): BatchxError {
    if (thrown instanceof BatchxError) return thrown;
    return new BatchxError(code, messageOf(thrown), { cause: thrown });
  }
}

/** The message of whatever was thrown: errors say theirs, other values are shown as they are. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.name === 'Error' ? thrown.message : `${thrown.name}: ${thrown.message}`;
  if (typeof thrown === 'string') return thrown;
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return typeof thrown === 'bigint' ? String(thrown) : Object.prototype.toString.call(thrown);
  }
}

/** The system's code of an error (`ENOENT`, `EPIPE`, ...), if it has one. */
export function systemCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
