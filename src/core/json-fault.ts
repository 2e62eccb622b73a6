/** Where a text stops being JSON. */
export interface Fault {
  readonly line: number;
  readonly column: number;
  /** What stands there, or that the text ends. */
  readonly found: string;
}

/** The first place where a text cannot be JSON any more, counted from 1; undefined when it is JSON. */
export function findJsonFault(text: string): Fault | undefined {
  const at = faultAt(text);
  if (at === undefined) return undefined;
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf('\n') + 1;
  const found = at >= text.length ? 'the end of the text' : JSON.stringify(text.slice(at, at + 12));
  return { line: before.split('\n').length, column: at - lineStart + 1, found };
}

/** What may come next. In place of an `element` or a `member`, unlike of a `value` or a `key`, the bracket may close. */
type Next = 'value' | 'element' | 'key' | 'member' | 'colon' | 'comma';

const SPACE = /[ \t\r\n]*/y;
const PLAIN = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /["\\/bfnrt]|u[\da-fA-F]{4}/y;
// eslint-disable-next-line no-control-regex
const SPECIAL = /["\\\u0000-\u001f]/g;

/** Goes through the text by the grammar; recursion would limit the depth. */
function faultAt(text: string): number | undefined {
  const open: string[] = [];
  let next = 'value' as Next;
  for (let at = 0; ;) {
    at += match(SPACE, text, at);
    if (next === 'comma' && open.length === 0) return at < text.length ? at : undefined;
    const char = text[at] ?? '';
    const closing = open.at(-1) === '[' ? ']' : '}';
    const isKey = next === 'key' || next === 'member';
    if (char === closing && (next === 'comma' || next === 'element' || next === 'member')) {
      open.pop();
      next = 'comma';
      at++;
    } else if (next === 'comma') {
      if (char !== ',') return at;
      next = closing === ']' ? 'value' : 'key';
      at++;
    } else if (next === 'colon') {
      if (char !== ':') return at;
      next = 'value';
      at++;
    } else if (char === '"') {
      const [end, whole] = endOfString(text, at);
      if (!whole) return end;
      at = end;
      next = isKey ? 'colon' : 'comma';
    } else if (isKey) return at;
    else if (char === '[' || char === '{') {
      open.push(char);
      next = char === '[' ? 'element' : 'member';
      at++;
    } else {
      const size = match(PLAIN, text, at);
      if (size === 0) return at;
      at += size;
      next = 'comma';
    }
  }
}

/** How many characters the pattern takes at a place. */
function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

/** Where the string that begins at `start` ends, or what is wrong in it stands. */
function endOfString(text: string, start: number): readonly [at: number, whole: boolean] {
  for (let at = start + 1; ;) {
    SPECIAL.lastIndex = at;
    const found = SPECIAL.exec(text);
    if (found === null) return [text.length, false];
    if (found[0] === '"') return [found.index + 1, true];
    const size = found[0] === '\\' ? match(ESCAPE, text, found.index + 1) : 0;
    if (size === 0) return [found.index, false];
    at = found.index + 1 + size;
  }
}
