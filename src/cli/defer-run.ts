import { BatchxError } from '../core/errors.js';
import { createRuntime } from '../core/runtime.js';
import { deferItems, keysOf } from '../journal/defer.js';
import { peekJob } from '../journal/peek-job.js';
import { type Ending, EXIT } from './exit.js';
import { say } from './terminal.js';
import { whichJob } from './which-job.js';

/** Notes that items of a job are to be passed over from now on, or no longer. */
export async function deferIn(words: readonly string[], args: readonly string[], undo: boolean): Promise<Ending> {
  const [name, ...ids] = words;
  if (name === undefined || ids.length === 0)
    throw new BatchxError('usage', 'expected a job and the ids of items, as in: batchx defer shop a-1 a-2');
  const { folder } = whichJob(name, 'defer shop a-1');
  const peeked = peekJob(folder);
  if (peeked === undefined) throw new BatchxError('usage', `no run of the job ${name} is known`);
  try {
    const keys = keysOf(peeked, ids);
    const at = new Date(createRuntime().wallNow()).toISOString();
    const noted = await deferItems({
      folder,
      at,
      args: ['defer', ...args],
      cwd: process.cwd(),
      keys: [...keys.values()].map(({ key }) => key),
      undo,
      lineAt: (place) => peeked.results.read(place),
    });
    for (const [id, { key, met }] of keys) say(told(id, noted.includes(key), met, undo));
    return EXIT.ok;
  } finally {
    peeked.close();
  }
}

function told(id: string, noted: boolean, met: boolean, undo: boolean): string {
  if (undo) return noted ? `${id} is no longer deferred: it is as it was before` : `${id} was not deferred`;
  if (!noted) return `${id} is deferred already`;
  if (met) return `${id} is deferred: runs pass it over until --undo`;
  return `${id} is deferred, though no run has met it: one that has this id, or this path, is passed over until --undo`;
}
