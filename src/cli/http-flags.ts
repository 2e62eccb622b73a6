import * as z from 'zod';
import { builtin } from '../builtin.js';
import { rateText } from '../core/rate.js';
import { duration, toMs } from '../core/schema.js';
import { time, timeout } from './exec-flags.js';
import { text, wanted } from './flag-types.js';
import { flag } from './flags.js';
import { jobFlags } from './job-flags.js';
import { rowFlags } from './row-flags.js';
import { runFlags } from './run-flags.js';

const shape = builtin.get('step', 'http').options.shape as Readonly<Record<string, z.ZodType>>;
const run = runFlags.shape;

/** What an option of the step says of itself. */
const said = (name: string): string => shape[name]?.description ?? '';

/** Text that fits an option of the step. */
const fits = (name: string) =>
  text.superRefine((given, context) => {
    for (const { message } of shape[name]?.safeParse(given).error?.issues ?? [])
      context.addIssue({ code: 'custom', message });
  });

/** A flag that is the text of an option: what it may be, and what it says, is told there. */
const option = (name: string, value: string) => flag(fits(name).optional(), said(name), { value });

const pair = (what: string, pattern: RegExp) => z.array(z.string().regex(pattern, wanted(what)));
const field = pair('NAME=VALUE', /^[^=]+=/);

/** The flags of `http`. Those of curl have its names. */
export const httpFlags = z.strictObject({
  header: flag(
    pair("a header such as 'accept: text/csv'", /^[^:\s]+:/).optional(),
    'A header; values of the row may be in it.',
    { alias: 'H', value: 'NAME: VALUE' },
  ),
  data: flag(
    z.string().optional(),
    'The body, as a text with values of the row in it, or @FILE for the text of a file. It is sent as text/plain unless a header says otherwise.',
    { alias: 'd', value: 'TEXT' },
  ),
  'json-body': flag(
    text.optional(),
    'The body as JSON, or @FILE: "{{ name }}" alone stands for the value as it is, and {{ data }} for the whole row.',
    { value: 'JSON' },
  ),
  form: flag(field.optional(), 'A field of a form, which is the body then.', { value: 'NAME=VALUE' }),
  query: flag(field.optional(), 'What is added to the query of the URL.', { value: 'NAME=VALUE' }),
  expect: flag(z.array(fits('expect')).optional(), said('expect'), { value: 'STATUS' }),
  as: flag(
    z.enum(['auto', 'json', 'text', 'none', 'response'], wanted('one of auto, json, text, none, response')).optional(),
    said('as'),
  ),
  success: option('success', 'EXPR'),
  throttled: option('throttled', 'EXPR'),
  location: flag(z.boolean().default(false), 'Follow redirects, up to five.', { alias: 'L' }),
  'max-body': option('maxBody', 'SIZE'),
  'allow-private': flag(z.boolean().default(false), said('allowPrivate')),
  'idempotency-key': option('idempotencyKey', 'TEXT'),
  secret: flag(
    z.array(text).optional(),
    'A variable of the environment that may be named as {{ env.NAME }}, and whose value is shown nowhere; one of less than four characters cannot be hidden.',
    { value: 'NAME' },
  ),
  'arg-file': flag(text.optional(), 'Take each line of a file as a value, {{ data }}; `-` for standard input.', {
    alias: 'a',
    value: 'FILE',
  }),
  in: rowFlags.shape.in,
  delimiter: flag(
    rowFlags.shape.delimiter,
    'What stands between the cells of CSV: one character, or tab; a comma unless said, a tab in .tsv files.',
    { value: 'CHAR' },
  ),
  id: flag(text.optional(), 'What a row is called in results and messages: an expression over `data`, or {{ sku }}.', {
    value: 'EXPR',
  }),
  concurrency: flag(
    runFlags.shape.concurrency,
    'How many requests run at once: a number, 50% of the cores, or auto; 4 unless said.',
    { alias: 'j', value: 'N' },
  ),
  'keep-order': flag(z.boolean().default(false), 'Write results in the order of the input.', { alias: 'k' }),
  timeout: flag(
    timeout.optional(),
    'Give up a request that takes longer: seconds, 10s, 1.5m, or 300% of the median of those before; 5m unless said.',
    { value: 'TIME' },
  ),
  'headers-timeout': flag(time.optional(), said('headersTimeout'), { value: 'TIME' }),
  'body-timeout': flag(time.optional(), said('bodyTimeout'), { value: 'TIME' }),
  retries: flag(
    z.string().regex(/^\d+$/, wanted('a whole number of at least 0')).transform(Number).optional(),
    'Try a request that failed again so many times, after waits that grow, where that does no harm.',
    { value: 'N' },
  ),
  rate: flag(rateText().optional(), 'Start no more than so many in any such time: 2/s, 100/m.', { value: 'RATE' }),
  delay: flag(
    time.pipe(duration().refine((given) => toMs(given) > 0, wanted('a time longer than 0'))).optional(),
    'Start a request only so long after the one before.',
    { value: 'TIME' },
  ),
  cache: flag(
    z.boolean().default(false),
    'Do not make a request again that was made with the same values, now or in an earlier run.',
  ),
  halt: flag(runFlags.shape.halt, rowFlags.shape.halt.description ?? '', { value: 'RULE' }),
  strict: run.strict,
  limit: flag(runFlags.shape.limit, 'Make no more requests than this.', { value: 'N' }),
  'dry-run': flag(
    z.boolean().default(false),
    'Only tell the requests, of the first ten rows unless --limit says otherwise; make none.',
  ),
  shape: flag(
    z.enum(['outcome', 'result'], wanted('one of outcome, result')).default('outcome'),
    'What a line of the output holds: the outcome with id, success, result or error, or only what came back.',
  ),
  failed: run.failed,
  ...jobFlags,
  'retry-in-doubt': rowFlags.shape['retry-in-doubt'],
  report: run.report,
  'report-items': run['report-items'],
  json: run.json,
  'print-pipeline': rowFlags.shape['print-pipeline'],
  'allow-empty': rowFlags.shape['allow-empty'],
  progress: run.progress,
  verbose: flag(z.boolean().default(false), 'Tell each request on standard error as it is made.', { alias: 'v' }),
  quiet: run.quiet,
});
