import { join } from 'node:path';
import * as z from 'zod';
import type { DataFunction } from './expression.js';
import type { OnExists } from './atomic-file.js';
import type { Item } from './item.js';
import type { ItemOutput } from './item-output.js';
import { OutputFolder } from './output-folder.js';
import { pathOfValues } from './output-path.js';
import { jsonLine, wellFormed } from './rows-out.js';
import type { Runtime } from './runtime.js';
import { given } from './schema.js';
import { compileTemplate, scopeOf, type Template, textOfValue, valueOf } from './template.js';
import { templateText } from './template-option.js';

/** An option that is a template, or in code a function of the data and the item. */
const templated = () =>
  z.union([
    templateText(),
    given<DataFunction<never>>('a template or a function', (value) => typeof value === 'function'),
  ]);

/** The options of what writes a file for each item. */
export const itemFileOptions = z.strictObject({
  path: templated().describe(
    'Where to write it, below `root`: a template whose values are made safe names, `a/b` as `a%2Fb` (those of `relative`, `dir` and `path` keep their folders), or in code a function of `data` and `item` that gives the path as it is to be.',
  ),
  content: templated()
    .default('{{ content }}')
    .describe(
      'What to write: a template, or in code a function of `data` and `item`. Text and bytes are written as they are, other values as a line of JSON.',
    ),
  root: z
    .string()
    .min(1, 'expected a path, got empty text')
    .meta({ place: 'output' })
    .default('.')
    .describe('The folder that no path leads out of.'),
  onExists: z
    .enum(['fail', 'skip', 'overwrite'])
    .default('fail')
    .describe('What to do where a file is already: fail the item, skip it as `already-done`, or replace the file.'),
  mode: z
    .string('expected permissions as text in octal digits, such as "0644"')
    .regex(/^0?[0-7]{3}$/, 'expected permissions as text in octal digits, such as "0644"')
    .optional()
    .describe(
      'The permissions of the files, such as "0644"; those of the file that is replaced, or the usual ones of new files, unless said.',
    ),
  durability: z
    .enum(['power', 'off'])
    .default('power')
    .describe(
      'Whether a file is waited for until it is on the disk (`power`), or left to the system (`off`), which is faster.',
    ),
});

/** What a file can be made of: text, bytes, or a value that is written as JSON. */
export type FileContent = string | Uint8Array | object | number | boolean | null;

/** The options in code, with functions of the data. */
export interface ItemFileOptions<T> extends Omit<z.input<typeof itemFileOptions>, 'path' | 'content'> {
  /** Where to write it, below `root`: a template, or a function that gives the path as it is to be. */
  readonly path: string | ((data: T, item: Item<T>) => string);
  /** What to write: a template, or a function. */
  readonly content?: string | ((data: T, item: Item<T>) => FileContent | Promise<FileContent>);
}

/** Writes a file for each item that it is given, and none over that of another one. */
export class ItemFiles {
  readonly #root: string;
  readonly #onExists: OnExists;
  readonly #folder: OutputFolder;
  readonly #path: (item: Item) => unknown;
  readonly #content: (item: Item) => unknown;
  /** Templates that may have been misspelt, until an item has shown what they can name. */
  #templates: Template[] = [];
  readonly #runtime: Runtime;

  constructor({ path, content, mode, ...options }: z.output<typeof itemFileOptions>, runtime: Runtime) {
    this.#runtime = runtime;
    this.#root = options.root;
    this.#onExists = options.onExists;
    this.#folder = new OutputFolder({ ...options, mode: mode === undefined ? undefined : parseInt(mode, 8) }, runtime);
    this.#path = this.#compile(path, 'path', (template, item) =>
      pathOfValues(template.text, (part) => template.render(scopeOf(item, runtime.context), part)),
    );
    this.#content = this.#compile(content, 'content', (template, item) => contentOf(template, item, runtime.context));
  }

  /** Done when the file is in place, with its path; undefined when one is there that is to stay. */
  async write(item: Item, signal?: AbortSignal): Promise<string | undefined> {
    this.#warn(item);
    const file = await this.#folder.prepare(this.#path(item) as string, item);
    if (file === undefined) return undefined;
    try {
      await file.fill(bytesOf(await this.#content(item)));
      // What is not wanted any more must not come after what another attempt has written.
      signal?.throwIfAborted();
      return (await file.commit()) ? file.path : undefined;
    } catch (error) {
      await file.discard().catch(() => undefined);
      throw error;
    }
  }

  /** Where the file of an item would be. */
  pathOf(item: Item): string {
    return join(this.#root, this.#path(item) as string);
  }

  /** The same, with what is done where a file is already. */
  outputOf(item: Item): ItemOutput {
    return { root: this.#root, path: this.#path(item) as string, onExists: this.#onExists };
  }

  /** Nothing more is written. */
  close(): void {
    this.#folder.close();
  }

  #compile(
    option: string | DataFunction<never>,
    of: string,
    render: (template: Template, item: Item) => unknown,
  ): (item: Item) => unknown {
    if (typeof option === 'function') return (item) => (option as DataFunction)(item.data, item);
    const template = compileTemplate(option, of);
    this.#templates.push(template);
    return (item) => render(template, item);
  }

  #warn(item: Item): void {
    for (const template of this.#templates) {
      const message = template.hint(scopeOf(item, this.#runtime.context));
      if (message !== undefined) this.#runtime.events.emit('batch:warning', { message });
    }
    this.#templates = [];
  }
}

/** A value that is all there is to a template keeps its kind: bytes stay bytes. */
function contentOf(template: Template, item: Item, context: Runtime['context']): unknown {
  const scope = scopeOf(item, context);
  if (template.only === undefined) return template.render(scope);
  const value = valueOf(scope, template.only, 'content');
  // As it was read: numbers may be longer than JavaScript can tell.
  if (value === item.data && typeof value === 'object' && item.raw !== undefined) return `${item.raw}\n`;
  return typeof value === 'object' ? value : textOfValue(value, template.only);
}

function bytesOf(content: unknown): Uint8Array {
  if (content instanceof Uint8Array) return content;
  return Buffer.from(typeof content === 'string' ? wellFormed(content) : `${jsonLine(content)}\n`);
}
