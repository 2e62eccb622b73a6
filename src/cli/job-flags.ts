import * as z from 'zod';
import { oneOf, text, whole } from './flag-types.js';
import { flag } from './flags.js';

/** The flags of a command that keeps the state of its work. */
export const jobFlags = {
  job: flag(
    text.optional(),
    'The name under which the state of the run is kept, in the folder .batchx; by what is run unless said.',
    { value: 'NAME' },
  ),
  journal: flag(
    z.boolean().default(true),
    'Keep the state of the run, so that it can go on after whatever ends it; --no-journal keeps none.',
  ),
  resume: flag(
    z.boolean().default(false),
    'Go on with what an earlier run has left, or end with 2 when there is nothing.',
  ),
  'break-lock': flag(
    z.boolean().default(false),
    'Take the job over from a run of which cannot be seen from here whether it still goes on.',
  ),
  fresh: flag(z.boolean().default(false), 'Forget what earlier runs have done, and do everything anew.'),
  retry: flag(
    oneOf(['failed', 'in-doubt', 'all'], ' (--retries says how often a call is tried)').optional(),
    'Also run the items again that failed in an earlier run, that it left in doubt, or both.',
  ),
  'only-new': flag(
    z.boolean().default(false),
    'Do not show results on standard output again that an earlier run has written there.',
  ),
  verify: flag(
    z.boolean().default(false),
    'Read the files that earlier runs have written for items, and make those again that were altered; unless said only their sizes are compared.',
  ),
  'on-duplicate': flag(
    oneOf(['error', 'first']).default('error'),
    'What to do with an item whose id another one before it has, with other content: fail it, or pass it over. One with the same content is passed over in any case.',
  ),
  'keep-runs': flag(
    whole(0).prefault('20'),
    'Of how many runs of the job the report is kept, for `batchx runs` and `batchx report`; 20 unless said.',
    { value: 'N' },
  ),
  durability: flag(
    oneOf(['power', 'off']).default('power'),
    'Wait until what is done is on the disk, or leave that to the system: then a loss of power may undo the end of it.',
  ),
};
