import { createReadStream } from 'node:fs';
import type { Argument } from '../../core/command/argument.js';
import { Arguments } from '../../core/command/arguments.js';
import { classOf } from '../../core/error-class.js';
import { BatchxError, messageOf } from '../../core/errors.js';
import { exactJson } from '../../core/exact.js';
import { FileEntry } from '../../core/file-entry.js';

/** The values of an item that stand for the placeholders of a command. */
export interface ItemValues {
  readonly args: readonly Argument[];
  readonly names?: readonly string[] | undefined;
  /** Whether they are no values of their own, but data written as JSON. */
  readonly json?: boolean;
}

/**
 * The values of data: those of an argument list, the path of a file, text and bytes as they are, each element of an array,
 * and anything else as one text of JSON.
 */
export function valuesOf(data: unknown): ItemValues {
  if (data instanceof Arguments) return { args: data.values, names: data.names };
  if (Array.isArray(data)) return { args: data.map(valueOf) };
  return { args: [valueOf(data)], json: !isArgument(data) && !(data instanceof FileEntry) };
}

/** What a command reads that is given the data of an item: what is in a file, text and bytes as they are, else JSON. */
export function inputOf(data: unknown): Uint8Array | AsyncIterable<Uint8Array> {
  if (data instanceof FileEntry) return contentOf(data);
  if (data instanceof Arguments) return bytesOf(data.values);
  if (data instanceof Uint8Array) return data;
  return Buffer.from(typeof data === 'string' ? data : `${JSON.stringify(data) ?? ''}\n`);
}

const isArgument = (value: unknown): value is Argument => typeof value === 'string' || value instanceof Uint8Array;

function valueOf(value: unknown): Argument {
  if (value instanceof FileEntry) return value.pathBytes ?? value.path;
  if (isArgument(value)) return value;
  return exactJson(value, 'data') ?? String(value);
}

async function* contentOf({ path, pathBytes }: FileEntry): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(pathBytes === undefined ? path : Buffer.from(pathBytes)) as AsyncIterable<Buffer>;
  } catch (error) {
    const kind = classOf(error);
    throw new BatchxError('input', `cannot read ${path}: ${messageOf(error)}`, {
      class: kind === 'resource' || kind === 'fatal' ? kind : 'permanent',
      where: path,
      cause: error,
    });
  }
}

/** Each value as a line. */
const bytesOf = (values: readonly Argument[]): Uint8Array =>
  Buffer.concat(values.flatMap((value) => [Buffer.from(value as Uint8Array), Buffer.from('\n')]));
