import { availableParallelism, totalmem } from 'node:os';
import * as z from 'zod';
import { haltRule, toHaltRules } from '../pipeline/halt-rule.js';
import { duration } from '../core/schema.js';
import { rateText } from '../core/rate.js';
import { flag, printPipelineFlag } from './flags.js';
import { jobFlags } from './job-flags.js';
import { FORMATS } from './inputs.js';
import { PROGRESS } from './progress.js';
import { concurrency, oneOf, text, wanted, whole } from './flag-types.js';

/** A time, as parallel takes it too: a bare number is seconds. */
export const time = z
  .string()
  .transform((given) => (/^\d+(\.\d+)?$/.test(given) ? `${given}s` : given))
  .pipe(duration());

export const timeout = z.union(
  [z.string().regex(/^\d+(\.\d+)?%$/), time],
  wanted('a time such as "10s", or a share such as "300%"'),
);

/** How many commands run at once unless said: one core is left to those who wait for them, and with little memory half. */
export function defaultJobs(): number {
  const cores = Math.max(1, availableParallelism() - 1);
  return totalmem() < 4 * 1024 ** 3 ? Math.max(1, Math.floor(cores / 2)) : cores;
}

export const execFlags = z.strictObject({
  concurrency: flag(
    concurrency.optional(),
    'How many commands run at once: a number, 50% of the cores, or auto for all of them; unless said one less than there are cores, half of that with under 4 GB of memory.',
    { alias: 'j', value: 'N' },
  ),
  'keep-order': flag(z.boolean().default(false), 'Write the output of commands in the order of their values.', {
    alias: 'k',
  }),
  tag: flag(z.boolean().default(false), 'Begin each line of output with the values that it is about, and a tab.'),
  'line-buffer': flag(
    z.boolean().default(false),
    'Write each line as soon as a command has written it, instead of its whole output at its end.',
  ),
  'arg-file': flag(
    z.array(text).optional(),
    'Take each line of a file as a value, `-` for standard input; several are combined.',
    { alias: 'a', value: 'FILE', instead: 'give it to standard input, with -a - < FILE' },
  ),
  null: flag(z.boolean().default(false), 'Values in files end with a NUL character, as `find -print0` writes them.', {
    alias: '0',
  }),
  colsep: flag(text.optional(), 'Cut each value at this regular expression into columns: {1}, {2}, ...', {
    alias: 'C',
    value: 'REGEX',
  }),
  header: flag(oneOf([':']).optional(), 'With `:` the first value of each list, or its columns, are names: {name}.', {
    value: ':',
  }),
  link: flag(z.boolean().default(false), 'Take one value of each list at a time, instead of all combinations.'),
  'max-args': flag(whole(1).optional(), 'Give so many values to each command: {1}, {2}, ...', {
    alias: 'N',
    value: 'N',
  }),
  in: flag(
    oneOf(FORMATS).optional(),
    'Read the inputs as rows of this format; their fields are {{ name }}. Unless said files are values, and standard input has one a line.',
  ),
  timeout: flag(
    timeout.optional(),
    'End a command that takes longer, with all that it started: seconds, 10s, 1.5m, or 300% of the median of those before.',
    { value: 'TIME' },
  ),
  retries: flag(whole(0).optional(), 'Try a command that failed again so many times, after waits that grow.', {
    value: 'N',
  }),
  rate: flag(rateText().optional(), 'Start no more than so many in any such time: 2/s, 100/m.', { value: 'RATE' }),
  delay: flag(time.optional(), 'Start a command only so long after the one before.', { value: 'TIME' }),
  halt: flag(
    haltRule().transform(toHaltRules).optional(),
    'When to stop before the end, as GNU parallel says it: never, or now or soon, a comma, and fail, success or done with a number or a share, as in soon,fail=3 or now,fail=10%. soon lets running commands end, now ends them. A share counts from 10 on.',
    { value: 'RULE' },
  ),
  strict: flag(z.boolean().default(false), 'Stop at the first failure and exit with 3: short for --halt now,fail=1.'),
  limit: flag(whole(0).optional(), 'Run no more commands than this.', { value: 'N' }),
  'dry-run': flag(z.boolean().default(false), 'Write the command lines instead of running them.'),
  shell: flag(
    z.boolean().default(false),
    'Have sh run the command, with pipes, variables and `&&`; values reach it as they are, never as a part of the script.',
  ),
  stdin: flag(
    z.boolean().default(false),
    'Give each value to the standard input of its command: of a file what is in it.',
  ),
  cwd: flag(text.optional(), 'Run the commands in this folder; placeholders stand for values.', {
    value: 'DIR',
    instead: 'go there before, with `cd`',
  }),
  env: flag(
    z.array(z.string().regex(/^[^=]+=/, wanted('NAME=VALUE'))).optional(),
    'Set a variable of the environment of the commands.',
    { value: 'NAME=VALUE', instead: 'set it in the script of --shell' },
  ),
  creates: flag(
    text.optional(),
    'The file that each command makes, seen from the folder that it runs in. It is given a temporary name for it, as {outputPath} or where it has the same word; the file gets its name once the command has succeeded.',
    { value: 'PATH' },
  ),
  'on-exists': flag(
    oneOf(['fail', 'skip', 'overwrite']).optional(),
    'What to do when the file of --creates is there already: fail unless said.',
  ),
  joblog: flag(text.optional(), 'Write a line for each command to this file, in the columns of GNU parallel.', {
    value: 'FILE',
  }),
  results: flag(text.optional(), 'Keep what each command writes in files below this folder, instead of showing it.', {
    value: 'DIR',
  }),
  out: flag(
    oneOf(['output', 'jsonl']).default('output'),
    'What to write: the output of the commands, or a line of JSON for each, with its outcome.',
  ),
  failed: flag(text.optional(), 'Write the values whose commands failed to this file; -a FILE runs just those again.', {
    value: 'FILE',
  }),
  ...jobFlags,
  'retry-in-doubt': flag(
    z.boolean().default(false),
    'Run the values again that an earlier run left in doubt, as they may have been done. Unless said they stay so.',
  ),
  'allow-empty': flag(
    z.boolean().default(false),
    'Take it for no values when nothing matches, no value is given, or standard input is closed: exit with 0, not 4.',
  ),
  'print-pipeline': printPipelineFlag,
  progress: flag(
    oneOf(PROGRESS).default('auto'),
    'How to show on standard error how it goes; --no-progress shows nothing.',
  ),
  verbose: flag(z.boolean().default(false), 'Tell each command line on standard error before it is run.', {
    alias: 'v',
  }),
  quiet: flag(z.boolean().default(false), 'Say nothing of failures and of how it goes; the exit code tells.', {
    alias: 'q',
  }),
});
