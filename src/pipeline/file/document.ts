import { exportsOf } from '../../core/commonjs.js';
import { BatchxError, messageOf } from '../../core/errors.js';
import { type Position, unusable } from './faults.js';

/** The way to a value: the keys and the numbers of elements that lead there. */
export type Path = readonly (string | number)[];

/** Something that is wrong with a pipeline. */
export interface Fault {
  /** What it is about. */
  readonly path: Path;
  /** Whether it is about the last key of the path, and not about what is behind it. */
  readonly key?: boolean;
  readonly message: string;
  /** The file that it is in, where that is not the one that was asked about. */
  readonly document?: Document | undefined;
}

/** A pipeline as it was written: the value, and where each part of it stands. */
export interface Document {
  /** What messages call the file. */
  readonly name: string;
  readonly value: unknown;
  /** Where a value stands, or its key; of one that is missing, what it is missing in. Undefined where nothing is known. */
  position(path: Path, key?: boolean): Position | undefined;
}

/** How large a pipeline may be, in characters. */
const LARGEST = 4 * 1024 * 1024;

/** How deep it may be. */
const DEEPEST = 100;

/** How often parts of it may be repeated by YAML's aliases: few characters can stand for very many. */
const ALIASES = 100;

/**
 * Reads YAML, of which JSON is a part, in its core schema: no tags, no key twice. What does not parse throws, with each
 * fault and where it is.
 */
export async function parseDocument(text: string, name: string): Promise<Document> {
  if (text.length > LARGEST) throw unusable(name, 'expected at most 4 MB of text');
  const { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, visit } = exportsOf(
    await import('yaml'),
  );
  const lines = new LineCounter();
  const options = { lineCounter: lines, uniqueKeys: true, version: '1.2', schema: 'core' } as const;
  const parsed = orTooDeep(name, () => parseAllDocuments(text, options));
  const documents = Array.isArray(parsed) ? parsed : [];
  const [document, second] = documents;
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, col };
  };
  const found = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]);
  const [first, ...others] = found.sort((a, b) => a.pos[0] - b.pos[0]);
  if (first !== undefined) {
    if (first.message.includes('call stack')) throw tooDeep(name);
    // One that is not understood leads to many more, which say nothing to whoever wrote it.
    const more = others.length === 0 ? '' : `; ${others.length} more ${others.length === 1 ? 'follows' : 'follow'}`;
    const message = `${plainly(first.message)}${hintFor(first.message)}${more}`;
    throw unusable(name, message, at(first.pos[0]));
  }
  if (second !== undefined)
    throw unusable(name, `expected one document, got ${documents.length}`, at(rangeOf(second) ?? 0));
  if (document !== undefined)
    visit(document, (_, node, within) => {
      if (!isAlias(node)) return;
      const meant = node.resolve(document);
      const place = at(rangeOf(node) ?? 0);
      if (meant === undefined) throw unusable(name, `no \`&${node.source}\` is written before this`, place);
      if (within.includes(meant)) throw unusable(name, `\`&${node.source}\` would contain itself`, place);
    });
  let value: unknown;
  try {
    value = orTooDeep<unknown>(name, () => document?.toJS({ maxAliasCount: ALIASES })) ?? null;
  } catch (error) {
    throw error instanceof BatchxError ? error : unusable(name, messageOf(error));
  }
  if (isDeeper(value, DEEPEST)) throw tooDeep(name);
  return {
    name,
    value,
    position(path, key = false) {
      let node: unknown = document?.contents;
      let last = rangeOf(node);
      for (const [depth, part] of path.entries()) {
        if (isMap(node)) {
          const pair = node.items.find(
            (each) => isPair(each) && isScalar(each.key) && String(each.key.value) === String(part),
          );
          if (pair === undefined) break;
          const wantsKey = (key && depth === path.length - 1) || rangeOf(pair.value) === undefined;
          last = rangeOf(wantsKey ? pair.key : pair.value) ?? last;
          node = pair.value;
        } else if (isSeq(node)) {
          node = node.items[Number(part)];
          last = rangeOf(node) ?? last;
        } else break;
      }
      return last === undefined ? undefined : at(last);
    },
  };
}

/** A pipeline that code has made: nothing of it has a place. */
export const documentOf = (value: unknown, name: string): Document => ({ name, value, position: () => undefined });

function rangeOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0];
}

/** Whether there are more levels in it, as there are without end in what contains itself. */
const isDeeper = (value: unknown, than: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (than === 0 || Object.values(value).some((each) => isDeeper(each, than - 1)));

const tooDeep = (name: string): BatchxError =>
  unusable(name, `expected at most ${DEEPEST} levels, one in the other, got more`);

/** What is nested so deep that nobody can follow it is told as that. */
function orTooDeep<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? tooDeep(name) : error;
  }
}

/** What the parser says, without the place and the excerpt, which we tell ourselves. */
const plainly = (message: string): string => (message.split(/ at line \d+/)[0] ?? message).trim();

/** What is most often meant where YAML sees something else. */
const hintFor = (message: string): string =>
  /nested mappings|implicit keys|flow map/i.test(message)
    ? '; text with a colon, a brace or a bracket in it, such as an expression, needs quotes around it, or `|` and a line of its own'
    : '';
