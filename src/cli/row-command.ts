import { BatchxError } from '../core/errors.js';
import type { Command } from './command.js';
import { rowFlags } from './row-flags.js';
import { runRows } from './row-run.js';

/** A command that runs one step over rows: `map` and `filter`. */
export function rowCommand(
  about: Pick<Command, 'name' | 'summary' | 'examples'> & { readonly notes?: readonly string[] },
): Command<typeof rowFlags> {
  return {
    ...about,
    usage: '<expression> [input...]',
    flags: rowFlags,
    notes: [inputs, expressions, ...(about.notes ?? []), failures],
    async run(line) {
      const [expression, ...names] = line.positionals;
      if (expression === undefined) {
        throw new BatchxError('usage', `expected an expression, as in: ${about.examples[0]?.line ?? ''}`);
      }
      return runRows({ name: about.name, options: { expression } }, names, line);
    },
  };
}

const inputs =
  'Inputs are files (.jsonl, .ndjson, .json, .csv, .txt, each also .gz), globs in quotes, folders, `-` for standard input, which is also read when there is no input, or values behind `:::`.';

const expressions =
  'The expression is JavaScript. It sees `data`, the row, and `item`, with `item.id`, `item.seq` and `item.metadata` (source, line, offset); a function is given both. It may be async. What it says by `console` goes to standard error.';

const failures =
  'A row that cannot be read, or for which the expression throws, is told on standard error, and the others go on. The exit code is 0 when all is well, 1 when some rows failed, 2 for wrong usage, 3 for a halt (--strict), 4 when an input cannot be read or nothing matches, 5 when an output cannot be written.';
