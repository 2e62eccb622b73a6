import type { Observable } from 'rxjs';
import * as z from 'zod';
import type { Arguments } from '../core/command/arguments.js';
import { defineSource } from '../core/define.js';
import { type Input, inputsOf } from '../core/input.js';
import { Item } from '../core/item.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { given, parseOptions } from '../core/schema.js';
import { fromSource } from '../core/source.js';
import { firstRows, type FirstRow, hold, type Listed } from './argument-lists.js';
import { ArgumentReader, type ArgumentReading, trimmer } from './argument-reader.js';
import { type Arrangement, type Held, Jobs, Linked, Nested } from './argument-rows.js';

const linkedTo = () =>
  z
    .boolean()
    .default(false)
    .describe('Whether the list goes side by side with the one before it, up to the shorter end.');

const value = () => z.union([z.string(), z.number(), given<Uint8Array>('bytes', (each) => each instanceof Uint8Array)]);

const argumentList = () =>
  z.union([
    z.array(value()).describe('The values themselves.'),
    z.strictObject({
      values: z.array(value()).describe('The values themselves.'),
      link: linkedTo(),
    }),
    z.strictObject({
      path: z
        .string()
        .min(1, 'expected a path, got empty text')
        .describe('A file with a value on each line, or `-` for standard input; `.gz` is unpacked while it is read.'),
      link: linkedTo(),
    }),
  ]);

export const argumentsOptions = z.strictObject({
  lists: z
    .array(argumentList())
    .min(1, 'expected at least one list')
    .refine((lists) => lists.filter((list) => 'path' in list && list.path === '-').length < 2, {
      error: 'expected `-` once: standard input can be read once',
    })
    .describe('The lists of values. Of several, each value of one goes with each value of the others.'),
  link: z
    .boolean()
    .default(false)
    .describe('Whether all lists go side by side instead; shorter ones begin again until the longest ends.'),
  colsep: z
    .string()
    .refine(isPattern, 'expected a regular expression of JavaScript, without classes such as `[[:space:]]`')
    .optional()
    .describe('What separates columns of a value, as a regular expression; each column is a value of its own.'),
  header: z
    .boolean()
    .default(false)
    .describe(
      'Whether the first value of each list names its columns, which a tab separates unless `colsep` is given.',
    ),
  null: z.boolean().default(false).describe('Whether values in files end with NUL, as `find -print0` writes them.'),
  trim: z
    .enum(['n', 'l', 'r', 'lr', 'rl'])
    .optional()
    .describe('The sides that blanks are taken from: `lr` with `colsep`, otherwise none (`n`).'),
  perJob: z.int().min(1).default(1).describe('How many values, or combinations of them, one item has.'),
  keepEmpty: z
    .boolean()
    .default(false)
    .describe('Whether an empty line of a file is an empty value; in linked lists it always is.'),
});

/** The options of `argumentLists` beside the lists. */
export type ArgumentsOptions = Omit<z.input<typeof argumentsOptions>, 'lists'>;

/** A list of values: the values themselves, or a file that has them. */
export type ArgumentList = z.input<typeof argumentsOptions>['lists'][number];

/**
 * Emits the values for one command each: every combination of the values of several lists, the last list varying
 * fastest, as GNU parallel makes them of `:::` and `::::`.
 *
 * The data is an `Arguments`. The first list is read while items are taken; all others are held in memory, and in a
 * linked run as many values of the first as the longest of them has. An empty list gives no item. Lines are those of
 * `lines`, but one that is not UTF-8 is bytes; empty ones are passed over unless lists are linked. Dead letters are
 * taken in a list on its own. An input that cannot be read, or a bad value in a list that is held, is the error of the
 * Observable.
 *
 * ```
 * ['a', 'b'] and ['1', '2']
 * (a1 a2 b1 b2)|
 * ```
 *
 * @example
 * import { argumentLists, mapItems, toArray } from 'batchx';
 *
 * argumentLists([['a.png', 'b.png'], ['50%', '25%']])
 *   .pipe(mapItems(({ values }) => values.join(' at ')), toArray())
 *   .subscribe((all) => console.log(all)); // [ 'a.png at 50%', 'a.png at 25%', 'b.png at 50%', 'b.png at 25%' ]
 */
