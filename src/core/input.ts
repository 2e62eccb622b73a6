import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import * as z from 'zod';
import { BLOCK, type ByteBlocks, readFileBlocks, unreadable } from './bytes-in.js';
import { messageOf, systemCode } from './errors.js';
import { useInputs } from './in-use.js';
import type { Runtime } from './runtime.js';

/** The option of a source that names its input: one path or several that are read one after another. */
export const inputPath = () =>
  z
    .union([
      z.string().min(1, 'expected a path, got empty text'),
      z
        .array(z.string().min(1, 'expected a path, got empty text'))
        .min(1, 'expected at least one path')
        .refine((paths) => paths.filter((path) => path === '-').length < 2, 'expected `-` once: it can be read once'),
    ])
    .describe('A path, several, or `-` for standard input; a name that ends in `.gz` is unpacked while it is read.');

/** An input that can be read from its beginning: the name to call it by, and its bytes. */
export interface Input {
  readonly name: string;
  open(signal: AbortSignal): ByteBlocks;
}

/** The inputs that an `inputPath` option names, in their order; while they are gone through no sink may write to them. */
export function* inputsOf(path: string | readonly string[], runtime: Runtime): Generator<Input> {
  const names = typeof path === 'string' ? [path] : path;
  const release = useInputs(names, runtime);
  try {
    for (const name of names) yield announced(inputOf(name, runtime), runtime);
  } finally {
    release();
  }
}

/** An input that tells how much of it was read, once it is left. What was packed counts as it is unpacked. */
const announced = (input: Input, { events }: Runtime): Input => ({
  name: input.name,
  async *open(signal) {
    let bytes = 0;
    try {
      for await (const block of input.open(signal)) {
        bytes += block.length;
        yield block;
      }
    } finally {
      events.emit('batch:input', { path: input.name, bytes });
    }
  },
});

function inputOf(name: string, runtime: Runtime): Input {
  if (name === '-') return { name: 'stdin', open: (signal) => runtime.stdio.input(signal) };
  return { name, open: (signal) => (name.endsWith('.gz') ? unpacked(name, signal) : readFileBlocks(name, signal)) };
}

async function* unpacked(path: string, signal: AbortSignal): ByteBlocks {
  const gunzip = createGunzip({ chunkSize: BLOCK });
  // Its errors come out of the loop below; without a callback they would end the process.
  pipeline(createReadStream(path, { highWaterMark: BLOCK }), gunzip, () => undefined);
  const stop = (): void => void gunzip.destroy();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (error) {
    if (signal.aborted) return;
    throw systemCode(error)?.startsWith('Z_') === true
      ? unreadable(path, error, `not whole gzip data: ${messageOf(error)}`)
      : unreadable(path, error);
  } finally {
    signal.removeEventListener('abort', stop);
    gunzip.destroy();
  }
}
