import { readDescriptor } from '../core/bytes-in.js';
import { unwritable } from '../core/bytes-out.js';
import type { Stdio } from '../core/runtime.js';

/**
 * The standard streams while a line is drawn on the terminal that rows go to as well: written to by the stream of the
 * process, so that the line makes way for them.
 */
export const sharedTerminal: Stdio = {
  input: (signal) => readDescriptor(0, 'stdin', signal),
  output: {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        process.stdout.write(bytes, (error) => {
          if (error == null) resolve();
          else reject(unwritable('stdout', error));
        });
      }),
    close: () => Promise.resolve(),
  },
};
