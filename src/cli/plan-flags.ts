import * as z from 'zod';
import { whole } from './flag-types.js';
import { flag } from './flags.js';
import { jobFlags } from './job-flags.js';
import { fileFlags } from './run-flags.js';

const { job, fresh, retry, 'only-new': onlyNew, verify, 'on-duplicate': onDuplicate } = jobFlags;

/** The flags of `plan`: those of `run` that say which items are run. */
export const planFlags = z.strictObject({
  ...fileFlags,
  limit: flag(whole(0).optional(), 'Read no more items than this.', { value: 'N' }),
  job,
  fresh,
  retry,
  'only-new': onlyNew,
  verify,
  'on-duplicate': onDuplicate,
  items: flag(z.boolean().default(false), 'Tell of each item what a run would do with it, and why; a line each.'),
  json: flag(z.boolean().default(false), 'Print JSON: the counts, or with --items a line for each item.'),
});