export function argumentLists(
  lists: ArgumentList[],
  options: ArgumentsOptions = {},
  runtime: Runtime = defaultRuntime(),
): Observable<Item<Arguments>> {
  const parsed = parseOptions(argumentsOptions, { ...options, lists }, 'arguments');
  return fromSource(argumentsSource, parsed, runtime) as Observable<Item<Arguments>>;
}

export const argumentsSource = defineSource({
  name: 'arguments',
  status: 'stable',
  summary: 'Makes one item of each combination of the values of several lists.',
  options: argumentsOptions,
  fields: ['values', 'names'],
  examples: [
    { title: 'Every file in every size', options: { lists: [{ path: 'files.txt' }, ['100', '200']] } },
    { title: 'Columns with names', options: { lists: [{ path: 'users.tsv' }], colsep: '\\t', header: true } },
    { title: 'Two lists side by side', options: { lists: [['a', 'b'], { values: ['1', '2'], link: true }] } },
  ],
  async *open(options, runtime, signal) {
    const { lists, link, perJob } = options;
    const inputs = inputsOf(
      lists.flatMap((list) => ('path' in list ? [list.path] : [])),
      runtime,
    );
    try {
      const sources = lists.map((list, i): Listed => {
        const alone = lists.length === 1;
        const linked = link ? !alone : isLinked(list) || (i + 1 < lists.length && isLinked(lists[i + 1]));
        const input = 'path' in list ? (inputs.next().value as Input) : undefined;
        const reader = new ArgumentReader(readingOf(options, linked), input?.name ?? `list ${i + 1}`, alone);
        const values = 'path' in list ? [] : Array.isArray(list) ? list : list.values;
        return { input, reader, values, null: options.null };
      });
      const held: Held[] = [];
      for (const each of sources.slice(1)) held.push(await hold(each, signal));
      const arrangement = link ? new Linked(held) : new Nested(groupsOf(lists, held));
      const [first] = sources as [Listed];
      yield* itemsOf(firstRows(first, signal), arrangement, new Jobs(perJob), lists.length > 1, signal);
    } finally {
      inputs.return(undefined);
    }
  },
});

type Options = z.output<typeof argumentsOptions>;
type List = Options['lists'][number];

const isLinked = (list: List | undefined): boolean => list !== undefined && !Array.isArray(list) && list.link;

function readingOf({ colsep, header, trim, keepEmpty, null: nul }: Options, linked: boolean): ArgumentReading {
  const separator = colsep ?? (header ? '\t' : undefined);
  return {
    colsep: separator === undefined ? undefined : new RegExp(separator),
    header,
    null: nul,
    keepEmpty: keepEmpty || linked,
    trim: trimmer(trim ?? (colsep === undefined ? 'n' : 'lr')),
  };
}

function isPattern(text: string): boolean {
  try {
    return !text.includes('[[:') && new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

/** The lists after the first, in groups that begin where one is not linked; the first group is linked to the first. */
function groupsOf(lists: readonly List[], held: readonly Held[]): Held[][] {
  const groups: Held[][] = [[]];
  held.forEach((list, i) => {
    if (isLinked(lists[i + 1])) groups.at(-1)?.push(list);
    else groups.push([list]);
  });
  return groups;
}

/** How many items are made at a time of the combinations of one row. */
const BLOCK = 256;

async function* itemsOf(
  rows: AsyncIterable<FirstRow[]> | Iterable<FirstRow[]>,
  arrangement: Arrangement,
  jobs: Jobs,
  several: boolean,
  signal: AbortSignal,
): AsyncGenerator<Item[]> {
  let items: Item[] = [];
  for await (const block of rows) {
    if (signal.aborted) return;
    for (const { from, row } of block) {
      if (row === undefined) items.push(jobs.pass(from));
      else {
        const labelled = several && row.label === undefined ? { ...row, label: from.where } : row;
        for (const combined of arrangement.next(labelled)) {
          const item = jobs.add(combined, from);
          if (item !== undefined) items.push(item);
          if (items.length < BLOCK) continue;
          yield items;
          items = [];
        }
      }
    }
    if (items.length > 0) yield items;
    items = [];
  }
  // Of an input that was given up the rest is not known.
  if (signal.aborted) return;
  for (const combined of arrangement.rest()) {
    const item = jobs.add(combined, Item.of(undefined));
    if (item !== undefined) yield [item];
  }
  const last = jobs.flush();
  if (last !== undefined) yield [last];
}
