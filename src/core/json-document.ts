import { isUtf8 } from 'node:buffer';
import type { ByteBlocks } from './bytes-in.js';
import { BatchxError, messageOf } from './errors.js';
import { findJsonFault } from './json-fault.js';
import { notUtf8 } from './rows.js';
import { toBytes } from './schema.js';

/** The text of a whole document, which may have `limit` bytes. */
export async function readDocument(blocks: ByteBlocks, name: string, limit: string): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const block of blocks) {
    size += block.length;
    if (size > toBytes(limit))
      throw cannotRead(
        name,
        `it is larger than ${limit}, and the whole document is held in memory: make it one value a line, which is read as JSONL`,
      );
    parts.push(Buffer.from(block));
  }
  const bytes = Buffer.concat(parts);
  if (!isUtf8(bytes)) throw cannotRead(name, notUtf8(bytes).message);
  try {
    return bytes.toString('utf8', bytes.subarray(0, 3).equals(BOM) ? 3 : 0);
  } catch (error) {
    throw cannotRead(
      name,
      `it is larger than a text may be: make it one value a line, which is read as JSONL`,
      name,
      error,
    );
  }
}

const BOM = Buffer.from('\ufeff');

/** The value of a document; what is not JSON throws, naming the line and the column. */
export function parseDocument(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const fault = findJsonFault(text);
    if (fault === undefined) throw cannotRead(name, `not JSON: ${messageOf(error)}`, name, error);
    const { line, column, found } = fault;
    throw cannotRead(
      name,
      `not JSON: did not expect ${found} in line ${line}, column ${column}`,
      `${name}:${line}:${column}`,
      error,
    );
  }
}

/** The value under a path of keys; what is not there throws, naming what is. */
export function valueAt(document: unknown, keys: readonly string[], name: string): unknown {
  let value = document;
  keys.forEach((key, i) => {
    const within = i === 0 ? 'the document' : `\`${keys.slice(0, i).join('.')}\``;
    if (typeof value !== 'object' || value === null)
      throw cannotRead(name, `expected ${within} to have \`${key}\`, but it is ${JSON.stringify(value).slice(0, 40)}`);
    if (!Object.prototype.propertyIsEnumerable.call(value, key)) {
      const has = Array.isArray(value)
        ? `a list of ${value.length}`
        : Object.keys(value)
            .slice(0, 8)
            .map((known) => `\`${known}\``)
            .join(', ');
      throw cannotRead(name, `expected ${within} to have \`${key}\`, it has ${has === '' ? 'nothing' : has}`);
    }
    value = (value as Record<string, unknown>)[key];
  });
  return value;
}

const cannotRead = (name: string, why: string, where = name, cause?: unknown): BatchxError =>
  new BatchxError('input', `cannot read ${name}: ${why}`, { where, cause });
