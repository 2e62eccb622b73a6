import { Arguments } from './command/arguments.js';
import { type CommandAbout, CommandResult } from './command-result.js';
import { FileEntry } from './file-entry.js';
import type { Captured, ProcessEnd } from './process/process.js';

/** The key of an object that stands for what JSON cannot say. */
const TAG = '$kept';

/** Deeper data are taken for data that lead back to themselves. */
const DEEPEST = 512;

/** Where the output of a command is put that is too much to be kept with the other results. */
export interface LargeOutputs {
  /** A name for it; undefined when it was not put anywhere. */
  put(output: Captured): string | undefined;
  get(name: string): Captured;
}

/** What a value holds that cannot be kept: a function, or an object of a class that nothing is known of. */
class Unkept extends Error {}

/**
 * A value as one line of JSON from which `readKept` makes it again: also bytes, times, `undefined`, numbers that JSON has
 * no word for, files that were found and what commands did. Undefined for what cannot be made again.
 */
export function keep(value: unknown, large?: LargeOutputs): string | undefined {
  try {
    return JSON.stringify(new Tagging(large).of(value, 0));
  } catch (error) {
    // JSON throws too, for text that is too long.
    if (error instanceof Unkept || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The value that what `keep` has said stands for, once that is parsed; `text` is where it was in. It may be changed. */
export const readKept = (value: unknown, text: string, large?: LargeOutputs): unknown =>
  text.includes(`"${TAG}"`) ? new Untagging(large).of(value) : value;

/** Says a value as JSON can: by the very same one where that is so. */
class Tagging {
  readonly #large: LargeOutputs | undefined;

  constructor(large: LargeOutputs | undefined) {
    this.#large = large;
  }

  of(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : { [TAG]: 'number', text: numberText(value) };
      case 'bigint':
        return { [TAG]: 'bigint', text: String(value) };
      case 'undefined':
        return { [TAG]: 'undefined' };
      case 'object':
        return value === null ? null : this.#object(value, depth);
      default:
        throw new Unkept();
    }
  }

  #object(value: object, depth: number): unknown {
    if (depth > DEEPEST) throw new Unkept();
    if (Array.isArray(value)) return this.#list(value, depth);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null)
      return this.#record(value as Record<string, unknown>, depth);
    if (value instanceof Uint8Array) return { [TAG]: 'bytes', base64: Buffer.from(value).toString('base64') };
    if (value instanceof Date) return { [TAG]: 'date', ms: this.of(value.getTime(), depth) };
    if (value instanceof FileEntry) return { [TAG]: 'file', of: value.toJSON() };
    if (value instanceof Arguments) return { [TAG]: 'arguments', of: this.of(value.toJSON(), depth) };
    if (value instanceof CommandResult) return { [TAG]: 'command', ...this.#command(value, depth) };
    throw new Unkept();
  }

  #list(list: readonly unknown[], depth: number): unknown {
    let copy: unknown[] | undefined;
    for (let i = 0; i < list.length; i++) {
      const each = this.of(list[i], depth + 1);
      if (each !== list[i]) copy ??= list.slice(0, i);
      copy?.push(each);
    }
    return copy ?? list;
  }

  #record(record: Record<string, unknown>, depth: number): unknown {
    // What has a word of ours, or one of JSON's, is put one level down.
    if (Object.hasOwn(record, TAG) || 'toJSON' in record)
      return { [TAG]: 'entries', of: this.of(Object.entries(record), depth) };
    let copy: Record<string, unknown> | undefined;
    for (const key of Object.keys(record)) {
      const each = this.of(record[key], depth + 1);
      if (each !== record[key]) put((copy ??= { ...record }), key, each);
    }
    return copy ?? record;
  }

  #command({ argv, command, about, output, ...end }: CommandResult, depth: number): Record<string, unknown> {
    const { exitCode, signal, startedAt, ms } = end;
    const parts: KeptCommand = {
      argv,
      command,
      about,
      end: { exitCode, signal, startedAt, ms },
      stdout: this.#output(output.stdout),
      stderr: this.#output(output.stderr),
    };
    return this.#record({ ...parts }, depth) as Record<string, unknown>;
  }

  #output(output: Captured): KeptOutput {
    const { size, kept } = output;
    const large = this.#large?.put(output);
    // What is nowhere else was not there to be shown before, either.
    return large === undefined ? { size, kept } : { size, kept: new Uint8Array(), large };
  }
}

const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** A plain assignment would take `__proto__` for something else. */
const put = (record: object, key: string, value: unknown): void =>
  void Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });

/** All that a command was and did. */
interface KeptCommand {
  readonly argv: CommandResult['argv'];
  readonly command: string;
  readonly about: CommandAbout;
  readonly end: Omit<ProcessEnd, 'stdout' | 'stderr'>;
  readonly stdout: KeptOutput;
  readonly stderr: KeptOutput;
}

interface KeptOutput {
  readonly size: number;
  readonly kept: Uint8Array;
  readonly large?: string;
}

/** Makes a value of what JSON has said of it. */
class Untagging {
  readonly #large: LargeOutputs | undefined;

  constructor(large: LargeOutputs | undefined) {
    this.#large = large;
  }

  of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.of(each));
    const record = value as Record<string, unknown>;
    if (Object.hasOwn(record, TAG)) return this.#made(record);
    for (const key of Object.keys(record)) {
      const each = this.of(record[key]);
      if (each !== record[key]) put(record, key, each);
    }
    return record;
  }

  #made({ [TAG]: kind, ...parts }: Record<string, unknown>): unknown {
    switch (kind) {
      case 'number':
        return Number(parts.text);
      case 'bigint':
        return BigInt(parts.text as string);
      case 'bytes':
        return Buffer.from(parts.base64 as string, 'base64');
      case 'date':
        return new Date(this.of(parts.ms) as number);
      case 'entries':
        return Object.fromEntries(this.of(parts.of) as [string, unknown][]);
      case 'file':
        return FileEntry.fromJSON(parts.of) ?? parts.of;
      case 'arguments':
        return Arguments.fromJSON(this.of(parts.of)) ?? parts.of;
      case 'command':
        return this.#command(this.of(parts) as KeptCommand);
      default:
        return undefined;
    }
  }

  #command({ argv, command, about, end, stdout, stderr }: KeptCommand): CommandResult {
    const outputs = { stdout: this.#output(stdout), stderr: this.#output(stderr) };
    return new CommandResult(argv, command, about, { ...end, ...outputs });
  }

  #output({ size, kept, large }: KeptOutput): Captured {
    const whole = large === undefined ? undefined : this.#large?.get(large);
    if (whole !== undefined) return whole;
    return {
      size,
      kept,

      async *blocks() {
        yield kept;
      },
      dispose: () => undefined,
    };
  }
}
