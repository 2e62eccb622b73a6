import { Arguments } from '../../core/command/arguments.js';
import { filtered } from '../../core/command/filtered.js';
import { BatchxError } from '../../core/errors.js';
import { FileEntry } from '../../core/file-entry.js';
import type { Item } from '../../core/item.js';
import type { Runtime } from '../../core/runtime.js';
import { scopeOf, valueOf } from '../../core/template.js';

/**
 * What `{{ name }}` stands for in the command of an item. A name that is not known is an error that tells those that
 * are: of a row it is the failure of that item, but values and files have the same names each time, so that it ends the
 * run before any of their commands.
 */
export function namesOf(item: Item, context: Runtime['context']): (name: string) => unknown {
  const scope = scopeOf(item, context);
  return (name) => {
    const template = filtered(name);
    const [first = ''] = (template?.names[0] ?? name).split('.');
    if (isAlike(item.data) && !scope.names().includes(first)) throw unknownOf(item.data, name, scope.names());
    return template === undefined ? valueOf(scope, name, 'command') : template.render(scope);
  };
}

type Alike = Arguments | FileEntry;

const isAlike = (data: unknown): data is Alike => data instanceof Arguments || data instanceof FileEntry;

function unknownOf(data: Alike, name: string, known: readonly string[]): BatchxError {
  const raw = `\`{{ ${name} }}\``;
  if (data instanceof FileEntry) {
    return new BatchxError(
      'usage',
      `command: ${raw} is not known of a file; there are ${known.map((each) => `\`${each}\``).join(', ')}`,
    );
  }
  const column = data.names?.includes(name) === true ? `write \`{${name}}\` for that column` : undefined;
  return new BatchxError(
    'usage',
    `command: ${raw} is a field of rows, and plain values have none: ${column ?? '`{}` is the value, `{1}` the first of several (`in: jsonl` reads rows)'}`,
  );
}
