import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { printable } from '../core/printable.js';
import { hidden } from './terminal.js';

/**
 * From now on `console` writes to standard error: what users print from their code must not get among the rows. Text is
 * escaped, as it mostly comes from data; line breaks and tabs stay.
 */
export function divertConsole(): void {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: unknown, _encoding, done) {
      process.stderr.write(hidden(String(chunk)).replace(/[^\n\t]+/g, printable));
      done();
    },
  });
  globalThis.console = new Console({ stdout: stream, stderr: stream, colorMode: false });
}
