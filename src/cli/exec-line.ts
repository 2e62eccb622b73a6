import { keepsBytes } from '../core/command/argument.js';
import { BatchxError } from '../core/errors.js';
import { execFlags } from './exec-flags.js';
import { listsOf, type ValueList } from './exec-lists.js';
import { partsOf } from './exec-parts.js';
import { shownArg } from './flag-faults.js';
import { type ParsedLine, parseLine } from './parse-line.js';

/** What a command line of `exec` says. */
export interface ExecLine extends ParsedLine<typeof execFlags> {
  /** A text that is still to be split, or words. */
  readonly command: string | readonly string[];
  /** The words of it as they were given. */
  readonly words: readonly string[];
  /** The arguments in front of the words, or all before any values. */
  readonly own: readonly string[];
  readonly inputs: readonly string[];
  readonly lists: readonly ValueList[];
}

/**
 * Reads the arguments of `exec`.
 *
 * A first word with spaces in it is the whole command, and so is a first word that inputs follow. Words are the command
 * where they can be nothing else: behind `--`, before values (`gzip -9 ::: a b`), or where one of them has a placeholder
 * (`ls | batchx exec gzip -9 {}`). Then flags end with the first word, as GNU parallel has it. Behind a whole command
 * `--` is followed by inputs.
 */
export function parseExecLine(args: readonly string[]): ExecLine {
  const { own, words, values } = partsOf(args);
  const line = { ...parseLine(execFlags, own, 'gzip -9 {}'), args, own };
  const { flags, positionals } = line;
  const lists = [
    ...(flags['arg-file'] === undefined ? [] : [{ files: flags['arg-file'], linked: false }]),
    ...listsOf(values),
  ];
  const [first, ...others] = positionals;
  if (words === undefined || first !== undefined) {
    const inputs = [...others, ...(words ?? [])];
    if (first === undefined) throw noCommand('got none');
    expectInUtf8(inputs);
    if (lists.length > 0 && inputs.length > 0) {
      throw new BatchxError(
        'usage',
        `expected the values of the command in one place, got ${inputs.join(' ')} beside those of -a or \`:::\``,
      );
    }
    return { ...line, command: commandOf([first]), words: [first], inputs, lists };
  }
  return { ...line, command: commandOf(words), words, inputs: [], lists };
}

const noCommand = (got: string): BatchxError =>
  new BatchxError('usage', `expected a command, ${got}, as in: batchx exec 'gzip -k {}' 'logs/*.txt'`);

/** Files are opened by their names as text; a walk finds those of other names, too, and values are passed on as bytes. */
function expectInUtf8(inputs: readonly string[]): void {
  const input = inputs.find(keepsBytes);
  if (input === undefined) return;
  throw new BatchxError(
    'usage',
    `expected names in UTF-8, got ${shownArg(input)}: give such files behind \`:::\`, or by a pattern in quotes, as in '*.txt'`,
  );
}

/** One word may be a whole command; several are words already. */
function commandOf(words: readonly string[]): string | readonly string[] {
  const [first] = words;
  if (first === undefined) throw noCommand('got none');
  if (first.trim() === '') throw noCommand('got empty text');
  return words.length === 1 ? first : words;
}
