import type { ByteWriter } from './bytes-out.js';
import { writeToFile } from './bytes-out.js';
import { BatchxError, messageOf } from './errors.js';
import type { Item } from './item.js';
import type { Runtime } from './runtime.js';
import type { SinkWriter } from './sink.js';

/** Opens what an output path names: `-` is standard output. */
export function openOutput(path: string, runtime: Runtime): ByteWriter | Promise<ByteWriter> {
  return path === '-' ? runtime.stdio.output : writeToFile(path);
}

/** A writer of lines: `line` gives the text for an item, without its end; what it throws refuses the item. */
export function lineWriter(output: ByteWriter, line: (item: Item) => string): SinkWriter {
  return {
    write(items, refuse) {
      let text = '';
      for (let i = 0; i < items.length; i++) {
        try {
          text += line(items[i] as Item) + '\n';
        } catch (error) {
          refuse(i, error instanceof BatchxError ? error : new BatchxError('encode', messageOf(error), { cause: error }));
        }
      }
      return text === '' ? undefined : output.write(Buffer.from(text));
    },
    close: () => output.close(),
  };
}

/** A value as one line of JSON. Values that have no form in JSON throw. */
export function jsonLine(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new BatchxError('encode', `expected a value that JSON can say, got a ${typeof value}`);
  return text;
}
