import { resolve } from 'node:path';
import type * as z from 'zod';
import { contentHash } from '../../core/cache/content-hash.js';
import type { Argument } from '../../core/command/argument.js';
import { compileCommand } from '../../core/command/compile-command.js';
import { BatchxError } from '../../core/errors.js';
import { FileEntry } from '../../core/file-entry.js';
import type { Item } from '../../core/item.js';
import type { Runtime } from '../../core/runtime.js';
import type { execOptions } from './exec-options.js';
import { namesOf } from './exec-names.js';
import { inputOf, valuesOf } from './exec-values.js';

/**
 * What the result of a command depends on: its arguments, its folder and its input; the variables that are added, less
 * those that are secrets; and what is in the file that the item is, and in those that its arguments name.
 */
export function execCacheKey(
  options: z.output<typeof execOptions>,
  runtime: Runtime,
): (item: Item) => Promise<unknown> {
  const { command: words, shell, stdin, stdout, okExit, env } = options;
  const why =
    options.creates !== undefined
      ? 'a file that the command `creates` is not kept'
      : stdout === 'result'
        ? 'with `stdout: result` the result is more than what the command wrote'
        : undefined;
  if (why !== undefined) throw new BatchxError('usage', `\`cache\` cannot be used here: ${why}`);
  const command = compileCommand(words, { shell, append: stdin === 'none' });
  const folder = options.cwd === undefined ? undefined : compileCommand([options.cwd], { append: false, quoted: true });
  const variables = Object.entries(env).filter(([, value]) => runtime.redact(value) === value);
  return async (item) => {
    const { args, names } = valuesOf(item.data);
    const values = { args, names, seq: item.seq + 1, slot: 1, scope: namesOf(item, runtime.context) };
    const argv = command.render(values);
    const cwd = String(folder?.render(values)[0] ?? '.');
    const input = stdin === 'none' || fileIn(item.data) !== undefined ? undefined : inputOf(item.data);
    const own = fileIn(item.data) ?? fileIn(item.first?.data);
    const paths = [...(own === undefined ? [] : [own]), ...argv.map((argument) => pathFrom(cwd, argument))];
    const files: unknown[] = [];
    for (const path of paths) files.push(await contentHash(path));
    return { argv, cwd: resolve(cwd), input, files, variables, shell, stdin, stdout, okExit };
  };
}

const fileIn = (data: unknown): Argument | undefined =>
  data instanceof FileEntry ? (data.pathBytes ?? data.path) : undefined;

/** Where an argument leads if it is a path; what is no text is seen from here. */
const pathFrom = (cwd: string, argument: Argument): Argument =>
  typeof argument === 'string' ? resolve(cwd, argument) : argument;
