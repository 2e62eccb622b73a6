import { isatty } from 'node:tty';
import { readDescriptor } from '../core/bytes-in.js';
import { type ByteWriter, unwritable, writeToDescriptor } from '../core/bytes-out.js';
import type { Stdio } from '../core/runtime.js';

/**
 * The standard streams while a line is drawn on the terminal: what goes there is written by the stream of the process,
 * so that the line makes way for it.
 */
export function besideDrawing(): Stdio {
  return {
    input: (signal) => readDescriptor(0, 'stdin', signal),
    output: isatty(1) ? writerOf(process.stdout, 'stdout') : writeToDescriptor(1, 'stdout'),
    errors: writerOf(process.stderr, 'stderr'),
  };
}

const writerOf = (stream: NodeJS.WriteStream, name: string): ByteWriter => ({
  write: (bytes) =>
    new Promise((resolve, reject) => {
      stream.write(bytes, (error) => {
        if (error == null) resolve();
        else reject(unwritable(name, error));
      });
    }),
  close: () => Promise.resolve(),
});
