import { closeSync, constants, fstatSync, open, read } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket, type SocketConstructorOpts, type TcpSocketConnectOpts } from 'node:net';
import { platform } from 'node:os';
import { isatty, ReadStream } from 'node:tty';
import { BatchxError, messageOf, systemCode } from './errors.js';

/** How much one read brings at most, and so what a source holds of its input. */
export const BLOCK = 64 * 1024;

/** Reads of at most one block each. A block is only good until the next one is asked for: its memory is used again. */
export type ByteBlocks = AsyncIterable<Buffer>;

/** The bytes of a file, in blocks. Of a named pipe as of any pipe: a read that waits ends with the signal. */
export async function* readFileBlocks(path: string, signal: AbortSignal): ByteBlocks {
  const fd = await opened(path);
  if (isPipe(fd)) {
    // Closed by the socket that reads it.
    yield* readPipe(fd, path, signal);
    return;
  }
  try {
    yield* blocksOf(fd, path);
  } finally {
    closeSync(fd);
  }
}

/** A named pipe is opened at once, also when nobody writes to it yet: an `open` that waits cannot be given up. */
async function opened(path: string): Promise<number> {
  try {
    const flags = (await stat(path)).isFIFO() ? PIPE : constants.O_RDONLY;
    return await new Promise((resolve, reject) => {
      open(path, flags, (error, fd) => {
        if (error === null) resolve(fd);
        else reject(error);
      });
    });
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * Elsewhere than on Linux a pipe that has had no writer yet may count as one that has come to its end: there the `open`
 * has to wait.
 */
const PIPE = constants.O_RDONLY | (platform() === 'linux' ? constants.O_NONBLOCK : 0);

function isPipe(fd: number): boolean {
  const found = fstatSync(fd);
  return found.isFIFO() || found.isSocket();
}

/** How much is read of a file at a time: each read costs a turn of the event loop, which several blocks can share. */
const READ = 8 * BLOCK;

/** Some blocks are read while others are worked on: of a file, unlike a pipe, nothing is taken away by that. */
async function* blocksOf(fd: number, name: string): ByteBlocks {
  let [now, next] = [Buffer.allocUnsafeSlow(READ), Buffer.allocUnsafeSlow(READ)];
  let reading = readInto(fd, next);
  try {
    for (;;) {
      const size = await reading;
      if (size === 0) return;
      [now, next] = [next, now];
      reading = readInto(fd, next);
      // Its failure is thrown when its turn comes; until then nobody listens to it.
      reading.catch(() => undefined);
      for (let at = 0; at < size; at += BLOCK) yield now.subarray(at, Math.min(at + BLOCK, size));
    }
  } catch (error) {
    throw unreadable(name, error);
  } finally {
    // The descriptor may be closed only when nothing reads from it any more.
    await reading.catch(() => undefined);
  }
}

const readInto = (fd: number, buffer: Buffer): Promise<number> =>
  new Promise((resolve, reject) => {
    read(fd, buffer, 0, buffer.length, null, (error, size) => {
      if (error === null) resolve(size);
      else reject(error);
    });
  });

/** The descriptors that are being read, with what ends that: of two readers each would get some of the bytes. */
const beingRead = new Map<number, AbortSignal>();

/**
 * The bytes that arrive at a file descriptor, in blocks; a read that waits for a pipe ends with the signal. One reader
 * at a time may have it; the next one goes on where it has stopped.
 */
export async function* readDescriptor(fd: number, name: string, signal: AbortSignal): ByteBlocks {
  if (beingRead.get(fd)?.aborted === false)
    throw new BatchxError('input', `cannot read ${name}: another source is reading it already`, { where: name });
  beingRead.set(fd, signal);
  try {
    yield* blocksOfDescriptor(fd, name, signal);
  } finally {
    if (beingRead.get(fd) === signal) beingRead.delete(fd);
  }
}

function blocksOfDescriptor(fd: number, name: string, signal: AbortSignal): ByteBlocks {
  try {
    if (isatty(fd)) return chunksOf(new ReadStream(fd), name, signal);
    if (isPipe(fd)) return readPipe(fd, name, signal);
  } catch (error) {
    throw unreadable(name, error);
  }
  // By its descriptor, not by its name: reading goes on where whoever had it before has stopped.
  return blocksOf(fd, name);
}

async function* chunksOf(stream: ReadStream, name: string, signal: AbortSignal): ByteBlocks {
  const stop = (): void => void stream.destroy();
  signal.addEventListener('abort', stop);
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    if (!signal.aborted) throw unreadable(name, error);
  } finally {
    signal.removeEventListener('abort', stop);
    stream.destroy();
  }
}

/**
 * Reads a pipe by the socket's own buffer: nothing is read ahead, and unlike a read by the thread pool a blocked one
 * can be given up and does not keep the process from ending.
 */
async function* readPipe(fd: number, name: string, signal: AbortSignal): ByteBlocks {
  const buffer = Buffer.allocUnsafeSlow(BLOCK);
  let size = 0;
  let ended = false;
  let failure: unknown;
  let wake: () => void = () => undefined;
  // `onread` is documented for both the constructor and `connect`, the types know it only for the latter.
  const options: SocketConstructorOpts & Pick<TcpSocketConnectOpts, 'onread'> = {
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer,
      callback: (bytes) => {
        size = bytes;
        socket.pause();
        wake();
        return false;
      },
    },
  };
  const socket = new Socket(options);
  const end = (): void => {
    ended = true;
    wake();
  };
  socket.on('end', end).on('close', end);
  socket.on('error', (error) => {
    failure = error;
    end();
  });
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    for (;;) {
      socket.resume();
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (ended) resolve();
      });
      if (failure !== undefined) throw unreadable(name, failure);
      if (size > 0) {
        const bytes = size;
        size = 0;
        yield buffer.subarray(0, bytes);
      } else if (ended) return;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

/** The error of an input that cannot be opened or read, for the reason that the system gave or another one. */
export function unreadable(name: string, error: unknown, why = reasonOf(error)): BatchxError {
  if (error instanceof BatchxError) return error;
  return new BatchxError('input', `cannot read ${name}: ${why}`, { cause: error, where: name });
}

/** What users meet most, in words; the rest as the system says it. */
function reasonOf(error: unknown): string {
  const code = systemCode(error);
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a directory';
  return messageOf(error);
}
