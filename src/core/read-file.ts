import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { unreadable } from './bytes-in.js';
import { classOf } from './error-class.js';
import { BatchxError } from './errors.js';
import { FileEntry } from './file-entry.js';

/** What a file is read as. */
export const CONTENTS = ['text', 'json', 'bytes', 'lines'] as const;
export type Content = (typeof CONTENTS)[number];

const READ = constants.O_RDONLY | constants.O_NONBLOCK;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The path of the file that data stand for: a file that was found, a path, or what has one. */
export function pathIn(data: unknown): string | Uint8Array | undefined {
  if (data instanceof FileEntry) return data.pathBytes ?? data.path;
  if (typeof data === 'string' && data !== '') return data;
  const path = (data as { path?: unknown } | null | undefined)?.path;
  return typeof path === 'string' && path !== '' ? path : undefined;
}

/**
 * Reads a whole file of at most `limit` bytes. One that is larger, is no file, cannot be read, or is not what it is to
 * be read as, throws.
 */
export async function readWhole(
  path: string | Uint8Array,
  as: Content,
  limit: number,
  signal?: AbortSignal,
): Promise<unknown> {
  const name = typeof path === 'string' ? path : Buffer.from(path).toString();
  const bytes = await bytesOf(path, name, limit, signal);
  return as === 'bytes' ? bytes : contentOf(textIn(bytes, name), as, name);
}

async function bytesOf(path: string | Uint8Array, name: string, limit: number, signal?: AbortSignal): Promise<Buffer> {
  try {
    // A pipe that nobody writes to would hold up more than this one item.
    const file = await open(typeof path === 'string' ? path : Buffer.from(path), READ);
    try {
      const stat = await file.stat();
      if (!stat.isFile())
        throw new BatchxError('input', `cannot read ${name}: expected a file, got something else`, { where: name });
      if (stat.size > limit) throw tooLarge(name, stat.size, limit);
      signal?.throwIfAborted();
      const bytes = await file.readFile({ signal });
      if (bytes.length > limit) throw tooLarge(name, bytes.length, limit);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof BatchxError || signal?.aborted === true) throw error;
    const kind = classOf(error);
    const { message } = unreadable(name, error);
    throw new BatchxError('input', message, {
      class: kind === 'resource' ? kind : 'permanent',
      where: name,
      cause: error,
    });
  }
}

const tooLarge = (name: string, size: number, limit: number): BatchxError =>
  new BatchxError('input', `cannot read ${name}: it has ${size} bytes, more than \`maxBytes\` (${limit}) allows`, {
    where: name,
  });

function textIn(bytes: Uint8Array, name: string): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new BatchxError('parse', `${name} is not UTF-8; read it as bytes`, { where: name, cause: error });
  }
}

function contentOf(text: string, as: Content, name: string): unknown {
  if (as === 'text') return text;
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (as === 'lines') return linesOf(plain);
  try {
    return JSON.parse(plain) as unknown;
  } catch (error) {
    throw new BatchxError('parse', `${name} is not JSON: ${(error as Error).message}`, { where: name, cause: error });
  }
}

/** The last line counts also without a line end; one that ends the text begins no other. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
