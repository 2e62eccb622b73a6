import { BatchxError, messageOf } from './errors.js';

/** How deep arrays and objects may be nested: deeper ones could not be written again without exhausting the stack. */
export const DEPTH_LIMIT = 512;

/** The value of a row of JSON; what is not JSON, or nested too deep, throws. */
export function parseJsonRow(text: string, limit = DEPTH_LIMIT): unknown {
  if (text.length > 2 * limit && deeperThan(limit, text)) throw tooDeep();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BatchxError('parse', `not JSON: ${messageOf(error).replace(/^SyntaxError: /, '')}`);
  }
}

/** The error of a value that is nested too deep. */
export const tooDeep = (): BatchxError =>
  new BatchxError('parse', `nested deeper than ${DEPTH_LIMIT} levels, which is the most a value may have`);

/** Whether a JSON text is nested deeper than `limit` levels. */
export function deeperThan(limit: number, text: string): boolean {
  if (!manyOpeners(limit, text)) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) i = endOfString(text, i);
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > limit) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

/** Most long rows are long, not deep: searching for brackets is much cheaper than looking at every character. */
function manyOpeners(limit: number, text: string): boolean {
  let found = 0;
  for (const opener of ['[', '{']) {
    for (let at = text.indexOf(opener); at >= 0; at = text.indexOf(opener, at + 1)) if (++found > limit) return true;
  }
  return false;
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) return i;
    if (code === 0x5c) i++;
  }
  return text.length;
}

/** How many levels of lists and objects a value has. */
export function depthOf(value: unknown): number {
  let deepest = 0;
  const waiting: [value: unknown, depth: number][] = [[value, 1]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [inner, depth] = next;
    if (typeof inner !== 'object' || inner === null) continue;
    deepest = Math.max(deepest, depth);
    for (const child of Object.values(inner)) waiting.push([child, depth + 1]);
  }
  return deepest;
}
