import * as z from 'zod';
import { haltRule, toHaltRules } from '../pipeline/halt-rule.js';
import { concurrency, oneOf, text, wanted, whole } from './flag-types.js';
import { flag, printPipelineFlag } from './flags.js';
import { FORMATS } from './inputs.js';
import { PROGRESS } from './progress.js';

const delimiter = z
  .string()
  .transform((given) => (given === 'tab' || given === '\\t' ? '\t' : given))
  .pipe(z.string().regex(/^[^"'\r\n]$/u, wanted('one character that is no quote and no line break, or tab')));

/** The flags of the commands that turn rows into rows. */
export const rowFlags = z.strictObject({
  concurrency: flag(
    concurrency.optional(),
    'How many asynchronous calls run at once: a number, 50% of the cores, or auto; 4 unless said.',
    { alias: 'j', value: 'N' },
  ),
  'keep-order': flag(
    z.boolean().default(true),
    'Write rows in the order in which they were read, which is so unless said; --no-keep-order writes them as they are done.',
    { alias: 'k' },
  ),
  strict: flag(z.boolean().default(false), 'Stop at the first failure and exit with 3: short for --halt now,fail=1.'),
  halt: flag(
    haltRule().transform(toHaltRules).optional(),
    'When to stop before the end, as GNU parallel says it: never, or now or soon, a comma, and fail, success or done with a number or a share, as in soon,fail=3 or now,fail=10%. soon lets running calls end, now gives them up. A share counts from 10 rows on.',
    { value: 'RULE' },
  ),
  limit: flag(whole(0).optional(), 'Read no more rows than this.', { value: 'N' }),
  in: flag(
    oneOf(FORMATS).optional(),
    'What the input is; by the name of the file unless said, jsonl for standard input.',
  ),
  out: flag(
    oneOf(FORMATS).default('jsonl'),
    'What to write: one JSON value a line, an array, rows with a header, or bare text; jsonl unless said.',
  ),
  delimiter: flag(
    delimiter.optional(),
    'What stands between the cells of CSV, in and out: one character, or tab; a comma unless said, a tab in .tsv files.',
    { value: 'CHAR' },
  ),
  count: flag(z.boolean().default(false), 'Write only how many rows there would have been.'),
  stats: flag(text.optional(), 'Write only the statistics of the numbers that this expression gives for the rows.', {
    value: 'EXPR',
  }),
  'group-by': flag(
    text.optional(),
    'Write one row for each value that this expression has for the rows, with its count, or its --stats; for at most 1,000,000 values.',
    { value: 'EXPR' },
  ),
  failed: flag(
    text.optional(),
    'Write the rows that failed to this file, in a form that can be given as input again. An older file of such rows is removed at the start; one that holds anything else is refused.',
    { value: 'FILE' },
  ),
  'retry-in-doubt': flag(
    z.boolean().default(false),
    'Run the rows again that an earlier run left in doubt, as they may have been done. Unless said they stay so.',
  ),
  'allow-empty': flag(
    z.boolean().default(false),
    'Take it for no rows when a glob or a folder has no files for us, no value is given, or standard input is closed: exit with 0, not 4. A file that is named still has to be there.',
  ),
  'print-pipeline': printPipelineFlag,
  progress: flag(
    oneOf(PROGRESS).default('auto'),
    'How to show on standard error how it goes; --no-progress shows nothing.',
  ),
  quiet: flag(z.boolean().default(false), 'Say nothing of failures and of how it goes; the exit code tells.', {
    alias: 'q',
  }),
});
