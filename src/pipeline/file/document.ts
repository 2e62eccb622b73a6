import { exportsOf } from '../../core/commonjs.js';
import { BatchxError } from '../../core/errors.js';

/** Where something is in a file, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly col: number;
}

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
  if (text.length > LARGEST) throw new BatchxError('usage', `${name}: expected at most 4 MB of text`);
  const { isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments } = exportsOf(await import('yaml'));
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, version: '1.2', schema: 'core' });
  const documents = Array.isArray(parsed) ? parsed : [];
  if (documents.length > 1) throw new BatchxError('usage', `${name}: expected one document, got ${documents.length}`);
  const [document] = documents;
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, col };
  };
  const found = [...(document?.errors ?? []), ...(document?.warnings ?? [])];
  if (found.length > 0) {
    const told = found.map(({ pos, message }) => `${placed(name, at(pos[0]))}: ${plainly(message)}${hintFor(message)}`);
    throw new BatchxError('usage', told.join('\n'));
  }
  let value: unknown;
  try {
    value = document?.toJS({ maxAliasCount: ALIASES }) ?? null;
  } catch (error) {
    throw new BatchxError('usage', `${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (depthOf(value) > DEEPEST) throw new BatchxError('usage', `${name}: expected at most ${DEEPEST} levels`);
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

/** `name:line:col`, as far as that is known. */
export const placed = (name: string, position: Position | undefined): string =>
  position === undefined ? name : `${name}:${position.line}:${position.col}`;

function rangeOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0];
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let deepest = 0;
  for (const each of Object.values(value)) {
    deepest = Math.max(deepest, depthOf(each));
    if (deepest > DEEPEST) break;
  }
  return deepest + 1;
}

/** What the parser says, without the place and the excerpt, which we tell ourselves. */
const plainly = (message: string): string => (message.split(/ at line \d+/)[0] ?? message).trim();

/** What is most often meant where YAML sees something else. */
const hintFor = (message: string): string =>
  /nested mappings|implicit keys|flow map/i.test(message)
    ? '; text with a colon, a brace or a bracket in it, such as an expression, needs quotes around it, or `|` and a line of its own'
    : '';
