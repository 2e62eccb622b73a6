import { textOfValue } from './template.js';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { BatchxError } from './errors.js';

/** What the names of files begin with that are not whole yet. They lie beside what they are to become. */
export const TEMP = '.batchx-';

/** How many bytes a name may have; file systems take no longer one. */
const LONGEST = 255;
/** How many bytes of a name the name of its temporary file ends in: the extension is among them. */
const TAIL = 60;

/** Control characters, what parts folders, marks that change the direction of writing, and half surrogate pairs. */
// eslint-disable-next-line no-control-regex
const unsafe = /[\u0000-\u001f\u007f-\u009f/\\%\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;
// eslint-disable-next-line no-control-regex
const unwritable = /[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/u;

/**
 * Any text as one file name: what a name cannot or should not contain is written as `%2F` and the like. Different
 * texts give different names, and no text leads to another folder. Letters, digits, spaces and most punctuation stay.
 *
 * On a file system that takes capitals and small letters for the same, `A` and `a` are still one file.
 *
 * @example
 * import { fileName } from 'batchx';
 *
 * fileName('50% off: a/b'); // '50%25 off: a%2Fb'
 * fileName('..'); // '%2E%2E'
 */
export function fileName(text: string): string {
  const name = text.replace(unsafe, escaped);
  if (name === '.' || name === '..') return name.replaceAll('.', '%2E');
  return name.startsWith(TEMP) ? `%2E${name.slice(1)}` : name;
}

// Half of a pair has no bytes in UTF-8: it gets a form that no other character has.
const escaped = (char: string): string =>
  /\p{Surrogate}/u.test(char) ? `%u${char.charCodeAt(0).toString(16).toUpperCase()}` : encodeURIComponent(char);

/** A relative path as a part of a path: it keeps its folders, and each of its names is made a safe one. */
export function pathText(path: string): string {
  const parts = path.split('/').map((part) => (part === '.' || part === '..' ? part : fileName(part)));
  // Without this `{{ dir }}/x` would begin at the root of the system where there is no folder.
  return path === '' ? '.' : parts.join('/');
}

/** The names that lead from `root` to the file of a path; a path that leads out of it, or names no file, throws. */
export function partsOf(path: string, root: string): string[] {
  const refuse = (why: string): never => {
    throw new BatchxError('path', `cannot write ${JSON.stringify(path)}: ${why}`, { where: path });
  };
  if (typeof path !== 'string') throw new BatchxError('path', `expected a path to be text, got ${typeof path}`);
  if (unwritable.test(path))
    refuse(
      'a path cannot contain control characters or half of a surrogate pair; `fileName(text)` makes a name of any',
    );
  const base = resolve(root, '_').slice(0, -1);
  const below = path.startsWith(base) ? path.slice(base.length) : path;
  const out = `it leads out of ${root}; a path is relative to that folder, which is set by \`root\``;
  if (below.startsWith('/')) refuse(out);
  const parts = below.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) refuse(out);
  if (parts.length === 0 || /(^|\/)\.?$/.test(below))
    refuse('it names a folder, expected the name of a file at its end');
  if (parts.some((part) => part.startsWith(TEMP)))
    refuse(`names that begin with \`${TEMP}\` are those of files that are not whole yet`);
  return parts.map(shortened);
}

/** A name that is too long keeps its beginning and its extension; the hash between them tells it from others. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= LONGEST) return name;
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? '';
  // `fileName` writes no `%~`: no other value has this name.
  const end = `%~${createHash('sha256').update(name).digest('hex').slice(0, 32)}${extension}`;
  const bytes = Buffer.from(name);
  let length = LONGEST - end.length;
  while (isInside(bytes, length)) length--;
  return bytes.toString('utf8', 0, length) + end;
}

/**
 * A name for the file that `name` is to become: hidden, of the same extension, and unlikely to be there. By its `mark` it
 * is known whose it is.
 */
export function tempName(name: string, random: () => number, mark = ''): string {
  const bytes = Buffer.from(name);
  let from = Math.max(0, bytes.length - TAIL);
  while (isInside(bytes, from)) from++;
  const chance = Math.floor(random() * 2 ** 48)
    .toString(36)
    .padStart(10, '0');
  return `${TEMP}${mark}${chance}-${bytes.toString('utf8', from)}`;
}

/** Whether a character of UTF-8 goes on at this byte. */
const isInside = (bytes: Uint8Array, at: number): boolean => ((bytes[at] ?? 0) & 0xc0) === 0x80;

/** The text of a value in a path. Those that are known to be paths keep their folders. */
export function namePart(value: unknown, name: string): string {
  const text = textOfValue(value, name);
  return /(?:^|\.)(?:relative|dir|path)$/.test(name) ? pathText(text) : fileName(text);
}

/**
 * A path of values, by `render`, which is given how they become parts of it. Values that leave nothing of a part throw:
 * `a//b` is another folder than was meant.
 */
export function pathOfValues(text: string, render: (part: typeof namePart) => string): string {
  let empty = false;
  const path = render((value, name) => {
    const part = namePart(value, name);
    empty ||= part === '';
    return part;
  });
  if (!empty) return path;
  const filled = render((value, name) => namePart(value, name) || '_').split('/');
  const at = path.split('/').findIndex((part, i) => part === '' && filled[i] !== '');
  if (at < 0) return path;
  const what =
    at === filled.length - 1
      ? 'an empty name of it, which is a folder'
      : 'an empty part of it, which is another folder';
  throw new BatchxError('path', `cannot write ${JSON.stringify(path)}: the values of ${text} make ${what}`, {
    where: path,
  });
}
