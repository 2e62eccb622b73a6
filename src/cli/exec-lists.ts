import { keepsBytes, keptArgument } from '../core/command/argument.js';
import { BatchxError } from '../core/errors.js';
import { shownArg } from './flag-faults.js';

/** A list of values behind one of the marks. */
export interface ValueList {
  /** Bytes are values that are not UTF-8. */
  readonly values?: readonly (string | Uint8Array)[];
  readonly files?: readonly string[];
  /** Goes along with the list before it, instead of being combined with it. */
  readonly linked: boolean;
}

/** What lists of values begin with. */
export const MARKS = [':::', ':::+', '::::', '::::+'];

/** The lists behind the marks, of which the first argument is one. */
export function listsOf(args: readonly string[]): ValueList[] {
  const lists: { mark: string; entries: string[] }[] = [];
  for (const arg of args) {
    if (MARKS.includes(arg)) lists.push({ mark: arg, entries: [] });
    else lists.at(-1)?.entries.push(arg);
  }
  return lists.map(({ mark, entries }) => ({
    ...(mark.startsWith('::::') ? { files: filesOf(entries, mark) } : { values: entries.map(keptArgument) }),
    linked: mark.endsWith('+'),
  }));
}

function filesOf(names: readonly string[], mark: string): readonly string[] {
  if (names.length === 0 || names.includes('')) {
    const got = names.length === 0 ? 'none' : 'empty text';
    throw new BatchxError('usage', `expected the name of a file with values behind \`${mark}\`, got ${got}`);
  }
  const name = names.find(keepsBytes);
  if (name === undefined) return names;
  throw new BatchxError(
    'usage',
    `expected names in UTF-8 behind \`${mark}\`, got ${shownArg(name)}: give that file to standard input, with -a - < FILE`,
  );
}
