import { classOf, type ErrorClass, mayRetry } from './error-class.js';

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
  /** An attempt took longer than it may. */
  | 'timeout'
  /** A call asks for more than its rate limit ever lets through. */
  | 'limit'
  /** A circuit breaker that is open let no call through. */
  | 'open'
  /** A command could not be started, or ended with an exit code or a signal that is no success. */
  | 'exec'
  /** An answer over HTTP that is no success. */
  | 'http'
  /** The path of an output leads out of its folder, is taken, or cannot be a name. */
  | 'path'
  /** A call was given up before it was done. */
  | 'aborted'
  /** A job is being run by another run, or its state is damaged or of a newer version. */
  | 'locked'
  /** A fault in batchx itself. */
  | 'bug';

export interface BatchxErrorOptions {
  /** What it says of trying again; by the code unless said. */
  readonly class?: ErrorClass;
  /** Short for the class: `transient` when true. */
  readonly retryable?: boolean;
  /** Whether the call may have been done all the same, and must not be done twice. */
  readonly inDoubt?: boolean;
  /** The wait that the other side asked for, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The server that asked for it, where calls to each server wait apart; the one that was called unless said. */
  readonly server?: string;
  /** Where it happened, as `file:line` or the name of a step. */
  readonly where?: string;
  /**
   * A run is halted when so many calls of one step in a row fail with the same code and message. With 1 the item stays
   * pending instead of failing.
   */
  readonly haltAfter?: number;
  /** What makes failures the same for that, beside their code; the message unless said. */
  readonly haltKey?: string;
  /** What its user can do about it, told when the run is halted for it. */
  readonly advice?: string;
  /** Whether the call was done, or may have been, although it failed: then one with effect `once` ends in doubt. */
  readonly maybeDone?: boolean;
  readonly cause?: unknown;
}

/** What an error says of halting the run, as options for another error that takes its place. */
export const haltingOf = ({ haltAfter, haltKey, advice }: BatchxError): BatchxErrorOptions => ({
  ...(haltAfter !== undefined && { haltAfter }),
  ...(haltKey !== undefined && { haltKey }),
  ...(advice !== undefined && { advice }),
});

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
  /** What it says of trying the same call again. */
  readonly class: ErrorClass;
  /** Whether it is not known if the call was done. */
  readonly inDoubt: boolean;
  readonly retryAfterMs: number | undefined;
  readonly server: string | undefined;
  readonly where: string | undefined;
  /** How many items that fail so in a row halt the run; undefined when none do. */
  readonly haltAfter: number | undefined;
  readonly haltKey: string | undefined;
  readonly advice: string | undefined;
  readonly maybeDone: boolean;

  constructor(code: ErrorCode, message: string, options: BatchxErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.class = options.class ?? (options.retryable === true ? 'transient' : classByCode[code]) ?? 'permanent';
    this.inDoubt = options.inDoubt ?? false;
    const { retryAfterMs } = options;
    // What is no time to wait is no answer; who writes JavaScript may pass anything.
    this.retryAfterMs = Number.isFinite(retryAfterMs) && (retryAfterMs as number) >= 0 ? retryAfterMs : undefined;
    this.server = options.server;
    this.where = options.where;
    this.haltAfter = options.haltAfter;
    this.haltKey = options.haltKey;
    this.advice = options.advice;
    this.maybeDone = options.maybeDone ?? false;
  }

  /** Whether the same call may succeed when it is tried again. */
  get retryable(): boolean {
    return mayRetry(this.class);
  }

  /** The error itself where it is a `BatchxError`, otherwise a new one of the given code with `thrown` as its cause. */
  static from(thrown: unknown, code: ErrorCode = 'expression'): BatchxError {
    if (thrown instanceof BatchxError) return thrown;
    return new BatchxError(code, messageOf(thrown), {
      cause: thrown,
      ...(code === 'expression' && { class: classOf(thrown) }),
    });
  }
}

const classByCode: { readonly [C in ErrorCode]?: ErrorClass } = {
  usage: 'fatal',
  output: 'fatal',
  closed: 'fatal',
  locked: 'fatal',
  halted: 'fatal',
  aborted: 'cancelled',
  timeout: 'ambiguous',
  bug: 'bug',
};

/**
 * The message of whatever was thrown: errors say theirs, and what the deepest cause says that has something to say, as
 * in `fetch failed: connect ECONNREFUSED 127.0.0.1:9`; other values are shown as they are.
 */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return ofError(thrown);
  if (typeof thrown === 'string') return thrown;
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return typeof thrown === 'bigint' ? String(thrown) : Object.prototype.toString.call(thrown);
  }
}

/** How deep causes are looked into. */
const DEPTH = 5;

function ofError(error: Error): string {
  const { name, message } = error;
  // Its own errors say what is to be said.
  const root = error instanceof BatchxError ? undefined : rootOf(error);
  // That of a failed `fetch` is a TypeError, which says nothing.
  const plain = name === 'Error' || (error instanceof TypeError && root?.code !== undefined);
  const own = plain ? message : `${name}: ${message}`;
  return root === undefined || message.includes(root.text) ? own : `${own}: ${root.text}`;
}

/** What the deepest cause says, with the system's code that it has. */
function rootOf(error: Error): { readonly text: string; readonly code: string | undefined } | undefined {
  let found: ReturnType<typeof rootOf>;
  let cause: unknown = error.cause;
  for (let depth = 0; depth < DEPTH && cause !== undefined && cause !== null; depth++) {
    const { message, errors, cause: next } = cause as { message?: unknown; errors?: unknown; cause?: unknown };
    const text = typeof cause === 'string' ? cause : message;
    if (typeof text === 'string' && text !== '') found = { text, code: systemCode(cause) };
    // When several addresses were tried it has one error for each, and may say nothing of its own.
    cause = next ?? (Array.isArray(errors) ? (errors as unknown[])[0] : undefined);
  }
  return found;
}

/** The system's code of an error (`ENOENT`, `EPIPE`, ...), if it has one. */
export function systemCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
