import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import type { ConcurrencyOptions } from '../../core/concurrency.js';
import { defineStep } from '../../core/define.js';
import { BatchxError } from '../../core/errors.js';
import type { Item } from '../../core/item.js';
import { namePart } from '../../core/output-path.js';
import { CONTENTS, pathIn, readWhole } from '../../core/read-file.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { byteSize, parseOptions, show, toBytes } from '../../core/schema.js';
import { stage } from '../../core/stage.js';
import { applied, type StepFunction } from '../../core/step.js';
import { compileTemplate, scopeOf } from '../../core/template.js';
import { templateText } from '../../core/template-option.js';

export const readOptions = z.strictObject({
  as: z.enum(CONTENTS).default('text').describe('What it is read as: text, a JSON value, bytes, or an array of lines.'),
  path: templateText()
    .optional()
    .describe(
      'Which file, as `texts/{{ name }}.txt`, where values are made safe names as `write` makes them; the file that the item is, or its `path`, unless said.',
    ),
  maxBytes: byteSize().default('64MB').describe('A file that is larger fails its item.'),
});

export type ReadOptions = z.input<typeof readOptions>;

/**
 * Replaces the data of each item by what is in its file, at most `concurrency` (16) at once: text unless said, a JSON
 * value, bytes, or an array of lines without their ends.
 *
 * The file is the one that the data are: of `files`, a path, or what has a `path`; or the one that the template `path`
 * names. Text has to be UTF-8. A file that is not there, is larger than `maxBytes` or is not what it is read as fails its
 * item; so does what is no file, such as a pipe. Items come as they are done, or in the order of the source with
 * `ordered`; as many whole files are held as are read at once.
 *
 * ```
 * source      -a--b---c--|      b is not there
 * readItems   --A-x----C-|      x is the item b with an error
 * ```
 *
 * @example
 * import { files, readItems, toJsonl } from 'batchx';
 *
 * files('notes/*.md').pipe(readItems({ as: 'lines' }), toJsonl('notes.jsonl')).subscribe();
 */
export function readItems(
  options: ReadOptions = {},
  concurrency: ConcurrencyOptions = {},
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item, Item> {
  const run = reading(parseOptions(readOptions, options, 'readItems'), runtime);
  return stage([applied(run, 'data')], { concurrency: 16, stop: runtime.stopping, ...concurrency }, 'readItems');
}

export const readStep = defineStep({
  name: 'read',
  main: 'as',
  status: 'stable',
  summary: 'Reads the file of each item: as text, a JSON value, bytes or lines.',
  gives: 'data',
  output: 'content',
  workers: 16,
  options: readOptions,
  examples: [
    { title: 'The text of each file', options: { as: 'text' } },
    { title: 'A file for each row', options: { as: 'json', path: 'orders/{{ id }}.json' } },
  ],
  create: reading,
});

function reading({ as, path, maxBytes }: z.output<typeof readOptions>, { context }: Runtime): StepFunction {
  const limit = toBytes(maxBytes);
  const template = path === undefined ? undefined : compileTemplate(path, 'path');
  return (item, { signal }) => {
    const file = template === undefined ? fileOf(item) : template.render(scopeOf(item, context), namePart);
    return readWhole(file, as, limit, signal);
  };
}

/** The file that an item is, or was before its data were replaced. */
function fileOf({ data, first }: Item): string | Uint8Array {
  const path = pathIn(data) ?? pathIn(first?.data);
  if (path !== undefined) return path;
  throw new BatchxError(
    'input',
    `expected data that are a file, a path or have a \`path\`, got ${show(data)}; say which by \`path\``,
  );
}
