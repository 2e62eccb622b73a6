import { exportsOf } from '../../core/commonjs.js';
import { BatchxError, messageOf } from '../../core/errors.js';
import { keepsDigits } from '../../core/exact.js';
import { type Position, unusable } from './faults.js';
import { mergeKeysOf } from './merge-keys.js';
import { placeInText } from './place-in-text.js';

/** The way to a value: the keys and the numbers of elements that lead there. */
export type Path = readonly (string | number)[];

/** Something that is wrong with a pipeline. */
export interface Fault {
  /** What it is about. */
  readonly path: Path;
  /** Whether it is about the last key of the path, and not about what is behind it. */
  readonly key?: boolean;
  /** Where in the text that the path leads to, in characters. */
  readonly at?: number | undefined;
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
  position(path: Path, key?: boolean, within?: number): Position | undefined;
}

/** How large a pipeline may be, in characters. */
const LARGEST = 4 * 1024 * 1024;

/** How deep it may be. */
const DEEPEST = 100;

/** How often parts of it may be repeated by YAML's aliases: few characters can stand for very many. */
const ALIASES = 100;

/** How many maps may be merged into others by `<<`, counting each as often as it is gone through. */
const MERGES = 10_000;

/**
 * Reads YAML, of which JSON is a part, in its core schema: no tags, no key twice. What does not parse throws, with each
 * fault and where it is.
 */
export async function parseDocument(text: string, name: string): Promise<Document> {
  if (text.length > LARGEST) throw unusable(name, 'expected at most 4 MB of text');
  const { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, visit } = exportsOf(await import('yaml'));
  const lines = new LineCounter();
  const options = { lineCounter: lines, uniqueKeys: true, version: '1.2', schema: 'core', merge: true } as const;
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
      if (isScalar(node)) expectExact(node, () => at(rangeOf(node) ?? 0), name);
      if (!isAlias(node)) return;
      const meant = node.resolve(document);
      const place = at(rangeOf(node) ?? 0);
      if (meant === undefined) throw unusable(name, `no \`&${node.source}\` is written before this`, place);
      if (within.includes(meant)) throw unusable(name, `\`&${node.source}\` would contain itself`, place);
    });
  const keys = document === undefined ? undefined : await mergeKeysOf(document);
  let merged = 0;
  if (document !== undefined)
    visit(document, {
      Map(_, map) {
        merged += keys?.count(map) ?? 0;
        if (merged > MERGES) throw unusable(name, `expected at most ${MERGES} maps to merge`, at(rangeOf(map) ?? 0));
      },
    });
  let value: unknown;
  try {
    value = orTooDeep<unknown>(name, () => document?.toJS({ maxAliasCount: ALIASES })) ?? null;
  } catch (error) {
    throw error instanceof BatchxError ? error : unusable(name, messageOf(error));
  }
  if (isDeeper(value, DEEPEST)) throw tooDeep(name);
  const inScalar = (node: unknown, within: number): number | undefined =>
    isScalar(node) && typeof node.value === 'string' && node.range != null
      ? placeInText(text, [node.range[0], node.range[1]], node.value, within)
      : undefined;
  return {
    name,
    value,
    position(path, key = false, within) {
      let node: unknown = document?.contents;
      let last = rangeOf(node);
      for (const [depth, part] of path.entries()) {
        node = keys?.meant(node);
        if (isMap(node)) {
          const pair = keys?.pairOf(node, String(part));
          if (pair === undefined) break;
          const wantsKey = (key && depth === path.length - 1) || rangeOf(pair.value) === undefined;
          last = rangeOf(wantsKey ? pair.key : pair.value) ?? last;
          node = pair.value;
        } else if (isSeq(node)) {
          node = node.items[Number(part)];
          last = rangeOf(node) ?? last;
        } else break;
      }
      const exact = within === undefined || key ? undefined : inScalar(keys?.meant(node), within);
      return last === undefined ? undefined : at(exact ?? last);
    },
  };
}

/** Throws for a whole number of which digits are lost, and for one that is too large for any. */
function expectExact(node: { value: unknown; source?: string }, place: () => Position, name: string): void {
  const { value, source = '' } = node;
  if (typeof value !== 'number' || !/^[-+]?\d+(?:[.eE]|$)/.test(source) || keepsDigits(source)) return;
  throw unusable(name, `${source} is too long or too large for a number: write it in quotes, as text`, place());
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
