import { BatchxError } from '../errors.js';
import { textOfValue } from '../template.js';
import { type Argument, hasNul } from './argument.js';
import { partOf } from './path-part.js';
import type { Placeholder } from './placeholders.js';

/** What a command is rendered with. */
export interface Values {
  /** The values of the item: `{}`, `{1}`, ... */
  readonly args: readonly Argument[];
  /** What the first of them are called: `{name}`. */
  readonly names?: readonly string[] | undefined;
  /** The number of the item, from 1: `{#}`. */
  readonly seq: number;
  /** The number of the slot that it runs in, from 1: `{%}`. */
  readonly slot: number;
  /** Where the command is to write: `{outputPath}`. */
  readonly outputPath?: string | undefined;
  /** What `{{ name }}` stands for. It throws for a name that it does not know. */
  readonly scope?: ((name: string) => unknown) | undefined;
}

/** Where the value of a position is; of a negative one it depends on how many there are. */
export const indexOf = (position: number, count: number): number => (position > 0 ? position - 1 : count + position);

/** What one placeholder stands for; `index` says which of the values. Undefined when there is no such value. */
export function valueOf(placeholder: Placeholder, values: Values, index: number): Argument | undefined {
  switch (placeholder.kind) {
    case 'seq':
      return String(values.seq);
    case 'slot':
      return String(values.slot);
    case 'value': {
      const value = values.args[index];
      return value === undefined ? undefined : passable(partOf(value, placeholder.part), placeholder.raw);
    }
    case 'output':
      if (values.outputPath === undefined)
        throw new BatchxError('exec', '`{outputPath}` has no value: it stands for the file that `creates` names', {
          class: 'permanent',
        });
      return passable(values.outputPath, placeholder.raw);
    case 'template': {
      const { name, raw } = placeholder;
      if (values.scope === undefined) throw new BatchxError('usage', `command: \`${raw}\` has nothing to stand for`);
      const value = values.scope(name);
      return passable(value instanceof Uint8Array ? value : textOfValue(value, name), raw);
    }
  }
}

function passable(value: Argument, raw: string): Argument {
  if (!hasNul(value)) return value;
  const text = typeof value === 'string' ? value : Buffer.from(value).toString('utf8');
  throw new BatchxError(
    'exec',
    `\`${raw}\` stands for ${JSON.stringify(text.slice(0, 80))}: no argument of a command can hold a NUL character`,
    { class: 'permanent' },
  );
}
