import type { Writable } from 'node:stream';

/**
 * Writes to the stdin of a program and ends it; asks for more when the program has read what was written, and not again
 * once it has closed its stdin or has ended: that it does not read to the end is its own affair. Rejects with what the
 * iterable throws, and does not end the stdin then, as what was written is not all.
 */
export async function feed(to: Writable, from: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  // A program that no longer reads: the stream is destroyed by it, which is all there is to know.
  to.on('error', () => undefined);
  if (from instanceof Uint8Array) {
    to.end(from);
    return;
  }
  let wake: () => void = () => undefined;
  const iterator = from[Symbol.asyncIterator]();
  const leave = (): void => {
    wake();
    iterator.return?.().catch(() => undefined);
  };
  to.on('drain', () => wake()).on('close', leave);
  for (;;) {
    const next = await iterator.next();
    if (to.destroyed) return;
    if (next.done === true) break;
    if (to.write(next.value)) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (to.destroyed) return;
  }
  to.off('close', leave).end();
}
