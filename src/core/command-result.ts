import { isUtf8 } from 'node:buffer';
import { type Argument, concatArguments } from './command/argument.js';
import { BatchxError, type BatchxErrorOptions, type ErrorCode, haltingOf } from './errors.js';
import type { Events } from './events.js';
import type { Item } from './item.js';
import type { Captured, ProcessEnd } from './process/process.js';

/** The values of a command, and what they are called. */
export interface CommandAbout {
  readonly args: readonly Argument[];
  readonly names?: readonly string[] | undefined;
  /** What the item is called that they are of, where they say less. */
  readonly where?: string | undefined;
}

/**
 * What a command did for one item.
 *
 * @example
 * import { exec, literals, toArray } from 'batchx';
 *
 * literals(['a b'])
 *   .pipe(exec('echo {}', { stdout: 'result' }), toArray())
 *   .subscribe((results) => console.log(JSON.parse(JSON.stringify(results[0])).command)); // echo 'a b'
 */
export class CommandResult {
  /** The program and its arguments, as they were passed. */
  readonly argv: readonly Argument[];
  /** The same as one line, as one would type it. */
  readonly command: string;
  /** The values that stood for the placeholders, and what they are called. */
  readonly values: readonly Argument[];
  readonly names: readonly string[] | undefined;
  /** What it was about, in a few words: its values, or where they came from; undefined when neither is short. */
  readonly where: string | undefined;
  /** Undefined when it was ended by a signal. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** When it was started, in milliseconds since 1970, and how long it took. */
  readonly startedAt: number;
  readonly ms: number;
  readonly #stdout: Captured;
  readonly #stderr: Captured;

  constructor(argv: readonly Argument[], command: string, { args, names, where }: CommandAbout, end: ProcessEnd) {
    this.argv = argv;
    this.command = command;
    this.values = args;
    this.names = names;
    this.where = where ?? shortTag(args);
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.startedAt = end.startedAt;
    this.ms = end.ms;
    this.#stdout = end.stdout;
    this.#stderr = end.stderr;
  }

  /** Its values in one text; bytes when one of them is no text. */
  get tag(): Argument {
    return tagOf(this.values);
  }

  /** Its values, what they are called, and where they came from. */
  get about(): CommandAbout {
    const { values, names, where } = this;
    return { args: values, names, where };
  }

  /** What it wrote, with the bytes beyond the memory that was allowed. */
  get output(): { readonly stdout: Captured; readonly stderr: Captured } {
    return { stdout: this.#stdout, stderr: this.#stderr };
  }

  /** The text of what it wrote; of much the beginning. */
  get stdout(): string {
    return textOf(this.#stdout);
  }

  get stderr(): string {
    return textOf(this.#stderr);
  }

  /**
   * Of a stream that was not kept as a whole it also says how many bytes it had, with `truncated`; what was kept of one
   * that is not UTF-8 is there in base64 besides, as its text has lost bytes.
   */
  toJSON(): Record<string, unknown> {
    const { command, exitCode, signal, stdout, stderr, ms } = this;
    const [out, err] = [lossesOf(this.#stdout), lossesOf(this.#stderr)];
    const losses = {
      truncated: out.bytes === undefined && err.bytes === undefined ? undefined : true,
      stdoutBytes: out.bytes,
      stderrBytes: err.bytes,
      stdoutBase64: out.base64,
      stderrBase64: err.base64,
    };
    return { command, exitCode, signal, stdout, stderr, ...losses, ms: Math.round(ms) };
  }

  /** Lets go of what it wrote. */
  dispose(): void {
    this.#stdout.dispose();
    this.#stderr.dispose();
  }
}

/** Values in one text, as they stand before the lines of a command. */
export const tagOf = (values: readonly Argument[]): Argument =>
  concatArguments(values.flatMap((value, i) => (i === 0 ? [value] : [' ', value])));

/** Longer values name a command no better than the place of its item does; in characters. */
const SHORT = 80;

function shortTag(values: readonly Argument[]): string | undefined {
  const tag = tagOf(values);
  return typeof tag === 'string' && tag.trim() !== '' && tag.length <= SHORT ? tag : undefined;
}

const textOf = (captured: Captured): string => {
  const { buffer, byteOffset, length } = partOf(captured);
  return Buffer.from(buffer, byteOffset, length).toString('utf8');
};

/** What was kept, of text without the character that was cut off. */
const partOf = ({ size, kept }: Captured): Uint8Array => (size > kept.length ? kept.subarray(0, wholeEnd(kept)) : kept);

/** What the text of a stream does not say. */
function lossesOf(captured: Captured): { readonly bytes?: number; readonly base64?: string } {
  const { size, kept } = captured;
  const base64 = isUtf8(partOf(captured)) ? undefined : Buffer.from(kept).toString('base64');
  return { ...(size > kept.length && { bytes: size }), ...(base64 !== undefined && { base64 }) };
}

/** Where the last character begins when it may be cut off: at most three bytes from the end. */
function wholeEnd(bytes: Uint8Array): number {
  for (let at = bytes.length - 1; at >= bytes.length - 3 && at >= 0; at--) {
    const byte = bytes[at] as number;
    if (byte >= 0xc0) return at;
    if (byte < 0x80) break;
  }
  return bytes.length;
}

/**
 * The error of a command that ran, and was no success.
 *
 * @example
 * import { CommandError, exec, literals } from 'batchx';
 *
 * literals(['none'])
 *   .pipe(exec('false'))
 *   .subscribe(({ error }) => console.log(error instanceof CommandError && error.result.exitCode)); // 1
 */
export class CommandError extends BatchxError {
  readonly result: CommandResult;

  constructor(
    message: string,
    result: CommandResult,
    options: BatchxErrorOptions & { readonly code?: ErrorCode } = {},
  ) {
    const { code = 'exec', ...others } = options;
    const { where } = result;
    super(code, message, { ...(where !== undefined && { where }), ...others });
    this.result = result;
  }

  /** What went wrong once the command had run, with what it did. */
  static of(thrown: unknown, result: CommandResult): CommandError {
    if (thrown instanceof CommandError) return thrown;
    const error = BatchxError.from(thrown, 'exec');
    const { code, message, class: kind, inDoubt, retryAfterMs, where } = error;
    return new CommandError(message, result, {
      code,
      class: kind,
      inDoubt,
      cause: error.cause ?? error,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(where !== undefined && { where }),
      ...haltingOf(error),
    });
  }
}

const watched = new WeakSet<Events>();

/** From now on what commands wrote is let go of once their item is settled: by then every sink has had it. */
export function disposeSettled(events: Events): void {
  if (watched.has(events)) return;
  watched.add(events);
  events.on('batch:item:end', ({ item }) => commandResultOf(item)?.dispose());
}

/** What a command did for an item, whether that went well or not; undefined when none was run. */
export function commandResultOf({ data, error }: Item): CommandResult | undefined {
  if (error instanceof CommandError) return error.result;
  return data instanceof CommandResult ? data : undefined;
}
