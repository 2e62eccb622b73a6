import type { OperatorFunction } from 'rxjs';
import type * as z from 'zod';
import { defineSink } from '../core/define.js';
import { BatchxError } from '../core/errors.js';
import { type ItemFileOptions, itemFileOptions, ItemFiles } from '../core/item-files.js';
import type { DataOf, OutcomeOf } from '../core/outcome.js';
import { defaultRuntime, type Runtime } from '../core/runtime.js';
import { parseOptions } from '../core/schema.js';
import { sinkOf } from '../core/sink-of.js';
import type { SinkWriter } from '../core/sink-writer.js';

const { path } = itemFileOptions.shape;

const options = itemFileOptions.extend({
  root: itemFileOptions.shape.root.unwrap().describe('The folder to write to; no path leads out of it.'),
  path: path.optional().describe(path.description ?? ''),
  name: path.optional().describe('Another word for `path`, as in `files: pages/` with `name: "{{ sku }}.html"`.'),
  content: itemFileOptions.shape.content
    .unwrap()
    .default('{{ data }}')
    .describe(
      'What to write, the data itself unless said: a template, or in code a function of `data` and `item`. Text and bytes are written as they are, other values as a line of JSON.',
    ),
});

/** One of the two says what the files are called. */
export const filesSinkOptions = options
  .superRefine(({ path: first, name }, context) => {
    if ((first === undefined) !== (name === undefined)) return;
    const got = name === undefined ? 'neither' : 'both';
    context.addIssue({
      code: 'custom',
      path: name === undefined ? [] : ['name'],
      message: `expected \`name\` or \`path\`, which says what each file is called, such as "{{ id }}.json", got ${got}`,
    });
  })
  .meta({ oneOf: [{ required: ['name'] }, { required: ['path'] }] });

/** How many files are written at once. */
const AT_ONCE = 8;

/**
 * Writes a file below `root` for each item that is ok, 8 at once, and emits an outcome for every item, in their order,
 * once the files of its block are in place.
 *
 * A file is whole or not there, whatever happens: it is written under a hidden name beside its own, and waited for until
 * it is on the disk, unless `durability: 'off'` says not to. A template as `path` makes a safe name of any value; a
 * function gives the path as it is to be. A path that leads out of `root`, is read by this run, or is that of another
 * item fails its item, and so does a file that is there already, unless `onExists` says `skip` (the item is skipped as
 * `already-done`) or `overwrite`. A disk that is full or broken is the error of the Observable, once the outcomes of the
 * files that are in place have been emitted. What waits is as in
 * `toJsonl`; of each path 20 to 32 bytes are kept until the end.
 *
 * ```
 * source    -a-b--x-c--|       x failed
 * written   -a-b----c--        files
 * result    -a-b--x-c--|       outcomes
 * ```
 *
 * @example
 * import { jsonl, toFiles } from 'batchx';
 *
 * jsonl<{ sku: string; price: number }>('products.jsonl')
 *   .pipe(toFiles('products', { path: '{{ sku }}.json', content: ({ price }) => ({ price }) }))
 *   .subscribe(({ id, status }) => console.log(id, status));
 */
export function toFiles<T>(
  root: string,
  options: Omit<ItemFileOptions<DataOf<T>>, 'root'>,
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<T, OutcomeOf<T>> {
  return sinkOf(filesSink, parseOptions(filesSinkOptions, { ...options, root }, 'toFiles'), runtime);
}

export const filesSink = defineSink({
  name: 'files',
  main: 'root',
  status: 'stable',
  summary: 'Writes the data of each item to a file of its own.',
  takes: 'ok',
  options: filesSinkOptions,
  examples: [
    { title: 'A file of JSON for each row', options: { root: 'products', path: '{{ sku }}.json' } },
    { title: 'The same, by another word', options: { root: 'products', name: '{{ id }}.json' } },
    { title: 'One field of it as text', options: { root: 'pages', path: '{{ name }}.html', content: '{{ html }}' } },
  ],
  writes: {
    options: ['path', 'name'],
    at: (given, runtime) => {
      const files = filesOf(given, runtime);
      return (item) => files.outputOf(item);
    },
  },
  open: (given, runtime) => writerOf(filesOf(given, runtime)),
});

const filesOf = ({ path: first, name, ...others }: z.output<typeof filesSinkOptions>, runtime: Runtime): ItemFiles =>
  new ItemFiles({ ...others, path: (first ?? name) as string }, runtime);

const writerOf = (files: ItemFiles): SinkWriter => ({
  async write(items, refuse, skip, done) {
    const rest = items.entries();
    let fatal: BatchxError | undefined;
    const work = async (): Promise<void> => {
      for (const [index, item] of rest) {
        try {
          if ((await files.write(item)) === undefined) skip(index, 'already-done');
          else done(index);
        } catch (thrown) {
          const error = BatchxError.from(thrown);
          if (error === thrown && error.class === 'fatal') fatal ??= error;
          else refuse(index, error);
        }
        if (fatal !== undefined) return;
      }
    };
    // All of them, so that nothing is being written any more when the run ends with an error.
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (fatal !== undefined) throw fatal;
  },
  close: () => files.close(),
});
