import { existsSync } from 'node:fs';
import { keepsBytes } from '../core/command/argument.js';
import { BatchxError } from '../core/errors.js';
import type { Command } from './command.js';
import { shownArg } from './flag-faults.js';
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
    notes: [inputs, expressions, ...(about.notes ?? []), outputs, failures, signals],
    async run(line) {
      const [expression, ...names] = line.positionals;
      if (expression === undefined) {
        throw new BatchxError('usage', `expected an expression, as in: ${about.examples[0]?.line ?? ''}`);
      }
      if (names.length === 0 && line.literals === undefined && isForgotten(expression)) {
        throw new BatchxError(
          'usage',
          `expected an expression, got only the name of a file, as in: batchx ${about.name} data ${expression}`,
        );
      }
      expectInUtf8(line.positionals, line.literals ?? []);
      if (line.flags['print-pipeline']) {
        const { printRows } = await import('./pipelines.js');
        return printRows({ name: about.name, options: { expression } }, names, line);
      }
      return runRows({ name: about.name, options: { expression } }, names, line);
    },
  };
}

/** Rows are text, and so are the names by which files are opened. */
function expectInUtf8([expression = '', ...names]: readonly string[], values: readonly string[]): void {
  const refuse = (what: string, arg: string | undefined, instead: string): void => {
    if (arg === undefined) return;
    throw new BatchxError('usage', `expected ${what} in UTF-8, got ${shownArg(arg)}${instead}`);
  };
  refuse('an expression', [expression].find(keepsBytes), ': JavaScript is text');
  refuse('the name of an input', names.find(keepsBytes), ': give that file to standard input, with < FILE');
  refuse('values', values.find(keepsBytes), ': rows are text');
}

/** Whether what stands in the place of the expression is meant as an input. */
const isForgotten = (expression: string): boolean =>
  expression !== 'data' && expression !== 'item' && existsSync(expression);

const inputs =
  'Inputs are files (.jsonl, .ndjson, .json, .csv, .tsv, .txt, each also .gz), globs in quotes, folders, `-` for standard input, which is also read when there is no input, or values behind `:::`.';

const expressions =
  'The expression is JavaScript. It sees `data`, the row, and `item`, with `item.id`, `item.seq` and `item.metadata` (source, line, offset); a function is given both. It may be async. What it says by `console` goes to standard error.';

const outputs = '`--out csv` writes a quote before a text that a spreadsheet would run as a formula.';

const failures =
  'A row that cannot be read or written, or for which an expression throws, is told on standard error, and the others go on; with --strict or --halt nothing more is read, but rows close behind one that cannot be written may be written already. The exit code is 0 when all is well, 1 when some rows failed or the expression left an error or a promise behind that no row waits for, 2 for wrong usage, 3 for a halt because of failures (--strict, --halt), 4 when an input cannot be read or nothing matches, 5 when an output cannot be written.';

const signals =
  'Ctrl-C reads nothing more and lets running calls end, up to 30 seconds; again, it gives them up; two within a tenth of a second count as one. An expression that never returns holds up even that: Ctrl-\\ ends the program. SIGHUP is ignored when no standard stream is a terminal, as under nohup or as a service.';
