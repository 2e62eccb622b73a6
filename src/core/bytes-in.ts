import { fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Socket, type SocketConstructorOpts, type TcpSocketConnectOpts } from 'node:net';
import { isatty, ReadStream } from 'node:tty';
import { BatchxError, messageOf } from './errors.js';

/** How much one read brings at most, and so what a source holds of its input. */
export const BLOCK = 64 * 1024;

/** Reads of at most one block each. A block is only good until the next one is asked for: its memory is used again. */
export type ByteBlocks = AsyncIterable<Buffer>;

/** The bytes of a file, in blocks. */
export async function* readFileBlocks(path: string): ByteBlocks {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    yield* blocksOf(file, path);
  } finally {
    await file.close();
  }
}

async function* blocksOf(file: FileHandle, path: string): ByteBlocks {
  const buffer = Buffer.allocUnsafeSlow(BLOCK);
  for (;;) {
    let size: number;
    try {
      ({ bytesRead: size } = await file.read(buffer, 0, BLOCK, null));
    } catch (error) {
      throw unreadable(path, error);
    }
    if (size === 0) return;
    yield buffer.subarray(0, size);
  }
}

/** The bytes that arrive at a file descriptor, in blocks; a read that waits for a pipe ends with the signal. */
export function readDescriptor(fd: number, name: string, signal: AbortSignal): ByteBlocks {
  try {
    if (isatty(fd)) return chunksOf(new ReadStream(fd), name, signal);
    const stat = fstatSync(fd);
    if (stat.isFIFO() || stat.isSocket()) return readPipe(fd, name, signal);
  } catch (error) {
    throw unreadable(name, error);
  }
  return readFileBlocks(`/dev/fd/${fd}`);
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

function unreadable(name: string, error: unknown): BatchxError {
  if (error instanceof BatchxError) return error;
  return new BatchxError('input', `cannot read ${name}: ${messageOf(error)}`, { cause: error, where: name });
}
