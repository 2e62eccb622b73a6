import { fstatSync } from 'node:fs';
import type { ByteWriter } from '../core/bytes-out.js';
import { isPromiseLike } from '../core/promise.js';
import type { Stdio } from '../core/runtime.js';

const LF = 0x0a;

/** Whether the last line where our own go has its end: a command may leave out that of its last one. */
let ended = true;

/** What has to come before a line of our own; it is taken for written. */
export function lineStart(): string {
  const start = ended ? '' : '\n';
  ended = true;
  return start;
}

/** The same streams, watched for lines without an end on standard error, and on standard output where that is the same. */
export function watchLines(stdio: Stdio): Stdio {
  const together = sameFile(1, 2);
  return {
    input: (signal) => stdio.input(signal),
    get output() {
      return together ? watched(stdio.output) : stdio.output;
    },
    get errors() {
      return watched(stdio.errors);
    },
  };
}

const watchers = new WeakMap<ByteWriter, ByteWriter>();

function watched(writer: ByteWriter): ByteWriter {
  let watcher = watchers.get(writer);
  if (watcher === undefined) watchers.set(writer, (watcher = { ...writer, write: (bytes) => noted(writer, bytes) }));
  return watcher;
}

function noted(writer: ByteWriter, bytes: Uint8Array): void | Promise<void> {
  const note = (): void => {
    if (bytes.length > 0) ended = bytes.at(-1) === LF;
  };
  const done = writer.write(bytes);
  if (isPromiseLike(done)) return done.then(note);
  note();
}

function sameFile(a: number, b: number): boolean {
  try {
    const [one, other] = [fstatSync(a), fstatSync(b)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}
