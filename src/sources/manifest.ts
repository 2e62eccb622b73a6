import { readFile } from 'node:fs/promises';
import type { Observable } from 'rxjs';
import * as z from 'zod';
import { unreadable } from '../core/bytes-in.js';
import { exportsOf } from '../core/commonjs.js';
import { isDeadLetterValue, reopenDeadLetter } from '../core/dead-letter.js';
import { defineSource } from '../core/define.js';
import { BatchxError, messageOf } from '../core/errors.js';
import { useInputs } from '../core/in-use.js';
import { Item, type Place } from '../core/item.js';
import { MANIFEST_KEYS } from '../core/manifest-keys.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { describeIssues, oneOf, parseOptions, show } from '../core/schema.js';
import { fromSource } from '../core/source.js';
import { didYouMean } from '../core/suggest.js';

export const manifestOptions = z.strictObject({
  path: z
    .string()
    .min(1, 'expected a path, got empty text')
    .describe(
      'A file of YAML, JSON or JSONL that lists the items, each with `data`, and an `id` and `metadata` if wanted; by itself, or under `items`.',
    ),
});

/** What a manifest says of an item. */
const entry = z.strictObject(
  {
    id: oneOf('text or a number', [z.string().min(1, 'expected text or a number, got ""'), z.number()]).optional(),
    data: z.unknown().refine((data) => data !== undefined, '`data` is missing'),
    metadata: z
      .record(z.string(), z.unknown(), { error: ({ input }) => `expected keys with values, got ${show(input)}` })
      .optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.map((key) => `\`${key}\``).join(', ')} ${issue.keys.length === 1 ? 'is' : 'are'} not known`
        : `got ${show(issue.input)}`,
  },
);

/** Keys of an entry that are known of and not done yet. */
const LATER = ['priority', 'dependsOn'];

/**
 * Emits an item for each entry of a manifest: a list of `{ id, data, metadata }` in YAML or JSON, under `items` or by
 * itself, or a line of JSON for each.
 *
 * `data` is what steps see; `id` names the item, which is called by its place unless it has one. An entry that is
 * something else, or asks for what is not done yet, is an item that failed in `validation`, and the rest goes on. Dead
 * letters in a list are the items they were. The whole file is held. One that cannot be read, or is no list, is the
 * error of the Observable.
 *
 * @example
 * import { manifest, toJsonl } from 'batchx';
 *
 * manifest('jobs.yaml').pipe(toJsonl('-')).subscribe();
 */
export function manifest(path: string, runtime: Runtime = defaultRuntime()): Observable<Item> {
  return fromSource(manifestSource, parseOptions(manifestOptions, { path }, 'manifest'), runtime);
}

export const manifestSource = defineSource({
  name: 'manifest',
  main: 'path',
  status: 'stable',
  summary: 'Reads a list of items, each with its id, data and metadata.',
  options: manifestOptions,
  examples: [{ title: 'Jobs in YAML', options: { path: 'jobs.yaml' } }],
  files: ({ path }) => [path],
  async *open({ path }, runtime, signal) {
    const end = useInputs([path], runtime);
    try {
      const { entries, lines } = await entriesIn(path);
      const place: Place = { source: path, locate: (index) => ({ line: lines[index] as number, index }) };
      for (let from = 0; from < entries.length && !signal.aborted; from += BLOCK)
        yield entries.slice(from, from + BLOCK).map((each, i) => itemOf(each, from + i, place));
    } finally {
      end();
    }
  },
});

/** How many items are made at once. */
const BLOCK = 256;

const again = {
  format: 'manifest',
  read: (text: string): Item => itemOf(JSON.parse(text), 0, { source: undefined, locate: () => ({}) }),
};

function itemOf(value: unknown, seq: number, place: Place): Item {
  if (isDeadLetterValue(value)) return reopenDeadLetter(value, seq, again);
  const id = `${place.source ?? ''}#${seq + 1}`;
  const refused = (message: string): Item =>
    new Item<unknown>(seq, undefined, JSON.stringify(value), place, seq, { id, format: 'manifest' }).fail(
      new BatchxError('validation', message, { where: id }),
    );
  const later = LATER.find((key) => typeof value === 'object' && value !== null && key in value);
  if (later !== undefined) return refused(`\`${later}\` is not done by this version yet`);
  const parsed = entry.safeParse(value);
  if (!parsed.success) return refused(`expected { id, data, metadata }: ${describeIssues(parsed.error.issues)}`);
  const { id: own = id, data, metadata } = parsed.data;
  return new Item(seq, data, undefined, place, seq, { id: String(own), metadata });
}

const known = new Set<string>(MANIFEST_KEYS);

/** The entries of a manifest, and the lines that they begin on. */
interface Entries {
  readonly entries: readonly unknown[];
  readonly lines: readonly number[];
}

async function entriesIn(path: string): Promise<Entries> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  if (/\.(?:jsonl|ndjson)$/.test(path)) return linesIn(text, path);
  const { value, linesOf } = await documentIn(text, path);
  const list = Array.isArray(value) ? value : (value as { items?: unknown } | null)?.items;
  const unknown = Object.keys(Array.isArray(value) ? {} : (value ?? {})).find((key) => !known.has(key));
  if (Array.isArray(list) && unknown !== undefined) {
    const hint = didYouMean(unknown, known) || `; there are ${[...known].join(', ')}`;
    throw new BatchxError('input', `${path}: \`${unknown}\` is not known beside \`items\`${hint}`, { where: path });
  }
  if (Array.isArray(list)) return { entries: list as unknown[], lines: linesOf() };
  throw new BatchxError('input', `${path}: expected a list of items, or one under \`items\``, { where: path });
}

function linesIn(text: string, path: string): Entries {
  const lines: number[] = [];
  const entries = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    lines.push(index + 1);
    try {
      return [JSON.parse(line) as unknown];
    } catch (error) {
      throw new BatchxError('input', `${path}:${index + 1}: not JSON: ${messageOf(error)}`, { where: path });
    }
  });
  return { entries, lines };
}

async function documentIn(text: string, path: string) {
  const { isMap, isSeq, LineCounter, parseDocument } = exportsOf(await import('yaml'));
  const lineCounter = new LineCounter();
  try {
    const document = parseDocument(text, { version: '1.2', schema: 'core', lineCounter });
    const [fault] = document.errors;
    if (fault !== undefined) throw fault;
    const linesOf = (): number[] => {
      const list = isMap(document.contents) ? document.contents.get('items', true) : document.contents;
      const entries = isSeq(list) ? (list.items as { readonly range?: readonly number[] | null }[]) : [];
      return entries.map(({ range }) => lineCounter.linePos(range?.[0] ?? 0).line);
    };
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown, linesOf };
  } catch (error) {
    const said = messageOf(error).split('\n')[0] ?? '';
    const what = said.includes('call stack') ? 'it has too many levels, one in the other' : said;
    throw new BatchxError('input', `${path}: ${what}`, { where: path, cause: error });
  }
}
