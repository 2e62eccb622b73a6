import * as z from 'zod';
import { haltRule, toHaltRules } from '../pipeline/halt-rule.js';
import { concurrency, oneOf, text, whole } from './flag-types.js';
import { flag } from './flags.js';
import { jobFlags } from './job-flags.js';
import { PROGRESS } from './progress.js';

/** What chooses a pipeline and its values: for every command that is given the file of one. */
export const fileFlags = {
  pipeline: flag(text.optional(), 'Which pipeline of a file that has several.', { value: 'NAME' }),
  config: flag(
    text.optional(),
    'Values for {{ config.x }} in place of those in the file: JSON, or the name of a file with JSON or YAML.',
    { value: 'JSON|FILE' },
  ),
  set: flag(
    z.array(z.string()).optional(),
    'One value for {{ config.x }}, as x=5: JSON where it is that, text otherwise. It may be given several times, and comes before --config.',
    { value: 'NAME=VALUE' },
  ),
  input: flag(
    z.array(text).optional(),
    'What to read in place of the input of the file, as inputs behind it are: a path, a glob, a folder, or - for standard input. It may be given several times.',
    { value: 'FILE|GLOB|-' },
  ),
  manifest: flag(
    text.optional(),
    'A list of items to read in place of the input of the file; it may name its pipeline and its outputs.',
    { value: 'FILE' },
  ),
  output: flag(text.optional(), 'The folder for relative outputs, in place of outputRoot.', { value: 'DIR' }),
};

/** The flags of `run`. */
export const runFlags = z.strictObject({
  ...fileFlags,
  concurrency: flag(
    concurrency.optional(),
    'How many items each stage works on at once, where the file does not say it for the stage: a number, 50% of the cores, or auto.',
    { alias: 'j', value: 'N' },
  ),
  'keep-order': flag(
    z.boolean().optional(),
    'Write results in the order of the input. Unless said, those whose steps only work in memory are, and others are written as they are done.',
    {
      alias: 'k',
    },
  ),
  limit: flag(whole(0).optional(), 'Read no more items than this.', { value: 'N' }),
  'dry-run': flag(
    z.boolean().default(false),
    'Only tell each command, request and path for the first items, ten unless --limit says otherwise; touch nothing.',
  ),
  test: flag(
    z.boolean().default(false),
    'Write to a folder of its own beside the usual one, with _test behind its name; outputs that would lie elsewhere are refused.',
  ),
  shape: flag(
    oneOf(['result', 'outcome']).default('outcome'),
    'What a line on standard output holds, where the file has no output: only the result, or the whole outcome with id, success, result or error.',
  ),
  strict: flag(z.boolean().default(false), 'Stop at the first failure and exit with 3: short for --halt now,fail=1.'),
  halt: flag(
    haltRule().transform(toHaltRules).optional(),
    'When to stop before the end, as GNU parallel says it, in place of what the file says.',
    { value: 'RULE' },
  ),
  failed: flag(
    text.optional(),
    'Write the items that failed to this file, in a form that can be given as input again.',
    {
      value: 'FILE',
    },
  ),
  ...jobFlags,
  report: flag(text.optional(), 'Write the report of the run to this file, as JSON, however it ends.', {
    value: 'FILE',
  }),
  'report-items': flag(
    text.optional(),
    'Write a row for each item to this file: what became of it, how long each step took, in how many attempts.',
    { value: 'FILE' },
  ),
  json: flag(z.boolean().default(false), 'Print the report on standard output, as JSON.'),
  'allow-empty': flag(z.boolean().default(false), 'Exit with 0, not 4, when there is nothing to do.'),
  progress: flag(
    oneOf(PROGRESS).default('auto'),
    'How to show on standard error how it goes; --no-progress shows nothing.',
  ),
  quiet: flag(z.boolean().default(false), 'Say nothing of failures and of how it goes; the exit code tells.', {
    alias: 'q',
  }),
});
