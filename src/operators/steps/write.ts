import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { type ConcurrencyOptions, concurrentSettings } from '../../core/concurrency.js';
import { defineStep } from '../../core/define.js';
import type { Item } from '../../core/item.js';
import { type ItemFileOptions, itemFileOptions, ItemFiles } from '../../core/item-files.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { parseOptions } from '../../core/schema.js';
import { stage } from '../../core/stage.js';
import { applied, type StepFunction } from '../../core/step.js';

/**
 * Writes a file for each item, at most `concurrency` (16) at once, and lets the item go on as it is once the file is in
 * place; `metadata.outputPath` tells where that is.
 *
 * A file is whole or not there, whatever happens: it is written under a hidden name beside its own, and waited for until
 * it is on the disk, unless `durability: 'off'` says not to. `path` lies below `root`. A template (`'{{ sku }}.json'`)
 * makes a safe name of any value; a function gives the path as it is to be, for which `fileName` makes names. A path
 * that leads out of `root`, is read by this run, or is that of another item fails its item, and so does a file that is
 * there already, unless `onExists` says `skip` (the item is skipped as `already-done`) or `overwrite`, which keeps its
 * permissions. A disk that is full or broken is the error of the Observable. Items that had failed pass by. Items come
 * as they are done, or in the order of the source with `ordered`; of each path 20 to 32 bytes are kept until the end.
 *
 * ```
 * source        -a--b---c--|      the path of b is taken
 * written       --a-------c
 * writeItems    --a-x-----c|      x is the item b with an error
 * ```
 *
 * @example
 * import { jsonl, toJsonl, writeItems } from 'batchx';
 *
 * jsonl<{ sku: string; text: string }>('products.jsonl')
 *   .pipe(writeItems({ root: 'pages', path: '{{ sku }}.md', content: ({ text }) => `# ${text}\n` }), toJsonl('done.jsonl'))
 *   .subscribe();
 */
export function writeItems<T>(
  options: ItemFileOptions<T>,
  concurrency: ConcurrencyOptions = {},
  runtime: Runtime = defaultRuntime(),
): MonoTypeOperatorFunction<Item<T>> {
  const parsed = parseOptions(itemFileOptions, options, 'writeItems');
  const caps = { concurrency: 16, stop: runtime.stopping, ...concurrency };
  const operator = (files: ItemFiles) => stage([applied(writing(files, runtime), 'item')], caps, 'writeItems');
  concurrentSettings(caps, 'writeItems');
  return (source) =>
    new Observable<Item>((subscriber) => {
      const files = new ItemFiles(parsed, runtime);
      subscriber.add(() => files.close());
      return source.pipe(operator(files)).subscribe(subscriber);
    }) as Observable<Item<T>>;
}

export const writeStep = defineStep({
  name: 'write',
  workers: 16,
  main: 'path',
  status: 'stable',
  summary: 'Writes a file for each item, whole or not at all; the data stays as it is.',
  gives: 'item',
  options: itemFileOptions,
  examples: [
    { title: 'What a step has made, beside the same folders', options: { path: '{{ relative }}', root: 'migrated' } },
    {
      title: 'A file of JSON for each row',
      options: { path: '{{ sku }}.json', content: '{{ data }}', onExists: 'overwrite' },
    },
  ],
  writes: {
    options: ['path'],
    at: (options, runtime) => {
      const files = new ItemFiles(options, runtime);
      return (item) => files.outputOf(item);
    },
  },
  tell: (options, runtime) => {
    const files = new ItemFiles(options, runtime);
    return (item) => files.pathOf(item);
  },
  create: (options, runtime) => writing(new ItemFiles(options, runtime), runtime),
});

function writing(files: ItemFiles, { cleanup }: Runtime): StepFunction {
  return (item, { signal }) => {
    const written = files.write(item, signal);
    cleanup.add(written);
    return written.then((outputPath) =>
      outputPath === undefined
        ? item.skip('already-done')
        : item.withExtra({ metadata: { ...item.extra.metadata, outputPath } }),
    );
  };
}
