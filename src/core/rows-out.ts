import * as z from 'zod';
import type { ByteWriter } from './bytes-out.js';
import { writeToFile } from './bytes-out.js';
import { writeDocument } from './document-out.js';
import { BatchxError } from './errors.js';
import { inputAt, useOutput } from './in-use.js';
import type { Item } from './item.js';
import { isPromiseLike } from './promise.js';
import type { Runtime } from './runtime.js';
import type { SinkWriter } from './sink-writer.js';

/** The option of a sink that names its output. */
export const outputPath = () =>
  z
    .string()
    .min(1, 'expected a path, got empty text')
    .refine(
      (path) => !path.endsWith('.gz'),
      'expected a name that does not end in `.gz`, as what is written is not packed; write to `-` and pipe it into `gzip`',
    )
    .meta({ place: 'output' })
    .describe('The file to write, or `-` for standard output. It is not packed: a name that ends in `.gz` is refused.');

/**
 * Opens what an output path names, for the writer that `make` makes. A file that the same run reads, or that another
 * sink of it writes, is refused.
 *
 * `-` is standard output, which several sinks may share: each block that one of them writes stays whole. A `document` takes
 * the place of an older one once it is closed.
 */
export async function openOutput(
  path: string,
  runtime: Runtime,
  make: (output: ByteWriter) => SinkWriter,
  { document = false } = {},
): Promise<SinkWriter> {
  if (path === '-') return announced(path, runtime, make, runtime.stdio.output);
  return exclusively(path, runtime, async () => {
    await refuseInput(path, runtime);
    const opened = document
      ? writeDocument(path, runtime)
      : (runtime.durable?.append(path) ?? writeToFile(path, runtime.durability));
    return announced(path, runtime, make, await opened);
  });
}

/** A writer that tells how much it has written, once it is closed. */
function announced(
  path: string,
  { events }: Runtime,
  make: (output: ByteWriter) => SinkWriter,
  output: ByteWriter,
): SinkWriter {
  let bytes = 0;
  const writer = make({
    write(block) {
      bytes += block.length;
      return output.write(block);
    },
    ...(output.begun === true && { begun: true }),
    ...(output.sync !== undefined && { sync: async () => output.sync?.() }),
    close: () => output.close(),
  });
  return {
    write: (items, refuse, skip, done) => writer.write(items, refuse, skip, done),
    async close(whole) {
      await writer.close(whole);
      events.emit('batch:output', { path, bytes });
    },
  };
}

/** Opens a writer to a file that no other sink of the run may write until it is closed. */
export async function exclusively(
  path: string,
  runtime: Runtime,
  open: () => Promise<SinkWriter>,
): Promise<SinkWriter> {
  const end = await useOutput(path, runtime);
  try {
    const writer = await open();
    return {
      write: (items, refuse, skip, done) => writer.write(items, refuse, skip, done),
      close: (whole) => end(() => writer.close(whole)),
    };
  } catch (error) {
    await end(() => undefined);
    throw error;
  }
}

async function refuseInput(path: string, runtime: Runtime): Promise<void> {
  const input = await inputAt(path, runtime);
  if (input === undefined) return;
  const which = input === path ? 'it' : `it is the same file as ${input}, which`;
  throw new BatchxError('usage', `cannot write ${path}: ${which} is read by this run; write to another file`, {
    where: path,
  });
}

/** How much text is gathered before it is written, in characters: rows of any length make blocks that memory can hold. */
const PIECE = 1024 * 1024;

/**
 * A writer of text: `textOf` gives what is to be written for an item; what it throws refuses the item. `tail` is what
 * ends the text, unless it could not be written to here.
 */
export function textWriter(output: ByteWriter, textOf: (item: Item) => string, tail?: () => string): SinkWriter {
  let broken = false;
  const failed = (error: unknown): never => {
    broken = true;
    throw error;
  };
  const write = (text: string): void | Promise<void> => {
    try {
      const written = output.write(Buffer.from(text));
      return isPromiseLike(written) ? written.catch(failed) : undefined;
    } catch (error) {
      return failed(error);
    }
  };
  return {
    write(items, refuse) {
      const [text, next] = gather(items, 0, textOf, refuse);
      if (next < items.length) return writePieces(write, text, next, (from) => gather(items, from, textOf, refuse));
      return text === '' ? undefined : write(text);
    },
    async close() {
      try {
        const text = broken ? '' : (tail?.() ?? '');
        if (text !== '') await write(text);
      } finally {
        await output.close();
      }
    },
  };
}

type Gathered = readonly [text: string, next: number, last: boolean];

/** The text of the items from `from` on, up to a piece, and the index of the one that comes next. */
function gather(
  items: readonly Item[],
  from: number,
  textOf: (item: Item) => string,
  refuse: (index: number, error: BatchxError) => void,
): Gathered {
  let text = '';
  let i = from;
  for (; i < items.length && text.length < PIECE; i++) {
    try {
      text += textOf(items[i] as Item);
    } catch (error) {
      refuse(i, BatchxError.from(error, 'encode'));
    }
  }
  return [text, i, i === items.length];
}

async function writePieces(
  write: (text: string) => void | Promise<void>,
  first: string,
  from: number,
  more: (from: number) => Gathered,
): Promise<void> {
  await write(first);
  for (let next = from, last = false; !last;) {
    let text: string;
    [text, next, last] = more(next);
    if (text !== '') await write(text);
  }
}

/** A writer of lines: `line` gives the text for an item, without its end; what it throws refuses the item. */
export const lineWriter = (output: ByteWriter, line: (item: Item) => string): SinkWriter =>
  textWriter(output, (item) => line(item) + '\n');

/** A value as one line of JSON. Values that have no form in JSON throw. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new BatchxError('encode', `expected a value that JSON can say, got a ${typeof value}`);
  return text;
}

/** The text itself. Half of a surrogate pair has no bytes in UTF-8, and throws. */
export function wellFormed(text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new BatchxError('encode', 'expected text, it contains half of a surrogate pair');
  return text;
}
